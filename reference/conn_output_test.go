package reference

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// TestScriptedOutput: whatever the kernel does with each write (takes some bytes, says
// EAGAIN or EINTR, or ends the connection in the middle of a vector), what it takes is in order,
// none of it twice, none is lost, and an error ends the connection once.
func TestScriptedOutput(t *testing.T) { rapid.Check(t, outputKeepsOrder) }

func FuzzScriptedOutput(f *testing.F) { f.Fuzz(rapid.MakeFuzz(outputKeepsOrder)) }

// outputModel is a connection whose output a script takes, turned by hand.
type outputModel struct {
	t      *rapid.T
	r      *reactor
	c      *Conn
	poller *stillPoller
	peer   int

	full    bool      // the kernel had no room for all since it last reported some: an edge will come
	will    []outcome // what the kernel does next; EAGAIN when there is nothing more
	written int       // bytes that Write took
	taken   int       // bytes that the kernel took
	cause   syscall.Errno
	closed  []error // what OnClose was told
	closing bool
	queue   []int // sizes of pieces that OnDrain is to write
}

// outcome is what one write comes to.
type outcome struct {
	take  int
	errno syscall.Errno
}

// octet is the byte at a place of the output, so that a displaced one is seen.
func octet(i int) byte { return byte(i*131 + i>>8) }

func outputKeepsOrder(t *rapid.T) {
	m := newOutputModel(t, rapid.Bool().Draw(t, "edge"))
	defer syscall.Close(m.peer)
	size := rapid.SampledFrom([]int{0, 1, 2, 100, 4096, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, writeBudget + 7, writeBudget + 7})
	taken := rapid.SampledFrom([]int{1, 2, 99, 100, 4096, chunkSize, chunkSize + 1, 5 * chunkSize, 1 << 30})
	t.Repeat(map[string]func(*rapid.T){
		"kernel takes": func(t *rapid.T) { m.will = append(m.will, outcome{take: taken.Draw(t, "bytes")}) },
		"kernel says": func(t *rapid.T) {
			errno := rapid.SampledFrom([]syscall.Errno{
				syscall.EAGAIN, syscall.EINTR, syscall.EINTR, syscall.EAGAIN, syscall.EINTR, syscall.EPIPE, syscall.ECONNRESET,
			}).Draw(t, "errno")
			m.will = append(m.will, outcome{errno: errno})
		},
		"write":          func(t *rapid.T) { m.write(size.Draw(t, "size")) },
		"write in turns": func(t *rapid.T) { m.queue = rapid.SliceOfN(size, 1, 4).Draw(t, "sizes"); m.c.RequestDrain() },
		"writable":       func(*rapid.T) { m.turn(poll.Writable) },
		"turn":           func(*rapid.T) { m.turn(0) },
		"close":          func(*rapid.T) { m.closing = true; m.c.Close() },
		"":               func(*rapid.T) { m.check() },
	})
	m.finish()
}

func newOutputModel(t *rapid.T, edge bool) *outputModel {
	m := &outputModel{t: t, poller: &stillPoller{edge: edge, interest: map[int]poll.Events{}}}
	s, err := New(Options{Class: Reactor, Log: quiet(), Handler: func(*Conn) Handler {
		return &scripted{
			open:  func(c *Conn) { m.c = c },
			drain: func(*Conn) { m.drain() },
			close: func(_ *Conn, err error) { m.closed = append(m.closed, err) },
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	m.r, err = newReactor(s, LoopOptions{Log: quiet(), poller: m.poller, clock: &handClock{at: time.Hour}, Waker: new(scriptWaker)})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.peer = pair[1]
	m.r.output = m.output
	s.counts.open.Add(1)
	m.r.open.Add(1)
	m.r.adopt(pair[0])
	return m
}

// output is the kernel.
func (m *outputModel) output(p []byte) (n, _ uintptr, errno syscall.Errno) {
	if m.cause != 0 {
		m.t.Fatalf("%d bytes are written after %v", len(p), m.cause)
	}
	if len(p) == 0 {
		m.t.Fatal("nothing is written")
	}
	next := outcome{errno: syscall.EAGAIN}
	if len(m.will) > 0 {
		next, m.will = m.will[0], m.will[1:]
	}
	m.full = m.full || next.errno == syscall.EAGAIN || next.take < len(p)
	if next.errno != 0 {
		if next.errno == syscall.EPIPE || next.errno == syscall.ECONNRESET {
			m.cause = next.errno
		}
		return ^uintptr(0), 0, next.errno
	}
	k := min(next.take, len(p))
	for i, b := range p[:k] {
		if b != octet(m.taken+i) {
			m.t.Fatalf("byte %d of the output is another", m.taken+i)
		}
	}
	m.taken += k
	return uintptr(k), 0, 0
}

// write has the handler write a piece.
func (m *outputModel) write(size int) {
	p := make([]byte, size)
	for i := range p {
		p[i] = octet(m.written + i)
	}
	n, err := m.c.Write(p)
	switch {
	case err == nil && (n != size || m.closing || m.cause != 0):
		m.t.Fatalf("Write of %d bytes reports %d, after Close: %v, after the error %v", size, n, m.closing, m.cause)
	case err == nil:
		m.written += n
	case m.cause != 0 && !m.closing && !errors.Is(err, m.cause), m.cause == 0 && !m.closing:
		m.t.Fatalf("Write reports %v, the kernel %v", err, m.cause)
	}
}

func (m *outputModel) drain() {
	if m.c.Pending() > 0 {
		m.t.Fatalf("OnDrain with %d bytes pending", m.c.Pending())
	}
	if len(m.queue) > 0 {
		size := m.queue[0]
		m.queue = m.queue[1:]
		m.c.RequestDrain()
		m.write(size)
	}
}

// turn is one of the loop's, with an event, if that can come.
func (m *outputModel) turn(ev poll.Events) {
	var events []poll.Event
	comes := m.poller.interest[int(m.c.fd)]&ev != 0
	if m.poller.edge && ev == poll.Writable {
		comes, m.full = m.full, false
	}
	if m.c.slot != 0 && comes {
		events = []poll.Event{{Token: uint64(m.c.slot), Events: ev}}
	}
	m.r.handleIO(events)
	if m.cause != 0 && len(m.closed) == 0 && !m.r.slots.resuming() {
		m.t.Fatalf("after %v the connection lives on", m.cause)
	}
}

// check holds between any two operations.
func (m *outputModel) check() {
	if len(m.closed) > 1 || len(m.closed) == 1 && !m.because(m.closed[0]) {
		m.t.Fatalf("OnClose came with %v, the kernel said %v", m.closed, m.cause)
	}
	if m.cause != 0 || len(m.closed) > 0 {
		return
	}
	waits := m.written - m.taken
	if m.c.Pending() != waits {
		m.t.Fatalf("%d bytes are pending, want %d written less %d taken", m.c.Pending(), m.written, m.taken)
	}
	if asked := m.poller.interest[int(m.c.fd)]&poll.Writable != 0; !m.poller.edge && asked != (waits > 0) && !m.r.slots.resuming() {
		m.t.Fatalf("the poller is asked for writability: %v, with %d bytes pending", asked, waits)
	}
}

// finish lets the kernel take everything: then all is delivered, and the end is in order.
func (m *outputModel) finish() {
	m.will = slices.DeleteFunc(m.will, func(o outcome) bool { return o.errno != 0 })
	m.queue = nil
	m.c.Close()
	m.closing = true
	for turns := 0; m.cause == 0 && (m.c.Pending() > 0 || m.r.slots.resuming()); turns++ {
		if turns > 1000 {
			m.t.Fatalf("%d bytes are not delivered", m.c.Pending())
		}
		m.will = append(m.will, outcome{take: 1 << 30})
		m.turn(poll.Writable)
		m.check()
	}
	if m.cause == 0 && m.taken != m.written {
		m.t.Fatalf("the kernel took %d bytes of %d", m.taken, m.written)
	}
	if err := syscall.Shutdown(m.peer, syscall.SHUT_WR); err != nil {
		m.t.Fatal(err)
	}
	m.turn(poll.Readable)
	m.turn(0)
	m.check()
	if len(m.closed) != 1 {
		m.t.Fatalf("OnClose came %d times", len(m.closed))
	}
}

// because reports whether err is what the kernel said, nil for nothing.
func (m *outputModel) because(err error) bool {
	if m.cause == 0 {
		return err == nil
	}
	return errors.Is(err, m.cause)
}
