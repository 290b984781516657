// Echo on evio: one loop, the input buffer shared.
package main

import (
	"log"
	"os"

	"github.com/tidwall/evio"

	_ "github.com/reactorspec/reactorspec/reference/bench/peers/heap"
)

func main() {
	var e evio.Events
	e.NumLoops = 1
	e.Opened = func(evio.Conn) ([]byte, evio.Options, evio.Action) {
		return nil, evio.Options{ReuseInputBuffer: true}, evio.None
	}
	e.Data = func(_ evio.Conn, in []byte) ([]byte, evio.Action) { return in, evio.None }
	log.Fatal(evio.Serve(e, "tcp://127.0.0.1:"+os.Args[1]))
}
