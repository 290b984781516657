// Command b10 opens a datagram socket beside every connection, as a relay to
// a name or log server does, and closes both together: nbio.
package main

import (
	"log"
	"net"
	"os"

	"github.com/lesismal/nbio"
	"reactorspec.test/conversation"
)

// client is one stream connection and the datagram socket that goes with it.
type client struct {
	conversation *conversation.Conn
	beside       *nbio.Conn
}

// open gives the engine a datagram socket that is connected to its own peer.
func open(engine *nbio.Engine, peer net.Addr) (*nbio.Conn, error) {
	c, err := net.Dial("udp", peer.String())
	if err != nil {
		return nil, err
	}
	return engine.AddConn(c)
}

func main() {
	peer, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	engine := nbio.NewEngine(nbio.Config{Network: "tcp", Addrs: []string{"127.0.0.1:" + os.Getenv("PORT")}})
	engine.OnOpen(func(c *nbio.Conn) {
		if c.RemoteAddr().Network() != "tcp" {
			return
		}
		beside, err := open(engine, peer.LocalAddr())
		if err != nil {
			log.Print(err)
			c.Close()
			return
		}
		c.SetSession(&client{conversation: conversation.New(conversation.Options{Class: "multi-reactor"}), beside: beside})
	})
	engine.OnClose(func(c *nbio.Conn, err error) {
		if v, ok := c.Session().(*client); ok {
			v.beside.Close()
		}
	})
	engine.OnData(func(c *nbio.Conn, in []byte) {
		if v, ok := c.Session().(*client); ok && v.conversation.Feed(in, func(p []byte) { c.Write(p) }) {
			c.Close()
		}
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
