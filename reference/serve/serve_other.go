//go:build !linux

package serve

import (
	"context"
	"flag"
	"fmt"
	"runtime"
)

// Command says that the reference, which is built on epoll(7), is left out.
func Command(*flag.FlagSet) func(context.Context) error {
	return func(context.Context) error {
		return fmt.Errorf("the reference server runs on Linux alone, and this is %s: judge a server that runs already, `reactorspec check --addr tcp://host:port`", runtime.GOOS)
	}
}
