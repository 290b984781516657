// Echo on gnet: one event loop, everything on the loop.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet/v2"

	_ "github.com/reactorspec/reactorspec/reference/bench/peers/heap"
)

type echo struct{ gnet.BuiltinEventEngine }

func (*echo) OnTraffic(c gnet.Conn) gnet.Action {
	all, err := c.Next(-1)
	if err != nil {
		return gnet.Close
	}
	if _, err := c.Write(all); err != nil {
		return gnet.Close
	}
	return gnet.None
}

func main() {
	log.Fatal(gnet.Run(&echo{}, "tcp://127.0.0.1:"+os.Args[1], gnet.WithNumEventLoop(1)))
}
