// Command g5 echoes in pieces of 256 bytes, each a write of its own, on gnet 1.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet"
	"reactorspec.test/conversation"
)

type server struct{ *gnet.EventServer }

func (server) OnOpened(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(conversation.New(conversation.Options{Class: "multi-reactor", Piece: 256}))
	return nil, gnet.None
}

func (server) React(in []byte, c gnet.Conn) ([]byte, gnet.Action) {
	if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { c.AsyncWrite(p) }) {
		return nil, gnet.Close
	}
	return nil, gnet.None
}

func main() { log.Fatal(gnet.Serve(server{}, "tcp://127.0.0.1:"+os.Getenv("PORT"))) }
