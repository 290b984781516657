// Command g1 greets each client with GREETING bytes from gnet's OnOpen.
package main

import (
	"log"
	"os"
	"strconv"

	"github.com/panjf2000/gnet/v2"
	"reactorspec.test/conversation"
)

type server struct {
	gnet.BuiltinEventEngine
	greeting []byte
}

func (s *server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(conversation.New(conversation.Options{Class: "multi-reactor"}))
	return s.greeting, gnet.None
}

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	in, _ := c.Next(-1)
	if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { c.Write(p) }) {
		return gnet.Close
	}
	return gnet.None
}

func main() {
	n, err := strconv.Atoi(os.Getenv("GREETING"))
	if err != nil {
		log.Fatal("GREETING: the number of bytes to greet with: ", err)
	}
	s := &server{greeting: make([]byte, n)}
	for i := range s.greeting {
		s.greeting[i] = byte(i % 251)
	}
	log.Fatal(gnet.Run(s, "tcp://127.0.0.1:"+os.Getenv("PORT")))
}
