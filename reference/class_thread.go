package reference

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// threads is the classes without loops: iterative (S1), whose one thread serves
// each client to the end before the next, and thread-per-connection (S2), whose
// listening thread only accepts. Every thread is an OS thread of its own that
// blocks in accept(2), read(2) or write(2), as /proc shows.
//
// A blocked thread is freed with shutdown(2), which makes its call return.
// Closing the descriptor under it would not, and would give the number away
// while the thread still uses it.
type threads struct {
	server    *Server
	iterative bool

	mu       sync.Mutex
	conns    map[*Conn]struct{} // those whose descriptor is open
	draining bool
	cutting  bool

	live     atomic.Int64 // connection threads
	ended    sync.WaitGroup
	acceptor chan struct{} // closed at the end of the accepting thread
	quit     chan struct{} // closed when it is to end
	in, out  atomic.Uint64
}

// thread is what one connection's thread has of its own.
type thread struct {
	*threads
	reply []byte // scratch for what a handler answers
}

// threadBuffer is a connection thread's read buffer in bytes.
const threadBuffer = 16 << 10

func (k *threads) open() error {
	k.conns = map[*Conn]struct{}{}
	k.acceptor, k.quit = make(chan struct{}), make(chan struct{})
	return nil
}

func (k *threads) close() {}

func (k *threads) start() error {
	go k.accept()
	return nil
}

// accept is the listening thread. In the iterative class it is the only one, and comes
// back here when a client has left, however it left: who waits in the queue is next (MODEL-2).
func (k *threads) accept() {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	defer close(k.acceptor)
	defer k.server.closeListener() // never under the accept that blocks on it
	for {
		fd, _, err := poll.AcceptConn(k.server.listener, true)
		switch {
		case k.stopping():
			if err == nil {
				poll.Close(fd)
			}
			return
		case err == nil:
			k.serve(fd)
		case !poll.IsTransient(err):
			k.server.acceptFailed(err)
			select {
			case <-time.After(acceptPause):
			case <-k.quit:
			}
		}
	}
}

func (k *threads) stopping() bool {
	select {
	case <-k.quit:
		return true
	default:
		return false
	}
}

// serve talks to a client: here (S1), or on a thread of its own (S2).
func (k *threads) serve(fd int) {
	if !k.server.admit(fd) {
		return
	}
	// The one thread stays with this client from its first byte to its last (MODEL-1).
	if k.iterative {
		k.talk(fd)
		return
	}
	if k.live.Load() >= int64(k.server.options.MaxThreads) {
		k.server.refuse(fd, errMaxThreads)
		return
	}
	// Each has a thread of its own, so that none waits for another (MODEL-3, MODEL-4). It
	// ends with its connection, or threads would grow with those that ever came (RES-8).
	k.live.Add(1)
	k.ended.Go(func() {
		runtime.LockOSThread()
		k.talk(fd)
		k.live.Add(-1)
	})
}

// talk is a connection's life, on its thread.
func (k *threads) talk(fd int) {
	c := &Conn{server: k.server, thread: &thread{threads: k}, id: k.server.number(), fd: int32(fd), busy: true}
	if d := k.server.options.IdleTimeout; d > 0 {
		if err := poll.SetTimeouts(fd, d); err != nil {
			c.err, c.state = err, stateFailed
		}
	}
	k.enter(c)
	buf := make([]byte, threadBuffer)
	c.guarded(func() {
		c.open()
		c.drainBlocking()
	})
	for c.state == stateOpen && !c.ended {
		n, err := poll.ReadBlocking(fd, buf)
		c.guarded(func() { c.handleRead(buf[:n], err) })
	}
	if c.state == stateOpen {
		c.Close() // nothing is left that could
	}
	switch {
	case c.state != stateDraining || c.ended:
	case k.isDraining():
		c.deliverBeforeEnd(buf)
	default:
		c.finish(buf)
	}
	k.leave(c)
	c.state = stateClosed
	c.closed()
	k.server.release(c)
}

// handleRead is what a connection's thread does with the result of a read.
func (c *Conn) handleRead(data []byte, err error) {
	switch {
	case err == poll.ErrAgain:
		c.err = ErrIdle
		c.Close()
	case err != nil:
		c.fail(err)
	case len(data) == 0 && c.thread.isDraining():
		// It was drain that ended the input, or may as well have been.
		c.leave()
		c.Close()
	case len(data) == 0:
		c.end()
	default:
		c.thread.in.Add(uint64(len(data)))
		c.deliver(data)
	}
	c.drainBlocking()
}

// drainBlocking calls OnDrain as long as the handler asks for it: nothing ever waits here.
func (c *Conn) drainBlocking() {
	for c.drainAsked && c.state == stateOpen {
		c.drained()
	}
}

// guarded runs f and contains a panic of the handler in it.
func (c *Conn) guarded(f func()) {
	defer func() {
		if reason := recover(); reason != nil {
			c.server.panicked(c, reason)
			if c.state == stateOpen {
				c.state, c.err = stateDraining, ErrPanic
			}
		}
	}()
	f()
}

// writeBlocking is Write in the classes without loops.
func (c *Conn) writeBlocking(p []byte) (int, error) {
	n, err := poll.WriteBlocking(int(c.fd), p)
	c.thread.out.Add(uint64(n))
	if err == poll.ErrAgain {
		err = ErrSlow
	}
	if err != nil {
		c.fail(err)
	}
	return n, err
}

// finish sends our FIN and waits a little for the peer's, or until its kernel
// has everything: an input left unread would turn our close into a reset, and
// the reset could overtake the output.
func (c *Conn) finish(buf []byte) {
	fd := int(c.fd)
	if c.ended || poll.ShutdownWrite(fd) != nil {
		return
	}
	if poll.SetTimeouts(fd, lingerTick) != nil {
		return
	}
	for deadline := time.Now().Add(lingerTime); time.Now().Before(deadline); {
		n, err := poll.ReadBlocking(fd, buf)
		switch {
		case err == poll.ErrAgain:
			if poll.Unsent(fd) == 0 {
				return
			}
		case err != nil || n == 0:
			return
		}
	}
}

// deliverBeforeEnd is finish where drain has shut the input. Our FIN waits until the
// peer's kernel has everything: with both directions shut the kernel answers whatever
// the peer still sends by a reset, and drops the output (RFC 1122 section 4.2.2.13;
// LIFE-16). Reads return at once, and what comes is taken; cut ends them.
func (c *Conn) deliverBeforeEnd(buf []byte) {
	fd := int(c.fd)
	for poll.Unsent(fd) > 0 {
		switch n, err := poll.ReadBlocking(fd, buf); {
		case err != nil && err != poll.ErrAgain:
			return
		case n == 0:
			<-time.After(lingerTick)
		}
	}
}

// lingerTick is how often a thread that finishes a connection looks whether all is delivered.
const lingerTick = 20 * time.Millisecond

// enter makes c's descriptor known to drain and cut, and leave makes it unknown
// before it is closed.
func (k *threads) enter(c *Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conns[c] = struct{}{}
	switch {
	case k.cutting:
		k.cutOff(c)
	case k.draining:
		_ = poll.ShutdownRead(int(c.fd))
	}
}

func (k *threads) leave(c *Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, c)
	if k.cutting { // c's calls failed for that, and its end must not look complete
		c.reset, c.err = true, ErrCut
	}
}

func (k *threads) stopAccepting(ctx context.Context) {
	close(k.quit)
	k.server.shutListener() // wakes the accepting thread, which closes it
	if k.iterative {
		k.drain() // the accepting thread is the one that talks
		return
	}
	select {
	case <-k.acceptor:
	case <-ctx.Done():
	}
}

// drain has blocked reads return what is there and then the end of input.
func (k *threads) drain() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.draining = true
	for c := range k.conns {
		_ = poll.ShutdownRead(int(c.fd)) // a peer that reset it is as good
	}
}

func (k *threads) isDraining() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.draining
}

// cut frees threads that are blocked in write as well.
func (k *threads) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cutting = true
	for c := range k.conns {
		k.cutOff(c)
	}
}

// cutOff resets c under the calls of its thread. Where the kernel does not (a Unix
// socket, or Linux 6.4 and 6.5 while a thread is blocked), a shutdown ends the calls,
// and the close behind them resets what is TCP.
func (k *threads) cutOff(c *Conn) {
	if poll.Disconnect(int(c.fd)) != nil {
		_ = poll.ShutdownBoth(int(c.fd)) // a peer that reset it is as good
	}
}

func (k *threads) join(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		<-k.acceptor
		k.ended.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	// A connection that was being accepted when the last one went has been cut by
	// nobody yet.
	k.cut()
	select {
	case <-ended:
		return nil
	case <-time.After(cutTime):
		return errors.New("a connection's thread is blocked in its handler and did not end")
	}
}

func (k *threads) stats(s *Stats) {
	s.In += k.in.Load()
	s.Out += k.out.Load()
}

// There are no loops here, so nothing of theirs either.
func (k *threads) loop(int) *reactor { return nil }
func (k *threads) taskSet() *TaskSet { return nil }
func (k *threads) pool() *Workers    { return nil }
func (k *threads) inside() bool      { return false }

var _ contract.Server = (*Server)(nil)
