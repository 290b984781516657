package reference

import (
	"syscall"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// A peer that always has more to say is heard up to the budget of a turn, and then the
// others come first.
func TestReadingTakesTurns(t *testing.T) {
	bothWays(t, func(t *testing.T, edge bool) {
		const total = 4 * readBudget
		var peer, seen, said int
		say := func() { // as much as there is room for
			for said < total {
				n, err := syscall.Write(peer, make([]byte, min(readBufferSize, total-said)))
				if err != nil {
					return
				}
				said += n
			}
		}
		r := newByHand(t, edge, Options{Handler: func(*Conn) Handler {
			return &scripted{data: func(_ *Conn, data []byte) int {
				if seen += len(data); seen > total {
					t.Fatalf("%d bytes are read of %d", seen, total)
				}
				say()
				return len(data)
			}}
		}})
		c, p := r.connect()
		peer = p
		say()
		events := []poll.Event{{Token: uint64(c.slot), Events: poll.Readable}}
		for turn := 0; seen < total; turn++ {
			before := seen
			r.handleIO(events)
			if share := seen - before; share < readBudget && seen < total || share >= readBudget+readBufferSize {
				t.Fatalf("turn %d reads %d bytes, want about %d", turn, share, readBudget)
			}
			if edge {
				events = nil // none comes while there is something to read
			}
		}
	})
}

// A peer that takes everything is given the budget of a turn, and the rest in the next ones.
func TestWritingTakesTurns(t *testing.T) {
	bothWays(t, func(t *testing.T, edge bool) {
		const total = 3*writeBudget + 100
		drained := 0
		r := newByHand(t, edge, Options{Handler: func(*Conn) Handler { return &scripted{drain: func(*Conn) { drained++ }} }})
		c, _ := r.connect()
		taken, room := 0, 0
		r.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) {
			if room == 0 {
				return ^uintptr(0), 0, syscall.EAGAIN
			}
			took := min(room, len(p), 500_000)
			taken += took
			return uintptr(took), 0, 0
		}
		c.Write(make([]byte, total))
		room = total
		events := []poll.Event{{Token: uint64(c.slot), Events: poll.Writable}}
		for turn := 0; taken < total; turn++ {
			before := taken
			r.handleIO(events)
			if share := taken - before; share < writeBudget && taken < total || share > writeBudget+chunkSize {
				t.Fatalf("turn %d writes %d bytes, want about %d", turn, share, writeBudget)
			}
			if edge {
				events = nil // none comes while there is room
			}
			if asked := r.poller.interest[int(c.fd)]&poll.Writable != 0; asked != (edge || taken < total) {
				t.Errorf("after %d bytes of %d the poller is asked for writability: %v", taken, total, asked)
			}
		}
		if drained != 1 {
			t.Errorf("OnDrain came %d times, want once", drained)
		}
	})
}

// A turn reads and writes only what the poller says is ready: the rest is a system call in vain.
func TestTurnDoesWhatIsReady(t *testing.T) {
	bothWays(t, func(t *testing.T, edge bool) {
		read, room, writes := 0, 0, 0
		r := newByHand(t, edge, Options{Handler: func(*Conn) Handler {
			return &scripted{data: func(_ *Conn, data []byte) int { read += len(data); return len(data) }}
		}})
		r.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) {
			if writes++; room == 0 {
				return ^uintptr(0), 0, syscall.EAGAIN
			}
			took := min(room, len(p))
			room -= took
			return uintptr(took), 0, 0
		}
		c, peer := r.connect()
		c.Write(make([]byte, 10))
		if _, err := syscall.Write(peer, []byte("abc")); err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			ev            poll.Events
			room          int
			read, pending int
			writes        int
		}{
			{poll.Writable, 4, 0, 6, 3}, // what is taken in part is tried again
			{poll.Readable, 4, 3, 6, 3},
			{poll.Writable, 6, 3, 0, 4},
			{poll.Writable, 6, 3, 0, 4},
		} {
			room = x.room
			r.event(c, x.ev)
			if read != x.read || c.Pending() != x.pending || writes != x.writes {
				t.Errorf("%v: %d bytes are read, %d wait after %d writes; want %d, %d, %d", x.ev, read, c.Pending(), writes, x.read, x.pending, x.writes)
			}
		}
	})
}

// OnDrain comes when output that waited is taken and when it was asked for, once each, and
// never while output waits.
func TestOnDrainComesForAReason(t *testing.T) {
	bothWays(t, func(t *testing.T, edge bool) {
		drained, room := 0, 0
		r := newByHand(t, edge, Options{Handler: func(*Conn) Handler { return &scripted{drain: func(*Conn) { drained++ }} }})
		r.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) {
			if room == 0 {
				return ^uintptr(0), 0, syscall.EAGAIN
			}
			return uintptr(len(p)), 0, 0
		}
		c, _ := r.connect()
		fill := func() { room = 0; c.Write(make([]byte, 10)) }
		take := func() { room = 1; r.event(c, poll.Writable) }
		for _, x := range []struct {
			what string
			do   func()
			want int
		}{
			{"a turn that only resumes", func() { c.Pause(); c.Resume() }, 0},
			{"an event without output", func() { r.event(c, poll.Writable) }, 0},
			{"output that waits", fill, 0},
			{"output that is taken", take, 1},
			{"output that is taken at once", func() { c.Write(make([]byte, 10)) }, 1},
			{"asked for", c.RequestDrain, 2},
			{"asked for while output waits", func() { fill(); c.RequestDrain() }, 2},
			{"a turn while output waits", func() { c.Pause(); c.Resume() }, 2},
			{"what was asked for", take, 3},
			{"after all", func() { r.event(c, poll.Writable) }, 3},
			{"closed while output waits", func() { fill(); c.Close() }, 3},
			{"what was due at the end", take, 3},
		} {
			x.do()
			r.settle()
			if drained != x.want {
				t.Fatalf("%s: OnDrain came %d times, want %d", x.what, drained, x.want)
			}
		}
	})
}

// What a handler does inside an event is settled with the event, and asks for no further turn.
func TestEventSettlesByItself(t *testing.T) {
	bothWays(t, func(t *testing.T, edge bool) {
		for what, act := range map[string]func(c *Conn){
			"Write": func(c *Conn) { c.Write([]byte("x")) },
			"Pause": func(c *Conn) { c.Pause() },
			"Close": func(c *Conn) { c.Close() },
			"Abort": func(c *Conn) { c.Abort(nil) },
		} {
			r := newByHand(t, edge, Options{Handler: func(*Conn) Handler {
				return &scripted{data: func(c *Conn, data []byte) int { act(c); return len(data) }}
			}})
			c, peer := r.connect()
			if _, err := syscall.Write(peer, []byte("x")); err != nil {
				t.Fatal(err)
			}
			r.handleIO([]poll.Event{{Token: uint64(c.slot), Events: poll.Readable}})
			if r.busy() {
				t.Errorf("%s leaves something to do", what)
			}
		}
	})
}

// Where edges are reported the interest stays as it is, whatever the connection waits for:
// to change it would cost a system call and bring edges that are none.
func TestEdgeInterestStays(t *testing.T) {
	const all = poll.Readable | poll.Writable
	room := 0
	r := newByHand(t, true, Options{Handler: func(*Conn) Handler { return &scripted{} }})
	r.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) {
		if room == 0 {
			return ^uintptr(0), 0, syscall.EAGAIN
		}
		return uintptr(len(p)), 0, 0
	}
	c, _ := r.connect()
	for _, x := range []struct {
		what string
		do   func()
	}{
		{"open", func() {}},
		{"paused", c.Pause},
		{"resumed", c.Resume},
		{"output waits", func() { c.Write(make([]byte, 10)) }},
		{"closed", c.Close},
		{"output is taken", func() { room = 1; r.event(c, poll.Writable) }},
	} {
		x.do()
		r.settle()
		if got := r.poller.interest[int(c.fd)]; got != all {
			t.Errorf("%s: the interest is %v", x.what, got)
		}
	}
}
