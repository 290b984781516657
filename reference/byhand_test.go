package reference

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// byHand is a reactor that a test turns: its poller notes the interest and reports what
// the test says, and its clock stands still.
type byHand struct {
	*reactor
	t      testing.TB
	poller *stillPoller
	clock  *handClock
	peers  map[int]bool // those that are not gone
}

func newByHand(t testing.TB, edge bool, o Options) *byHand {
	t.Helper()
	o.Class, o.Log = Reactor, quiet()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &byHand{t: t, poller: &stillPoller{edge: edge, interest: map[int]poll.Events{}}, clock: &handClock{at: time.Hour}, peers: map[int]bool{}}
	b.reactor, err = newReactor(s, LoopOptions{Log: quiet(), poller: b.poller, clock: b.clock, Waker: new(scriptWaker)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b.conns.length > 0 {
			b.abort(ErrCut)
			b.settle()
		}
		for peer := range b.peers {
			b.hangUp(peer)
		}
		if n := b.server.counts.open.Load(); n != 0 {
			t.Errorf("%d connections are open at the end", n)
		}
		if n := len(b.poller.interest); n > 1 { // the waker's stays
			t.Errorf("%d connections are watched at the end", n-1)
		}
	})
	return b
}

// connect has the reactor adopt one end of a pair of sockets. The other is the peer's.
func (b *byHand) connect() (c *Conn, peer int) {
	b.t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	b.peers[pair[1]] = true
	b.server.counts.open.Add(1)
	b.open.Add(1)
	b.adopt(pair[0])
	return *b.conns.at(b.conns.length - 1), pair[1]
}

// hangUp closes a peer's end.
func (b *byHand) hangUp(peer int) {
	delete(b.peers, peer)
	syscall.Close(peer)
}

// event is one turn, in which c's descriptor is reported to be ready, and those that follow
// without a sleep.
func (b *byHand) event(c *Conn, ev poll.Events) {
	b.t.Helper()
	if c.slot == 0 {
		b.t.Fatal("the connection is off the poller")
	}
	b.handleIO([]poll.Event{{Token: uint64(c.slot), Events: ev}})
	b.settle()
}

// settle turns until there is nothing to do but I/O.
func (b *byHand) settle() {
	b.t.Helper()
	b.runTasks()
	b.runTimers()
	for turns := 0; b.busy(); turns++ {
		if turns > 1000 {
			b.t.Fatal("the loop spins")
		}
		b.handleIO(nil)
		b.runTasks()
		b.runTimers()
	}
}

// pass moves the clock, from one timer to the next.
func (b *byHand) pass(d time.Duration) {
	b.t.Helper()
	end := b.clock.at + d
	for steps := 0; b.clock.at < end; steps++ {
		if steps > 1000 {
			b.t.Fatal("a timer is set again and again")
		}
		next, ok := b.timers.next()
		if !ok || next > end {
			next = end
		}
		b.clock.at = max(b.clock.at, next)
		b.settle()
	}
}

// stillPoller notes the interest, and reports nothing.
type stillPoller struct {
	edge     bool
	interest map[int]poll.Events
}

func (p *stillPoller) Add(fd int, _ uint64, interest poll.Events) error {
	p.interest[fd] = interest
	return nil
}

func (p *stillPoller) Modify(fd int, token uint64, interest poll.Events) error {
	return p.Add(fd, token, interest)
}

func (p *stillPoller) Remove(fd int) error { delete(p.interest, fd); return nil }

func (p *stillPoller) Wait([]poll.Event, time.Duration) (int, error) { return 0, nil }

func (p *stillPoller) EdgeTriggered() bool { return p.edge }

func (p *stillPoller) Name() string { return "still" }

func (p *stillPoller) Close() error { return nil }

// handClock is a clock that a test moves.
type handClock struct{ at time.Duration }

func (c *handClock) now() time.Duration { return c.at }

// stillLoop is a loop that a test turns by hand: its timers run on the test's
// goroutine when turn is called.
func stillLoop(t testing.TB) (*Loop, *handClock) {
	clock := &handClock{at: time.Hour}
	l, err := NewLoop(LoopOptions{clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, clock
}

func mustAfter(t testing.TB, l *Loop, d time.Duration, f func()) contract.Timer {
	tm, err := l.After(d, f)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

// bothWays runs f with a poller that reports levels and with one that reports edges.
func bothWays(t *testing.T, f func(t *testing.T, edge bool)) {
	t.Run("level", func(t *testing.T) { f(t, false) })
	t.Run("edge", func(t *testing.T) { f(t, true) })
}

// wire is a handler on one end of a socket pair, for tests.
type wire struct {
	l        *Loop
	fd, peer int
	slot     slot
	on       func(w *wire, ev poll.Events)
	failure  any
}

func (w *wire) ready(ev poll.Events) { w.on(w, ev) }

func (w *wire) failed(reason any) {
	w.failure = reason
	w.close()
}

func (w *wire) close() {
	w.l.remove(w.slot)
	poll.Close(w.fd)
}

func (w *wire) read() (n int) {
	var b [64]byte
	n, _ = poll.Read(w.fd, b[:])
	return n
}

// newWire must be called on the loop's thread.
func newWire(t *testing.T, l *Loop, on func(w *wire, ev poll.Events)) *wire {
	a, b, err := poll.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{l: l, fd: a, peer: b, on: on}
	if w.slot, err = l.add(a, w, poll.Readable); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { poll.Close(b) })
	return w
}

func poke(fd int) { poll.Write(fd, []byte("x")) }

// startByHand starts a server whose only loop looks at a clock that the test moves, on the
// loop's thread.
func startByHand(t *testing.T) (*served, *Loop, *handClock) {
	s := start(t, Options{Class: Reactor, StallAfter: maxTime}) // the watchdog would look at it
	l, clock := s.class.loop(0).Loop, new(handClock)
	do(t, l, func() { clock.at, l.clock = l.now(), clock })
	return s, l, clock
}

// panicOf calls f and returns what it panicked with, "" if it did not.
func panicOf(f func()) (reason string) {
	defer func() {
		if v := recover(); v != nil {
			reason = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

// scriptWaker is a flag. While the script holds it, a write is on its way: its thread
// was preempted between the decision to write and write(2).
type scriptWaker struct {
	stage                        *stage
	readable, held, late, closed bool
	writes                       int
}

func (w *scriptWaker) FD() int { return 3 }

func (w *scriptWaker) Wake() error {
	if w.closed {
		return os.ErrClosed
	}
	w.writes++
	if w.held {
		w.late = true
	} else {
		w.readable = true
	}
	return nil
}

func (w *scriptWaker) Drain() error {
	turn := w.stage.l.stats.turns.load()
	w.stage.moment(fmt.Sprintf("%d drain", turn))
	w.readable = false
	w.stage.moment(fmt.Sprintf("%d drained", turn))
	return nil
}

func (w *scriptWaker) Close() error { w.closed = true; return nil }

func (w *scriptWaker) Name() string { return "script" }

// pieces copies what a vector points to.
func pieces(v *poll.Vector) (all []byte) {
	for _, p := range v.Pieces() {
		all = append(all, p...)
	}
	return all
}
