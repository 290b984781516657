package reference

import (
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// lingerTime is how long the peer's FIN is awaited after ours, and stopTick how
// often a stopping server looks whether it needs to.
const (
	lingerTime = time.Second
	stopTick   = 20 * time.Millisecond
)

// reactor is a loop with the connections that it serves. Except for the
// counters everything belongs to the loop's thread.
type reactor struct {
	*Loop
	server *Server

	conns  paged[*Conn] // those that are not closed; Conn.place is the index
	buf    []byte       // what a read fills
	reply  []byte       // scratch for what a handler answers
	chunks chunkPool
	vector poll.Vector

	quiet  waitList // open connections, with Options.IdleTimeout
	drain  waitList // closed ones whose peers still have output to take
	linger waitList // those whose FIN is sent and whose peers' is not here

	stopping bool

	open    atomic.Int64 // connections, those on their way here included
	in, out atomic.Uint64

	output output // nil but in tests

	ownTimers atomic.Int64 // pending timers of the waitLists, which are nobody's business
}

func newReactor(s *Server, o LoopOptions) (*reactor, error) {
	loop, err := NewLoop(o)
	if err != nil {
		return nil, err
	}
	r := &reactor{Loop: loop, server: s, buf: make([]byte, readBufferSize)}
	loop.ending = r.abort
	r.quiet = waitList{reactor: r, after: s.options.IdleTimeout}
	r.drain = waitList{reactor: r, after: s.options.DrainTimeout}
	r.linger = waitList{reactor: r, after: lingerTime}
	return r, nil
}

// adopt makes a connection of an accepted socket, which it owns from here on, and hangs
// it on this one poller (LOOP-14). Its client may have sent all and half-closed by now;
// that is no reason to turn it away (CONN-19).
func (r *reactor) adopt(fd int) {
	c := &Conn{server: r.server, reactor: r, fd: int32(fd), busy: true}
	interest := poll.Readable
	if r.edge {
		interest |= poll.Writable // edges cost nothing while nothing changes
	}
	var err error
	if c.slot, err = r.add(fd, c, interest); err != nil {
		r.server.refuse(fd, err)
		r.open.Add(-1)
		return
	}
	// A number of its own: the kernel gives the descriptor to another one day (SIGN-7).
	c.id = r.server.number()
	c.place = int32(r.conns.length)
	r.conns.push(c)
	r.start(c)
}

// start opens the connection's handler.
func (r *reactor) start(c *Conn) {
	defer r.guard(c)
	c.open()
	if r.stopping {
		c.stop()
	}
	c.busy = false
	c.settle()
}

// guard is deferred around calls of a handler outside an event, where the loop
// would not know whose connection a panic ends.
func (r *reactor) guard(c *Conn) {
	if reason := recover(); reason != nil {
		r.server.panicked(c, reason)
		c.failed(reason)
	}
}

// queue gives c a turn without an event.
func (r *reactor) queue(c *Conn) {
	if c.queued {
		return
	}
	c.queued = true
	if c.slot != 0 {
		r.later(c.slot, poll.Readable|poll.Writable)
		return
	}
	_ = r.Post(func() { // a loop that runs no more tasks has cut its connections
		if c.state != stateClosed {
			defer r.guard(c)
			c.ready(poll.Readable | poll.Writable)
		}
	})
}

// unwatch takes c off the poller.
func (r *reactor) unwatch(c *Conn) {
	if c.slot == 0 {
		return
	}
	if err := r.remove(c.slot); err != nil {
		r.server.log.Error("taking a connection off the poller failed", "conn", c.id, "error", err)
	}
	c.slot = 0
}

// destroy ends c: off the poller first, or its registration could outlive it (RES-6),
// closed last, and in between the handler hears of it, once. Output that waits is dropped
// and never waited for, which others would have to wait for too (FLOW-9). Nothing of c is
// kept (RES-3), and nothing of its neighbours is touched (CONN-22).
func (c *Conn) destroy() {
	r := c.reactor
	c.state = stateClosed
	r.unwatch(c)
	c.wait.leave(c)
	c.out.release(&r.chunks)
	c.in = nil
	last := r.conns.pop()
	if last != c {
		*r.conns.at(int(c.place)), last.place = last, c.place
	}
	c.closed()
	r.open.Add(-1)
	r.server.release(c)
}

// received and sent count (PROBE-12), and note that the connection is alive, which the
// idle timeout then leaves alone, whoever writes (LIFE-10) or reads (LIFE-14).
func (r *reactor) received(c *Conn, n int) {
	r.in.Add(uint64(n))
	if c.wait.list == &r.quiet {
		c.wait.touch(c)
	}
}

func (r *reactor) sent(c *Conn, n int) {
	r.out.Add(uint64(n))
	// Of a drain too: who reads slowly, and gets on, is not cut off (LIFE-22).
	if n > 0 && (c.wait.list == &r.quiet || c.wait.list == &r.drain) {
		c.wait.touch(c)
	}
}

// limit puts c into the list of what its state waits for. A connection that never says
// anything is in the list of quiet ones from the start (LIFE-9), and one that does not read stays in it (LIFE-13).
func (r *reactor) limit(c *Conn) {
	var want *waitList
	switch {
	case c.state == stateOpen && r.quiet.after > 0:
		want = &r.quiet
	case c.state == stateDraining:
		want = &r.drain
	case c.state == stateFinished:
		want = &r.linger
	}
	if c.wait.list != want {
		c.wait.leave(c)
		if want != nil {
			want.enter(c)
		}
	}
}

// expire ends a connection that was too long in list.
func (r *reactor) expire(c *Conn, list *waitList) {
	switch {
	case list == &r.drain:
		c.Abort(ErrSlow)
	case list == &r.linger:
		c.state = stateFailed // in order: the peer just did not end its side
		c.queue()
	case c.state != stateOpen:
		// Closed in this turn: what it waits for is about to be r.drain's.
	case c.out.size > 0:
		c.Abort(ErrIdle)
	default:
		c.err = ErrIdle
		c.Close()
	}
}

// stop ends the connections of a stopping server in order, at once: requests that keep
// coming do not put it off (LIFE-11).
func (r *reactor) stop() {
	r.stopping = true
	for i := r.conns.length - 1; i >= 0; i-- {
		c := *r.conns.at(i)
		func() {
			defer r.guard(c)
			c.busy = true
			c.stop()
			c.busy = false
			c.settle()
		}()
	}
	_, _ = r.Every(stopTick, r.sweep)
}

// sweep closes finished connections whose peers' kernels have all of the output: a
// stop does not wait for peers that just do not close.
func (r *reactor) sweep() {
	for i := r.conns.length - 1; i >= 0; i-- {
		if c := *r.conns.at(i); c.state == stateFinished && poll.Unsent(int(c.fd)) == 0 {
			c.state = stateFailed
			c.settle()
		}
	}
}

// cut ends them at once, at the deadline.
func (r *reactor) cut() { r.abort(ErrCut) }

// abort ends all connections at once, because of err.
func (r *reactor) abort(err error) {
	for i := r.conns.length - 1; i >= 0; i-- {
		c := *r.conns.at(i)
		func() {
			defer r.guard(c)
			c.Abort(err)
			c.settle()
		}()
	}
}
