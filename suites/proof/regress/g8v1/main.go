// Command g8v1 is g8 on gnet 1: output and the close that follows it are
// returned together.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet"
	"reactorspec.test/conversation"
)

type server struct{ *gnet.EventServer }

func (server) OnOpened(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(conversation.New(conversation.Options{Class: "reactor", Sink: true, Source: true}))
	return nil, gnet.None
}

func (server) React(in []byte, c gnet.Conn) (out []byte, action gnet.Action) {
	if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { out = append(out, p...) }) {
		action = gnet.Close
	}
	return out, action
}

func main() {
	log.Fatal(gnet.Serve(server{}, "tcp://127.0.0.1:"+os.Getenv("PORT"), gnet.WithNumEventLoop(1)))
}
