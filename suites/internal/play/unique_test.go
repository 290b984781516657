package play

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// A broker of MQTT cuts a client off when another one comes with the same name: no two
// connections of a transcript share their unique word.
func TestConnectionsHaveWordsOfTheirOwn(t *testing.T) {
	const connect, name = 22, 14 // bytes of CONNECT, of which the last eight are the client's name
	var seen sync.Map
	broker := func(_ *server, c *net.TCPConn, _ int) {
		b := make([]byte, connect)
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		if _, twice := seen.LoadOrStore(string(b[name:]), true); twice {
			t.Errorf("a second client has the name %q", b[name:])
		}
		_, _ = c.Write([]byte{0x20, 2, 0, 0})
		for {
			if _, err := io.ReadFull(c, b[:2]); err != nil {
				return
			}
			_, _ = c.Write([]byte{0xd0, 0})
		}
	}
	search := Search{Time: 300 * time.Millisecond, Dir: t.TempDir()}
	a := judged(t, "mqtt", target.File{}, broker, func(s *session.Session) { search.Run(s, ShapeFor(s)) })
	if a.Failure != nil || a.HarnessError != "" || a.Untested != "" {
		t.Errorf("%+v", a)
	}
}
