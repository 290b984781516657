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
// that takes its time over the line costs its connection and nothing else.
type signOn struct{ closing }

func (s *Server) signOn(*Conn) Handler { return signOn{} }

func (signOn) OnOpen(*Conn) {}

func (signOn) OnData(c *Conn, data []byte) int {
	line, n, err := probe.TakeLine(data, probe.MaxSignOn)
	if err == nil && n == 0 {
		return 0
	}
	var on probe.SignOn
	if err == nil {
		on, err = probe.ParseSignOn(line)
	}
	if err != nil {
		c.Close() // S3: "-1"; nothing is answered
		return len(data)
	}
	c.item = &probe.Item{Conn: c.id, Command: on.Command}
	var answer [32]byte
	_, _ = c.Write(c.item.AppendOK(answer[:0])) // a write error ends the connection by itself
	c.Become(conversations[on.Command](on))
	return n
}

// Item is the client item that sign-on filled, nil before.
func (c *Conn) Item() *probe.Item { return c.item }

// closing is the end of a handler that has nothing to say at the peer's FIN and
// nothing to give back.
type closing struct{}

func (closing) OnEnd(c *Conn)        { c.Close() }
func (closing) OnClose(*Conn, error) {}
