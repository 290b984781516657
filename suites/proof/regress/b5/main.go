// Command b5 echoes in pieces of 16 bytes, each a write of its own, on nbio.
package main

import (
	"log"
	"os"

	"github.com/lesismal/nbio"
	"reactorspec.test/conversation"
)

func main() {
	engine := nbio.NewEngine(nbio.Config{Network: "tcp", Addrs: []string{"127.0.0.1:" + os.Getenv("PORT")}})
	engine.OnOpen(func(c *nbio.Conn) {
		c.SetSession(conversation.New(conversation.Options{Class: "multi-reactor", Piece: 16}))
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
