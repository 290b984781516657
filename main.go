// Command reactorspec serves the reference.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/reactorspec/reactorspec/reference"
)

func main() {
	fs := flag.NewFlagSet("serve", flag.ExitOnError)
	serve := reference.Command(fs)
	if len(os.Args) < 2 || os.Args[1] != "serve" {
		fmt.Fprintln(os.Stderr, "usage: reactorspec serve [flags]")
		os.Exit(2)
	}
	_ = fs.Parse(os.Args[2:]) // ExitOnError
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "reactorspec:", err)
		os.Exit(1)
	}
}
