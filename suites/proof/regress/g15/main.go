// Command g15 closes a connection that is done twice: by React's action, and by
// Close, whose task comes to the loop when the connection is closed already.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet"
	"reactorspec.test/conversation"
)

type server struct{ *gnet.EventServer }

func (server) OnOpened(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(conversation.New(conversation.Options{Class: "multi-reactor"}))
	return nil, gnet.None
}

func (server) React(in []byte, c gnet.Conn) (out []byte, action gnet.Action) {
	in = append([]byte(nil), in...)
	if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { out = append(out, p...) }) {
		if err := c.Close(); err != nil {
			log.Print(err)
		}
		return out, gnet.Close
	}
	return out, gnet.None
}

func main() {
	log.Fatal(gnet.Serve(server{}, "tcp://127.0.0.1:"+os.Getenv("PORT"), gnet.WithMulticore(true)))
}
