// Command g12 takes what has come from gnet in pieces of at most 512 bytes, by
// a codec, so that the loop has more to hand over after a write that failed.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet"
	"reactorspec.test/conversation"
)

type pieces struct{}

func (pieces) Encode(_ gnet.Conn, out []byte) ([]byte, error) { return out, nil }

func (pieces) Decode(c gnet.Conn) ([]byte, error) {
	_, piece := c.ReadN(min(c.BufferLength(), 512))
	return piece, nil
}

type server struct{ *gnet.EventServer }

func (server) OnOpened(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(conversation.New(conversation.Options{Class: "multi-reactor"}))
	return nil, gnet.None
}

func (server) take(in []byte, c gnet.Conn) (out []byte, action gnet.Action) {
	if in == nil {
		return nil, gnet.None
	}
	in = append([]byte(nil), in...)
	if c.Context().(*conversation.Conn).Feed(in, func(p []byte) { out = append(out, p...) }) {
		return out, gnet.Close
	}
	return out, gnet.None
}

// React has the codec's frame handed to it from rc.5 on; rc.4 has it asked for.
type (
	asking struct{ server }
	handed struct{ server }
)

func (s asking) React(c gnet.Conn) ([]byte, gnet.Action) {
	return s.take(c.(interface{ ReadFrame() []byte }).ReadFrame(), c)
}

func (s handed) React(in []byte, c gnet.Conn) ([]byte, gnet.Action) { return s.take(in, c) }

func main() {
	handler, ok := any(handed{}).(gnet.EventHandler)
	if !ok {
		handler = any(asking{}).(gnet.EventHandler)
	}
	log.Fatal(gnet.Serve(handler, "tcp://127.0.0.1:"+os.Getenv("PORT"), gnet.WithMulticore(true), gnet.WithCodec(pieces{})))
}
