// Command g13 answers one PROBE frame for each call of gnet's React, read by ReadN.
package main

import (
	"bytes"
	"encoding/binary"
	"log"
	"os"

	"github.com/panjf2000/gnet"
	"reactorspec.test/conversation"
)

type server struct{ *gnet.EventServer }

type state struct {
	conversation *conversation.Conn
	framed       bool
	header       []byte // of a frame whose body is not there yet
}

func (server) OnOpened(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(&state{conversation: conversation.New(conversation.Options{Class: "multi-reactor"})})
	return nil, gnet.None
}

func (server) React(c gnet.Conn) (out []byte, action gnet.Action) {
	s := c.Context().(*state)
	var in []byte
	if !s.framed {
		in = append(in, c.Read()...)
		c.ResetBuffer()
		s.framed = bytes.HasPrefix(in, []byte("PROBE\n"))
	} else if in = s.frame(c); in == nil {
		return nil, gnet.None
	}
	if s.conversation.Feed(in, func(p []byte) { out = append(out, p...) }) {
		return out, gnet.Close
	}
	return out, gnet.None
}

// frame takes one whole frame, or nothing.
func (s *state) frame(c gnet.Conn) []byte {
	if s.header == nil {
		n, header := c.ReadN(4)
		if n == 0 {
			return nil
		}
		s.header = append([]byte(nil), header...)
	}
	n, body := c.ReadN(int(binary.BigEndian.Uint32(s.header)))
	if n == 0 {
		return nil
	}
	frame := append(s.header, body...)
	s.header = nil
	return frame
}

func main() {
	log.Fatal(gnet.Serve(server{}, "tcp://127.0.0.1:"+os.Getenv("PORT"), gnet.WithMulticore(true)))
}
