// Package target: placeholder so that suites/session compiles. Whoever builds
// the package deletes this file.
package target

import (
	"context"
	"net"
	"syscall"

	"github.com/reactorspec/reactorspec/suites/observe"
)

type File struct {
	Name     string
	Class    string
	Dialect  string
	Features []string
	Limit    int64
}

type Instance struct{}

func (i *Instance) Addr() net.Addr                        { return nil }
func (i *Instance) Network() string                       { return "tcp" }
func (i *Instance) Pid() int                              { return 0 }
func (i *Instance) Tree() *observe.Tree                   { return nil }
func (i *Instance) Signal(sig syscall.Signal) error       { return nil }
func (i *Instance) Wait(ctx context.Context) (int, error) { return 0, nil }
func (i *Instance) Stderr() string                        { return "" }
func (i *Instance) Stop()                                 {}
func (i *Instance) Owned() bool                           { return false }
func (i *Instance) Restart(ctx context.Context) error     { return nil }
