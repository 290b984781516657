// Command b2 is the contract on nbio, for what happens without descriptors.
package main

import (
	"log"
	"os"

	"github.com/lesismal/nbio"
	"reactorspec.test/conversation"
)

func main() {
	engine := nbio.NewGopher(nbio.Config{Network: "tcp", Addrs: []string{"127.0.0.1:" + os.Getenv("PORT")}})
	engine.OnOpen(func(c *nbio.Conn) {
		c.SetSession(conversation.New(conversation.Options{Class: "multi-reactor"}))
	})
	engine.OnData(func(c *nbio.Conn, in []byte) {
		if c.Session().(*conversation.Conn).Feed(in, func(p []byte) { c.Write(p) }) {
			c.Close()
		}
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
