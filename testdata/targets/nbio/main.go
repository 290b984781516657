// Command nbio is the target contract on github.com/lesismal/nbio.
package main

import (
	"log"
	"os"

	"github.com/lesismal/nbio"
	"reactorspec.test/conversation"
)

func main() {
	engine := nbio.NewEngine(nbio.Config{
		Network: "tcp",
		Addrs:   []string{"127.0.0.1:" + os.Getenv("PORT")},
		NPoller: 2,
	})
	engine.OnOpen(func(c *nbio.Conn) {
		c.SetSession(conversation.New(conversation.Options{Class: "multi-reactor", Loops: 2}))
	})
	engine.OnData(func(c *nbio.Conn, in []byte) {
		done := c.Session().(*conversation.Conn).Feed(in, func(p []byte) {
			if _, err := c.Write(p); err != nil {
				log.Print(err)
			}
		})
		if done {
			c.Close()
		}
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
