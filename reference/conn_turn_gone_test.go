package reference

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// A peer that is gone ends the connection, but not before what it said is heard.
func TestPeerIsGone(t *testing.T) {
	const gone = poll.Readable | poll.Hangup
	pause := func(c *Conn, _ int) { c.Pause() }
	half := func(_ *Conn, peer int) { syscall.Shutdown(peer, syscall.SHUT_WR) }
	for _, x := range []struct {
		name    string
		first   func(c *Conn, peer int)
		then    func(c *Conn, peer int) // in a later turn
		event   poll.Events
		want    []string // by the turn of the hangup
		resumed []string // and when it is resumed
		because error
	}{
		{name: "open", event: gone, want: []string{"last", "end", "close"}},
		{name: "paused", first: pause, event: gone, want: nil, resumed: []string{"last", "end", "close"}},
		{name: "half-closed", first: half, event: gone, want: []string{"last", "end", "close"}},
		{name: "half-closed and paused", first: half, then: pause, event: gone, want: []string{"last", "end", "close"}},
		{name: "with output that is not read", first: func(c *Conn, _ int) { c.Write([]byte("lost")) }, event: gone | poll.Fault,
			want: []string{"last", "close"}, because: syscall.ECONNRESET},
		{name: "half-closed with output that is not read", first: func(c *Conn, peer int) { c.Write([]byte("lost")); half(c, peer) }, event: gone | poll.Fault,
			want: []string{"last", "end", "close"}, because: syscall.ECONNRESET},
	} {
		t.Run(x.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, edge bool) {
				var seen []string
				var reason error
				r := newByHand(t, edge, Options{Handler: func(*Conn) Handler {
					return &scripted{
						data: func(_ *Conn, data []byte) int { seen = append(seen, string(data)); return len(data) },
						end: func(c *Conn) { // and is half-open for what may still be written
							if seen = append(seen, "end"); x.resumed != nil {
								c.Close()
							}
						},
						close: func(_ *Conn, err error) { seen, reason = append(seen, "close"), err },
					}
				}})
				c, peer := r.connect()
				if _, err := syscall.Write(peer, []byte("last")); err != nil {
					t.Fatal(err)
				}
				if x.first != nil {
					x.first(c, peer)
					r.settle()
				}
				if !c.paused {
					r.event(c, poll.Readable)
					r.event(c, poll.Readable) // where levels are reported an end is an event of its own
				}
				if x.then != nil {
					x.then(c, peer)
				}
				r.hangUp(peer)
				r.event(c, x.event)
				if !slices.Equal(seen, x.want) {
					t.Errorf("the handler sees %q, want %q", seen, x.want)
				}
				if x.resumed != nil {
					c.Resume()
					r.settle()
					if !slices.Equal(seen, x.resumed) {
						t.Errorf("resumed, the handler sees %q, want %q", seen, x.resumed)
					}
				}
				if !errors.Is(reason, x.because) {
					t.Errorf("OnClose got %v, want %v", reason, x.because)
				}
			})
		})
	}
}

// A connection whose peer went while it was paused ends after Resume, also when its
// handler would keep it half-open.
func TestGoneWhilePaused(t *testing.T) {
	bothWays(t, func(t *testing.T, edge bool) {
		closed := 0
		r := newByHand(t, edge, Options{Handler: func(*Conn) Handler {
			return &scripted{end: func(*Conn) {}, close: func(*Conn, error) { closed++ }}
		}})
		c, peer := r.connect()
		c.Pause()
		r.hangUp(peer)
		r.event(c, poll.Readable|poll.Hangup)
		c.Resume()
		r.settle()
		if closed != 1 {
			t.Errorf("OnClose came %d times", closed)
		}
	})
}
