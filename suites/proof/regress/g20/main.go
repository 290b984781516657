// Command g20 enrolls connections that net accepted into a gnet client's loops.
package main

import (
	"log"
	"net"
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
	in, _ := c.Next(-1)
	if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { c.Write(p) }) {
		return gnet.Close
	}
	return gnet.None
}

func main() {
	loops, err := gnet.NewClient(&server{}, gnet.WithMulticore(true))
	if err == nil {
		err = loops.Start()
	}
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		if _, err := loops.Enroll(c); err != nil {
			log.Print(err)
		}
	}
}
