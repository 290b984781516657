package reference

import "github.com/reactorspec/reactorspec/reference/internal/poll"

// What a turn of its loop does with a connection that is ready: read, deliver,
// flush, and settle in what state it is and what it waits for next.

// wantsInput reports whether input is of interest now.
func (c *Conn) wantsInput() bool {
	switch c.state {
	case stateOpen:
		return !c.ended && !c.paused && !c.congested
	case stateDraining, stateFinished:
		return !c.ended
	}
	return false
}

// ready handles an event, or a turn that was asked for with queue: input that
// was left comes first, then reading, then writing, then what is left of a hangup;
// in another order bytes that came before a FIN or a close would be lost, though they
// are announced together (CONN-11, CONN-20).
func (c *Conn) ready(ev poll.Events) {
	c.busy, c.queued = true, false
	gone := c.hungUp || ev&(poll.Hangup|poll.Fault) != 0
	if len(c.in) > 0 && c.wantsInput() {
		c.deliver(nil)
	}
	if (gone || ev&poll.Readable != 0) && c.wantsInput() {
		c.read(gone)
	}
	if c.out.size > 0 && (gone || ev&poll.Writable != 0) {
		c.flush()
	}
	if c.drainAsked && c.out.size == 0 {
		c.drained()
	}
	if gone && !c.wantsInput() {
		c.lost()
	}
	c.busy = false
	c.settle()
}

// failed is what the loop calls after a handler's panic: the connection ends,
// what it had written is still delivered.
func (c *Conn) failed(any) {
	if c.state == stateOpen {
		c.state, c.in, c.err = stateDraining, nil, ErrPanic
	}
	c.busy = false
	c.settle()
}

// read takes input until the socket is empty, the budget is used up, or the
// input is no longer wanted. all is for a peer that is gone: level-triggered, a
// short read means empty and saves the call that would say so, but an edge
// comes once, and an end that is there already is taken now. An error ends the
// connection whether output waits or not: its descriptor is given up (CONN-13).
func (c *Conn) read(all bool) {
	r := c.reactor
	all = all || r.edge || c.hungUp
	for budget := readBudget; c.wantsInput(); {
		n, errno := poll.Read(int(c.fd), r.buf)
		switch {
		case errno == poll.EAGAIN:
			return
		case errno != 0:
			c.fail(poll.Fail("read", errno))
			return
		case n == 0:
			c.end()
			return
		}
		r.received(c, n)
		c.deliver(r.buf[:n])
		if n < len(r.buf) && !all {
			return
		}
		if budget -= n; budget <= 0 {
			// The others come first, however much more there is (FLOW-7), and then the rest: a
			// client that waits for its echo sends no more that could be an event (CONN-4).
			if all {
				r.queue(c) // no event will come for what is left
			}
			return
		}
	}
}

// deliver shows the handler what it left and data behind that, so that where a segment
// ends makes no difference (CONN-2).
func (c *Conn) deliver(data []byte) {
	if c.state != stateOpen {
		return // draining: input is read so that the peer's FIN can be seen
	}
	held := len(c.in) > 0
	if held {
		c.in = append(c.in, data...)
		data = c.in
	}
	// What the handler leaves waits for more input, which is an event: another turn at
	// once would spin until the rest is there (LOOP-5, PROBE-10). Until then it holds no
	// thread, however many clients have stalled (MODEL-8).
	rest := c.offer(data)
	switch {
	case c.state != stateOpen || len(rest) == 0:
		c.in = nil
	case held:
		c.in = c.in[:copy(c.in, rest)]
	default:
		c.in = append([]byte(nil), rest...)
	}
	if len(c.in) > c.server.options.MaxFrame && c.wantsInput() {
		c.fail(ErrUnusedInput)
	}
}

// offer calls the handler until it leaves something or a successor leaves it.
func (c *Conn) offer(data []byte) (rest []byte) {
	for len(data) > 0 && c.state == stateOpen && c.wantsInput() {
		h := c.handler
		data = data[h.OnData(c, data):]
		if c.handler == h {
			break
		}
	}
	return data
}

// end takes the peer's FIN. It ends the input alone: answers that are due, output that
// waits and what the handler still has to say go out (CONN-6, CONN-7, CONN-9).
func (c *Conn) end() {
	c.ended = true
	if c.state == stateOpen {
		c.handler.OnEnd(c)
	}
}

// flush hands waiting output to the kernel: at most IOV_MAX pieces a call and a
// budget a turn. A budget that is used up keeps the write interest.
func (c *Conn) flush() {
	r := c.reactor
	for budget := writeBudget; c.out.size > 0; {
		if budget <= 0 {
			if r.edge {
				r.queue(c) // the socket still has room, so no edge will come
			}
			return
		}
		c.out.gather(&r.vector, budget)
		n, errno := r.writev(int(c.fd))
		r.vector.Reset()
		// No room: the poller says when there is. Trying again would spin (LOOP-4).
		if errno == poll.EAGAIN {
			return
		}
		if errno != 0 {
			c.fail(poll.Fail("writev", errno))
			return
		}
		c.out.discard(n, &r.chunks)
		r.sent(c, n)
		budget -= n
	}
	c.drained()
}

// drained tells the handler that no output waits any more.
func (c *Conn) drained() {
	c.drainAsked = false
	if h, ok := c.handler.(Drainer); ok && c.state == stateOpen {
		h.OnDrain(c)
	}
}

// lost deals with a peer that is gone while input is not wanted: the poller
// reports that whatever the interest, and would do so for ever (LOOP-6).
func (c *Conn) lost() {
	if !c.ended && c.state == stateOpen && (c.paused || len(c.in) > 0) {
		// What came before is still there to be read after Resume.
		c.hungUp = true
		c.reactor.unwatch(c)
		return
	}
	err := poll.PendingError(int(c.fd))
	if err == nil && c.out.size > 0 {
		err = ErrClosed
	}
	if c.err == nil {
		c.err = err
	}
	c.state = max(c.state, stateFailed)
}

// settle takes the steps that are due after an event: back below the low-water
// mark, where reading resumes (FLOW-4); FIN once everything is out, not before (CONN-10);
// gone once both sides have ended, or who has half-closed would stay (CONN-8).
func (c *Conn) settle() {
	if c.congested && c.out.size <= c.server.options.LowWater {
		c.congested = false
		if len(c.in) > 0 || c.reactor.edge || c.hungUp {
			c.queue()
		}
	}
	if c.state == stateDraining && c.out.size == 0 && !c.ended {
		if err := poll.ShutdownWrite(int(c.fd)); err != nil {
			c.state, c.err = stateFailed, err
		} else {
			c.state = stateFinished
		}
	}
	switch {
	case c.state == stateFailed,
		c.state == stateDraining && c.out.size == 0,
		c.state == stateFinished && c.ended:
		c.destroy()
	case c.state == stateClosed:
	default:
		c.adjust()
		if c.drainAsked && c.out.size == 0 && c.state == stateOpen {
			c.queue()
		}
	}
}

// adjust asks the poller for what is of interest now, and the clock for what
// the state may last.
func (c *Conn) adjust() {
	c.reactor.limit(c)
	if c.state >= stateFailed || c.reactor.edge {
		return
	}
	var want poll.Events
	// The end of input stays readable: who has taken it and asks again spins (LOOP-3).
	if c.wantsInput() {
		want |= poll.Readable
	}
	// A socket is writable nearly always: the interest lasts as long as output waits
	// (LOOP-7), and silent connections have none (LOOP-2).
	if c.out.size > 0 {
		want |= poll.Writable
	}
	if c.slot != 0 {
		if err := c.reactor.modify(c.slot, want); err != nil {
			c.fail(err)
		}
	}
}
