// Command b13 closes a broken connection once more when it is told of its
// end, in case that nobody did: nbio, one loop.
package main

import (
	"errors"
	"io"
	"log"
	"os"

	"github.com/lesismal/nbio"
	"reactorspec.test/conversation"
)

func main() {
	engine := nbio.NewGopher(nbio.Config{Network: "tcp", Addrs: []string{"127.0.0.1:" + os.Getenv("PORT")}, NPoller: 1})
	engine.OnOpen(func(c *nbio.Conn) {
		c.SetSession(conversation.New(conversation.Options{Class: "reactor"}))
	})
	engine.OnClose(func(c *nbio.Conn, err error) {
		if err != nil && !errors.Is(err, io.EOF) {
			c.Close()
		}
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
