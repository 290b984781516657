//go:build !linux

package observe

import (
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"
)

// Here says why no process can be observed: this system is no Linux.
func Here() error {
	return fmt.Errorf("%w, and this is %s: judge a server that is already running, from the wire alone, --addr tcp://host:port and no --pid", ErrSystem, runtime.GOOS)
}

// Signals that nobody is sent here.
const (
	Stop     = syscall.Signal(0)
	Continue = syscall.Signal(0)
)

// Nudge does nothing.
func (t Thread) Nudge(int) {}

type rlimit struct{ Cur, Max uint64 }

func prlimit(Process, *rlimit, *rlimit) error { return Here() }

func cpuClock(int) (time.Duration, bool) { return 0, false }

func proportional(int) (int64, error) { return 0, Here() }

func sameFile(int, int, int) bool { return false }

func diagnosed(string, selection) ([]Socket, error) { return nil, errElsewhere }

// Backlog is told on Linux only.
func Backlog(net.Addr) (int, error) { return 0, ErrNoListener }
