package reference

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// What a connection waits for has its time, to the nanosecond, which begins anew with each
// byte that shows that the peer lives.
func TestWaits(t *testing.T) {
	const idle, drain = 10 * time.Second, time.Minute
	const first, second = 3000 * time.Millisecond, 3500 * time.Millisecond // when the steps are taken
	type step func(w *waitModel)
	nothing := func(*waitModel) {}
	read := func(w *waitModel) { w.send(w.c, w.peer) }
	write := func(w *waitModel) { w.c.Write(make([]byte, 10)) }
	fill := func(w *waitModel) { w.room = 0; w.c.Write(make([]byte, 10)) }
	writable := func(w *waitModel) { w.r.event(w.c, poll.Writable) }
	partly := func(w *waitModel) { w.room = 3; writable(w) }
	closes := func(w *waitModel) { w.c.Close() }
	fillAndClose := func(w *waitModel) { fill(w); closes(w) }
	for _, x := range []struct {
		name      string
		do, then  step
		ends      time.Duration // the peer never ends its side
		because   error
		unlimited bool // there is no idle timeout
	}{
		{"silence", nothing, nothing, idle + lingerTime, ErrIdle, false},
		{"a byte is read", read, nothing, first + idle + lingerTime, ErrIdle, false},
		{"bytes are read twice", read, read, second + idle + lingerTime, ErrIdle, false},
		{"a byte is written", write, nothing, first + idle + lingerTime, ErrIdle, false},
		{"the kernel takes nothing", fill, nothing, idle, ErrIdle, false},
		{"the kernel takes nothing twice", fill, writable, idle, ErrIdle, false},
		{"the kernel takes a part", fill, partly, second + idle, ErrIdle, false},
		{"closed", closes, nothing, first + lingerTime, nil, false},
		{"closed with output that waits", fillAndClose, nothing, first + drain, ErrSlow, false},
		{"closed, and nothing is taken", fillAndClose, writable, first + drain, ErrSlow, false},
		{"closed, and a part is taken", fillAndClose, partly, second + drain, ErrSlow, false},
		{"closed, and input comes", fillAndClose, read, first + drain, ErrSlow, false},
		{"closed without a limit to silence", read, fillAndClose, second + drain, ErrSlow, true},
	} {
		for _, beside := range []string{"alone", "behind one that is silent", "behind one that lives", "before another"} {
			t.Run(x.name+", "+beside, func(t *testing.T) {
				w := newWaitModel(t, Options{IdleTimeout: idle, DrainTimeout: drain}, x.unlimited)
				var other *Conn
				var others int
				if strings.HasPrefix(beside, "behind") {
					other, others = w.r.connect()
				}
				w.c, w.peer = w.r.connect()
				if beside == "before another" {
					w.r.connect()
				}
				w.r.pass(first)
				if beside == "behind one that lives" {
					w.send(other, others)
				}
				x.do(w)
				w.r.settle()
				w.r.pass(second - first)
				x.then(w)
				w.r.settle()
				w.r.pass(x.ends - second - 1)
				if len(w.closed) > 0 {
					t.Fatalf("it ended before %v", x.ends)
				}
				w.r.pass(1)
				if len(w.closed) != 1 || !errors.Is(w.closed[0], x.because) {
					t.Errorf("after %v OnClose got %v, want %v", x.ends, w.closed, x.because)
				}
				if own, all := w.r.ownTimers.Load(), w.r.Loop.Stats().Timers; int(own) != all {
					t.Errorf("%d timers are counted as the server's own, want %d", own, all)
				}
			})
		}
	}
}

// However many connections wait, and however often they begin anew, one timer serves them.
func TestOneTimerForAllThatWait(t *testing.T) {
	w := newWaitModel(t, Options{IdleTimeout: time.Minute}, false)
	for range 5 {
		w.c, w.peer = w.r.connect()
		for range 5 {
			w.r.pass(time.Second)
			w.send(w.c, w.peer)
		}
	}
	if n := w.r.Loop.Stats().Timers; n != 1 {
		t.Errorf("%d timers are set, want 1", n)
	}
}

// A stop waits until a peer has all of the output, and not for the peer to end its side.
func TestStopWaitsForDeliveryOnly(t *testing.T) {
	var closed []*Conn
	r := newByHand(t, false, Options{Handler: func(*Conn) Handler {
		return &stopping{scripted{close: func(c *Conn, _ error) { closed = append(closed, c) }}, func(c *Conn) {
			if c.ID() != 1 {
				c.Close()
			}
		}}
	}})
	busy, _ := r.connect() // takes its time to close
	slow, peer := r.connect()
	slow.Write([]byte("due"))
	silent, _ := r.connect()
	r.stop()
	r.settle()
	for _, x := range []struct {
		do   func()
		want []*Conn
	}{
		{func() {}, []*Conn{silent}},
		{func() {}, []*Conn{silent}},
		{func() { syscall.Read(peer, make([]byte, 8)) }, []*Conn{silent, slow}},
		{func() { busy.Close() }, []*Conn{silent, slow, busy}},
	} {
		x.do()
		r.settle()
		r.pass(stopTick)
		if !slices.Equal(closed, x.want) {
			t.Errorf("%d connections are closed, want %d", len(closed), len(x.want))
		}
	}
}

// waitModel is a connection whose kernel has only so much room.
type waitModel struct {
	t      *testing.T
	r      *byHand
	c      *Conn
	peer   int
	room   int
	closed []error
}

func newWaitModel(t *testing.T, o Options, unlimited bool) *waitModel {
	w := &waitModel{t: t, room: 1 << 20}
	if unlimited {
		o.IdleTimeout = 0
	}
	o.Handler = func(*Conn) Handler {
		return &scripted{close: func(c *Conn, err error) {
			if c == w.c {
				w.closed = append(w.closed, err)
			}
		}}
	}
	w.r = newByHand(t, false, o)
	w.r.output = func(p []byte) (n, _ uintptr, errno syscall.Errno) {
		if w.room == 0 {
			return ^uintptr(0), 0, syscall.EAGAIN
		}
		took := min(w.room, len(p))
		w.room -= took
		return uintptr(took), 0, 0
	}
	return w
}

// send has a peer send a byte.
func (w *waitModel) send(c *Conn, peer int) {
	if _, err := syscall.Write(peer, []byte("x")); err != nil {
		w.t.Fatal(err)
	}
	w.r.event(c, poll.Readable)
}
