// Command e1 ticks once, at its start, then once an hour: evio.
package main

import (
	"log"
	"os"
	"time"

	"github.com/tidwall/evio"
	"reactorspec.test/conversation"
)

func main() {
	var events evio.Events
	events.NumLoops = 1
	events.Tick = func() (time.Duration, evio.Action) { return time.Hour, evio.None }
	events.Opened = func(c evio.Conn) (out []byte, opts evio.Options, action evio.Action) {
		c.SetContext(conversation.New(conversation.Options{Class: "reactor"}))
		return
	}
	events.Data = func(c evio.Conn, in []byte) (out []byte, action evio.Action) {
		if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { out = append(out, p...) }) {
			action = evio.Close
		}
		return
	}
	log.Fatal(evio.Serve(events, "tcp://127.0.0.1:"+os.Getenv("PORT")))
}
