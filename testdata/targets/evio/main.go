// Command evio is the target contract on github.com/tidwall/evio.
package main

import (
	"log"
	"os"

	"github.com/tidwall/evio"
	"reactorspec.test/conversation"
)

func main() {
	var events evio.Events
	events.NumLoops = 2
	events.Opened = func(c evio.Conn) (out []byte, opts evio.Options, action evio.Action) {
		c.SetContext(conversation.New(conversation.Options{Class: "multi-reactor", Loops: 2}))
		return
	}
	events.Data = func(c evio.Conn, in []byte) (out []byte, action evio.Action) {
		done := c.Context().(*conversation.Conn).Feed(in, func(p []byte) { out = append(out, p...) })
		if done {
			action = evio.Close
		}
		return
	}
	log.Fatal("evio.Serve returned: ", evio.Serve(events, "tcp://127.0.0.1:"+os.Getenv("PORT")))
}
