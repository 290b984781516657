// The reference as it is shipped: the command `serve`, one reactor, every
// feature, limit and counter on, also the idle timeout, which is off by default.
// Each connection signs on with ECHO first.
package main

import (
	"context"
	"flag"
	"log"
	"os"

	"github.com/reactorspec/reactorspec/reference"
)

func main() {
	fs := flag.NewFlagSet("serve", flag.ExitOnError)
	serve := reference.Command(fs)
	if err := fs.Parse(append([]string{"--listen=127.0.0.1:" + os.Args[1], "--class=reactor", "--idle-timeout=60s"}, os.Args[2:]...)); err != nil {
		log.Fatal(err)
	}
	if err := serve(context.Background()); err != nil {
		log.Fatal(err)
	}
}
