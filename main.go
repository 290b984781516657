// Command reactorspec judges event-driven servers by a numbered specification.
// It also contains a reference server that keeps the specification.
package main

import (
	"os"

	"github.com/reactorspec/reactorspec/reference/serve"
	"github.com/reactorspec/reactorspec/suites/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Embedded{Command: serve.Command}))
}
