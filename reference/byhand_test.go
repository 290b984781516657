package reference

import (
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
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
		if len(b.conns) > 0 {
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
	return b.conns[len(b.conns)-1], pair[1]
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
