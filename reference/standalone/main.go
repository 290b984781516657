// Command standalone is the reference server as a program by itself, without
// the judging: the same flags as `reactorspec serve`. SIGTERM and SIGINT drain it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/reactorspec/reactorspec/reference"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	flags := flag.NewFlagSet("standalone", flag.ContinueOnError)
	serve := reference.Command(flags)
	if err := flags.Parse(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		os.Exit(2)
	}
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "standalone:", err)
		os.Exit(1)
	}
}
