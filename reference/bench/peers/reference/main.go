// The reference as it is shipped: the command `serve`, one reactor, all else by
// default: buffers with their marks, limits, counters, generation tags, the watchdog.
// The idle timeout is off by default, and no peer has one on: with it every poll has
// a deadline, for which the kernel sets a timer. Each connection signs on with ECHO
// first.
package main

import (
	"context"
	"flag"
	"log"
	"os"

	"github.com/reactorspec/reactorspec/reference"

	_ "github.com/reactorspec/reactorspec/reference/bench/peers/heap"
)

func main() {
	fs := flag.NewFlagSet("serve", flag.ExitOnError)
	serve := reference.Command(fs)
	if err := fs.Parse(append([]string{"--listen=127.0.0.1:" + os.Args[1], "--class=reactor"}, os.Args[2:]...)); err != nil {
		log.Fatal(err)
	}
	if err := serve(context.Background()); err != nil {
		log.Fatal(err)
	}
}
