// Command g18 takes what has come from gnet in pieces of at most 1,000 bytes,
// 16 of them a turn, and asks to be woken for the rest: whole pieces wait in
// gnet's inbound ring, and some of them lie across its end.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet/v2"
	"reactorspec.test/conversation"
)

type server struct{ gnet.BuiltinEventEngine }

func (*server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(conversation.New(conversation.Options{Class: "multi-reactor"}))
	return nil, gnet.None
}

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	for range 16 {
		n := min(c.InboundBuffered(), 1000)
		if n == 0 {
			return gnet.None
		}
		in, err := c.Next(n)
		if err != nil {
			return gnet.Close
		}
		if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { c.Write(p) }) {
			return gnet.Close
		}
	}
	if err := c.Wake(nil); err != nil {
		return gnet.Close
	}
	return gnet.None
}

func main() {
	log.Fatal(gnet.Run(&server{}, "tcp://127.0.0.1:"+os.Getenv("PORT"), gnet.WithMulticore(true)))
}
