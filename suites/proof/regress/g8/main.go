// Command g8 closes a connection while output waits: SOURCE on gnet, one loop.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet/v2"
	"reactorspec.test/conversation"
)

type server struct{ gnet.BuiltinEventEngine }

func (*server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(conversation.New(conversation.Options{Class: "reactor", Sink: true, Source: true}))
	return nil, gnet.None
}

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	in, _ := c.Next(-1)
	if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { c.Write(p) }) {
		return gnet.Close
	}
	return gnet.None
}

func main() {
	log.Fatal(gnet.Run(&server{}, "tcp://127.0.0.1:"+os.Getenv("PORT"), gnet.WithNumEventLoop(1)))
}
