package reference

import (
	"github.com/reactorspec/reactorspec/spec/probe"
)

// defaultMaxFrame is the greatest frame of the target contract with its header.
const defaultMaxFrame = probe.MaxFrame + 4

// conversations are what a sign-on command leads to (S3). Those that keep
// nothing but the item serve all connections with one value.
var conversations = map[string]func(probe.SignOn) Handler{
	probe.Echo:   func(probe.SignOn) Handler { return echo{} },
	probe.Sink:   func(probe.SignOn) Handler { return &sink{} },
	probe.Source: func(on probe.SignOn) Handler { return &source{left: on.N} },
	probe.Main:   func(probe.SignOn) Handler { return login{} },
	probe.Probe:  func(probe.SignOn) Handler { return newProbing() },
}

// signOn is the handler of every new connection: it reads the first line, fills
// the client item and hands the connection to the command's conversation. One
// that takes its time over the line costs its connection and nothing else (SIGN-8); one
// that ends before the newline is closed without an answer, by closing (SIGN-6).
type signOn struct{ closing }

func (s *Server) signOn(*Conn) Handler { return signOn{} }

func (signOn) OnOpen(*Conn) {}

func (signOn) OnData(c *Conn, data []byte) int {
	// An error as soon as the line is too long: its newline is not waited for (SIGN-5).
	line, n, err := probe.TakeLine(data, probe.MaxSignOn)
	// A part of a line is left for the next call, whatever the segments (SIGN-2).
	if err == nil && n == 0 {
		return 0
	}
	var on probe.SignOn
	if err == nil {
		on, err = probe.ParseSignOn(line)
	}
	// What is no sign-on learns nothing of us (SIGN-4).
	if err != nil {
		c.Close() // S3: "-1"; nothing is answered
		return len(data)
	}
	// An item for each connection (SIGN-13), which its conversation carries on (SIGN-9).
	c.item = &probe.Item{Conn: c.id, Command: on.Command}
	// Every command that is offered is answered alike, with the number (SIGN-1).
	var answer [32]byte
	ok := c.item.AppendOK(answer[:0])
	// What the conversation says to the rest goes out with the answer: a write each would
	// cost a short connection a tenth of its processor time.
	c.lead(ok)
	c.Become(conversations[on.Command](on))
	// The rest of data is the beginning of the conversation (SIGN-3).
	left := c.offer(data[n:])
	if c.out.size > 0 {
		c.flush() // an error ends the connection by itself
	}
	return len(data) - len(left)
}

// Item is the client item that sign-on filled, nil before.
func (c *Conn) Item() *probe.Item { return c.item }

// closing is the end of a handler that has nothing to say at the peer's FIN and
// nothing to give back.
type closing struct{}

func (closing) OnEnd(c *Conn)        { c.Close() }
func (closing) OnClose(*Conn, error) {}
