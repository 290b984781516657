package reference

import (
	"net"
	"syscall"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// What one connection may do in one turn of its loop, in bytes, before the
// others come first again. Both are far above a request and far below what
// a neighbour would notice.
const (
	readBudget  = 256 << 10
	writeBudget = 1 << 20
)

// readBufferSize is the loop's read buffer, shared by its connections, which cost little
// while they are idle (RES-4): what a read brings is used, sent or copied before the next
// one, or it would reach another connection (CONN-14).
const readBufferSize = 64 << 10

// connState is how far a connection has come. It only grows.
type connState uint8

const (
	stateOpen     connState = iota // both directions work; with ended set, only output does
	stateDraining                  // Close was called: output that waits is delivered, then FIN; input is dropped
	stateFinished                  // our FIN is sent; waiting for the peer's
	stateFailed                    // beyond use; destroyed at the next safe point
	stateClosed                    // gone
)

// Conn is one connection. All of its methods belong to the thread that serves
// the connection; others reach it with Post. After OnClose, methods do nothing
// and Write reports ErrClosed.
//
// Where there are loops, a method that changes the connection panics on another
// thread, but not beside a handler of the connection that is running: the system
// call that tells threads apart would cost every request. For the same reason Write
// notices one only while the loop sleeps or when output has to be kept.
type Conn struct {
	server  *Server
	reactor *reactor // nil in the classes without loops
	thread  *thread  // nil in those with loops
	handler Handler
	item    *probe.Item // nil until sign-on
	err     error       // why it failed

	in   []byte // input that the handler left
	out  outBuffer
	wait waiting // its place among the connections that wait for time to pass

	id    uint64
	slot  slot // 0 when off the poller
	fd    int32
	place int32 // its index in reactor.conns

	state      connState
	ended      bool // the peer's FIN was read
	paused     bool // by the handler
	congested  bool // above the high-water mark: reading pauses until below the low one
	reset      bool // it ends with RST
	hungUp     bool // the peer is gone and the poller would say so for ever: it is off the poller
	busy       bool // inside an event or a turn, which settles at its end
	queued     bool // for a turn without an event
	drainAsked bool // OnDrain is wanted
}

// ID is the connection number, from 1, never reused by this server.
func (c *Conn) ID() uint64 { return c.id }

// Server is the server of this connection. A handler must not Stop it, for Stop waits
// for the handler's thread: leave that to a goroutine.
func (c *Conn) Server() *Server { return c.server }

// Loop is the loop that serves this connection: its timers and hooks run on the
// thread that the connection belongs to, and its workers' results come home there.
// It is nil in the classes without loops.
func (c *Conn) Loop() *Loop {
	if c.reactor == nil {
		return nil
	}
	return c.reactor.Loop
}

// RemoteAddr is the address of the peer; nil once it is gone.
func (c *Conn) RemoteAddr() net.Addr {
	if c.state == stateClosed {
		return nil
	}
	return poll.PeerAddr(int(c.fd))
}

// Pending is the number of bytes written that the kernel has not taken yet.
func (c *Conn) Pending() int { return c.out.size }

// scratch lends a handler its thread's memory for answers, and keepScratch takes it
// back, grown perhaps.
func (c *Conn) scratch() []byte {
	reply := c.reply()
	b := *reply
	*reply = nil // a handler that is called by another must not share it
	if b == nil {
		b = make([]byte, 0, 512)
	}
	return b[:0]
}

func (c *Conn) keepScratch(b []byte) {
	if cap(b) <= 2*readBufferSize {
		*c.reply() = b
	}
}

// reply is where c's thread keeps its scratch.
func (c *Conn) reply() *[]byte {
	if c.reactor == nil {
		return &c.thread.reply
	}
	return &c.reactor.reply
}

// Congested reports whether more than Options.Limit of output waits; reading
// pauses meanwhile.
func (c *Conn) Congested() bool { return c.congested }

// Post runs f on the thread of this connection's loop, from any thread. In the
// classes without loops there is none, and the error is ErrNoLoop.
func (c *Conn) Post(f func()) error {
	if c.reactor == nil {
		return ErrNoLoop
	}
	return c.reactor.Post(f)
}

// open makes c's handler and opens it.
func (c *Conn) open() {
	if c.handler = c.server.options.Handler(c); c.handler == nil {
		panic("reference: Options.Handler returned nil")
	}
	c.handler.OnOpen(c)
}

// closed tells the handler, if there is one, of the end. A panic of its own has
// nothing left to lose.
func (c *Conn) closed() {
	defer func() {
		if reason := recover(); reason != nil {
			c.server.panicked(c, reason)
		}
	}()
	if c.handler != nil { // else Options.Handler failed
		c.handler.OnClose(c, c.err)
	}
}

// Become makes h the handler from here on and opens it. Input that the caller's
// OnData does not use is h's.
func (c *Conn) Become(h Handler) {
	c.handler = h
	h.OnOpen(c)
}

// Write sends p or keeps a copy of what the kernel does not take now; it
// is delivered in order. It never blocks a loop (in the classes without loops it
// blocks the connection's own thread). After Close, or once the peer has reset
// the connection, it reports an error and p is dropped.
func (c *Conn) Write(p []byte) (int, error) {
	if c.state != stateOpen {
		if c.err != nil {
			return 0, c.err
		}
		return 0, ErrClosed
	}
	if c.reactor == nil {
		return c.writeBlocking(p)
	}
	if !c.busy {
		c.reactor.assertTurn("Conn.Write")
	}
	n := 0
	// Directly first: the poller is asked for writability only while something waits. But
	// never past what waits, or the bytes would change places (CONN-1).
	if c.out.size == 0 && len(p) > 0 {
		var errno syscall.Errno
		if c.reactor.output == nil {
			n, errno = poll.Write(int(c.fd), p)
		} else {
			n, errno = c.reactor.scripted(p)
		}
		if errno != 0 && errno != poll.EAGAIN {
			c.fail(poll.Fail("write", errno))
			return 0, c.err
		}
		c.reactor.sent(c, n)
	}
	if n < len(p) {
		// What does not fit waits in memory, never the loop (FLOW-5), for as long as its
		// reader takes (CONN-4, CONN-5).
		c.assertOwner("Conn.Write")
		c.out.append(p[n:], &c.reactor.chunks)
		// Above the limit reading pauses, or memory has no bound (FLOW-2); not before (FLOW-1).
		if c.out.size > c.server.options.Limit {
			c.congested = true
		}
		if !c.busy {
			c.adjust()
		}
	}
	return len(p), nil
}

// RequestDrain has OnDrain called in the loop's next turn, or as soon as no
// output waits: a handler that produces much does it in pieces, and lets
// other connections in between.
func (c *Conn) RequestDrain() {
	c.assertOwner("Conn.RequestDrain")
	c.drainAsked = true
	if c.out.size == 0 {
		c.queue()
	}
}

// Pause stops reading. What arrives stays in the kernel, whose window closes
// before the peer's eyes. In the classes without loops it does nothing: their
// threads read only when the handler has returned.
func (c *Conn) Pause() {
	if c.reactor == nil {
		return
	}
	c.assertOwner("Conn.Pause")
	c.paused = true
	if !c.busy {
		c.adjust()
	}
}

// Resume undoes Pause; input that the handler left is shown to it again.
func (c *Conn) Resume() {
	c.assertOwner("Conn.Resume")
	if c.paused {
		c.paused = false
		c.reactor.queue(c) // also amid an event: that may be past its reading
	}
}

// Close ends the connection in order: output that waits is delivered, then our
// FIN; input is no longer looked at. OnClose runs when both sides have ended, or
// after a time limit. Further calls do nothing.
func (c *Conn) Close() {
	c.assertOwner("Conn.Close")
	if c.state != stateOpen {
		return
	}
	c.state = stateDraining
	c.in = nil
	c.queue()
}

// Abort ends the connection at once: what waits is dropped and the peer gets RST.
func (c *Conn) Abort(err error) {
	c.assertOwner("Conn.Abort")
	if c.state < stateFailed {
		c.reset = true
		c.fail(err)
	}
}

// assertOwner stops a thread that touches a connection of another one's loop. Inside
// the connection's own event the caller is its handler, and no thread is asked for.
func (c *Conn) assertOwner(what string) {
	if !c.busy && c.reactor != nil {
		c.reactor.assertOwner(what)
	}
}

// stop ends c because the server stops: requests that are here already are
// served first.
func (c *Conn) stop() {
	if c.state != stateOpen {
		return
	}
	if c.wantsInput() {
		c.read(true)
	}
	c.leave()
}

// leave has the handler end c in its own way, or closes it: a connection that is silent
// would not end by itself (LIFE-2).
func (c *Conn) leave() {
	if h, ok := c.handler.(Stopper); ok && c.state == stateOpen {
		h.OnStop(c)
		return
	}
	c.Close()
}

// fail marks c for destruction at the next safe point: never in the middle of a
// handler, which may be what called Write. A reset costs its own connection and nothing
// else (CONN-12).
func (c *Conn) fail(err error) {
	c.state, c.err = stateFailed, err
	c.queue()
}

// queue gives c a turn soon, if no event of c is being handled that settles it.
func (c *Conn) queue() {
	if !c.busy && c.reactor != nil {
		c.reactor.queue(c)
	}
}
