// Command gnet is the target contract on github.com/panjf2000/gnet/v2.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet/v2"
	"reactorspec.test/conversation"
)

type server struct{ gnet.BuiltinEventEngine }

func (*server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	// gnet offers no close that delivers pending output first, so no SOURCE and no SINK.
	c.SetContext(conversation.New(conversation.Options{Class: "multi-reactor", Loops: 2}))
	return nil, gnet.None
}

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	in, err := c.Next(-1)
	if err != nil {
		return gnet.Close
	}
	done := c.Context().(*conversation.Conn).Feed(in, func(p []byte) {
		if _, err := c.Write(p); err != nil {
			log.Print(err)
		}
	})
	if done {
		return gnet.Close
	}
	return gnet.None
}

func main() {
	err := gnet.Run(&server{}, "tcp://127.0.0.1:"+os.Getenv("PORT"), gnet.WithNumEventLoop(2), gnet.WithReuseAddr(true))
	if err != nil {
		log.Fatal(err)
	}
}
