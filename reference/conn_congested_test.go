package reference

import (
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// A connection is congested above Limit, and until no more than LowWater waits; what the
// handler left and what the kernel kept meanwhile is shown then, without another event.
func TestCongestion(t *testing.T) {
	bothWays(t, func(t *testing.T, edge bool) {
		var seen []string
		r := newByHand(t, edge, Options{Limit: 100, LowWater: 40, Handler: func(*Conn) Handler {
			return &scripted{data: func(c *Conn, data []byte) int {
				seen = append(seen, string(data))
				if c.Pending() == 0 {
					c.Write(make([]byte, 101))
					return 1
				}
				return len(data)
			}}
		}})
		room := 0
		r.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) {
			if room == 0 {
				return ^uintptr(0), 0, syscall.EAGAIN
			}
			took := min(room, len(p))
			room -= took
			return uintptr(took), 0, 0
		}
		c, peer := r.connect()
		send := func(text string) {
			if _, err := syscall.Write(peer, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		take := func(n int) {
			room = n
			r.event(c, poll.Writable)
		}
		check := func(when string, congested bool, want ...string) {
			t.Helper()
			if c.Congested() != congested || !slices.Equal(seen, want) {
				t.Errorf("%s: congested is %v and the handler saw %q, want %v and %q", when, c.Congested(), seen, congested, want)
			}
			if asked := r.poller.interest[int(c.fd)]&poll.Readable != 0; !edge && asked == congested {
				t.Errorf("%s: the poller is asked for input: %v", when, asked)
			}
		}
		c.Write(make([]byte, 100))
		check("at Limit", false)
		take(100)
		check("nothing waits", false)
		send("ab")
		r.event(c, poll.Readable)
		check("above Limit", true, "ab")
		take(60)
		check("above LowWater", true, "ab")
		take(1)
		check("at LowWater", false, "ab", "b")

		c.Write(make([]byte, 61))
		check("above Limit again", true, "ab", "b")
		send("cd")
		if edge { // it comes although it is not wanted
			r.event(c, poll.Readable)
		}
		check("with input in the kernel", true, "ab", "b")
		take(61)
		if !edge { // the level is still there
			r.event(c, poll.Readable)
		}
		check("below again", false, "ab", "b", "cd")

		c.Write(make([]byte, 61))
		room = 61
		r.handleIO([]poll.Event{{Token: uint64(c.slot), Events: poll.Writable}})
		check("below with nothing to show", false, "ab", "b", "cd")
		if !edge && r.busy() {
			t.Error("a further turn is asked for, though an event will tell of input")
		}
	})
}

// A write of nothing asks nothing of the kernel.
func TestWriteOfNothing(t *testing.T) {
	r := newByHand(t, false, Options{Handler: func(*Conn) Handler { return &scripted{} }})
	r.output = func([]byte) (n, _ uintptr, errno syscall.Errno) {
		t.Error("the kernel is asked")
		return 0, 0, 0
	}
	c, _ := r.connect()
	for _, p := range [][]byte{nil, {}} {
		if n, err := c.Write(p); n != 0 || err != nil {
			t.Errorf("it is %d, %v", n, err)
		}
	}
}

// The first error is the one that is told, whatever a handler makes of it.
func TestFirstErrorIsTold(t *testing.T) {
	var told []error
	r := newByHand(t, false, Options{Handler: func(*Conn) Handler {
		return &scripted{
			data: func(c *Conn, data []byte) int {
				if _, err := c.Write(data); !errors.Is(err, syscall.EPIPE) {
					t.Errorf("Write reports %v", err)
				}
				c.Abort(io.ErrNoProgress)
				if _, err := c.Write(data); !errors.Is(err, syscall.EPIPE) {
					t.Errorf("a second Write reports %v", err)
				}
				return len(data)
			},
			close: func(_ *Conn, err error) { told = append(told, err) },
		}
	}})
	r.output = func([]byte) (n, _ uintptr, errno syscall.Errno) { return ^uintptr(0), 0, syscall.EPIPE }
	c, peer := r.connect()
	if _, err := syscall.Write(peer, []byte("x")); err != nil {
		t.Fatal(err)
	}
	r.event(c, poll.Readable)
	if len(told) != 1 || !errors.Is(told[0], syscall.EPIPE) {
		t.Errorf("OnClose got %v, want what the kernel said first", told)
	}
}

// refusing is a poller without room.
type refusing struct{ *stillPoller }

func (refusing) Add(int, uint64, poll.Events) error { return poll.ErrLimit }

// A connection for which the poller has no room is closed, and its loop counts it no more.
func TestRefusedByThePoller(t *testing.T) {
	r := newByHand(t, false, Options{Handler: func(*Conn) Handler { t.Error("it has a handler"); return echo{} }})
	r.Loop.poller = refusing{r.poller}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[1])
	r.server.counts.open.Add(1)
	r.open.Add(1)
	r.adopt(pair[0])
	if n, err := syscall.Read(pair[1], make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the peer reads %d bytes, %v; want an end", n, err)
	}
	if n, refused := r.open.Load(), r.server.Stats().Refused; n != 0 || refused != 1 {
		t.Errorf("the loop counts %d connections, and %d are refused; want 0, 1", n, refused)
	}
}

// A loop that has ended takes no connection, and counts none.
func TestEndedLoopTakesNone(t *testing.T) {
	r := newByHand(t, false, Options{})
	r.Close()
	if err := r.adoptLater(-1); err == nil || r.open.Load() != 0 {
		t.Errorf("it takes one: %v, and counts %d", err, r.open.Load())
	}
}
