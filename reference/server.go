package reference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// ErrNoLoop is what Conn.Post reports in the classes without loops.
var ErrNoLoop = errors.New("this class of server has no loops")

// Server is a server of one of the four classes. It meets contract.Server and
// is started and stopped once.
type Server struct {
	options Options
	log     *slog.Logger
	class   class
	started atomic.Bool // Start was called
	running atomic.Bool // and succeeded
	stopped atomic.Bool

	shut      atomic.Bool // shutListener has left the listener to its thread
	listening sync.Mutex  // guards the two below from a Stop whose deadline passes
	listener  int         // -1 when closed
	socket    string      // the file of a Unix listener, "" once removed
	file      os.FileInfo // which file it is

	counts   serverCounts
	refusals sync.Map       // causes that were logged, by rootOf
	threads  sync.WaitGroup // threads that conversations started
	closing  atomic.Bool
	empty    chan struct{} // closed when the last connection of a closing server is gone
	gone     sync.Once
}

// class is what makes the four classes differ.
type class interface {
	// open makes loops and threads' provisions; close undoes it if start never came.
	open() error
	close()
	// start accepts from the server's listener and serves.
	start() error
	// stopAccepting returns once the listener is closed, or at ctx's end shut down for
	// its thread to close, and its socket file is gone. One connection that was accepted
	// before may still come, in the classes without loops: join cuts it.
	stopAccepting(ctx context.Context)
	// drain has every connection end in order; cut ends them at once. Neither waits.
	drain()
	cut()
	// join waits until all threads and loops have ended.
	join(ctx context.Context) error
	// inside reports whether the caller runs on a thread of the class's loops.
	inside() bool
	// stats adds up what loops count.
	stats(*Stats)
	// loop is the serving loop of an index, nil when there is none.
	loop(index int) *reactor
	taskSet() *TaskSet
	pool() *Workers
}

// New makes a server. An option out of its range is an error that names it.
func New(o Options) (*Server, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Server{options: o, log: o.Log, empty: make(chan struct{}), listener: -1}
	switch o.Class {
	case Iterative, ThreadPerConnection:
		s.class = &threads{server: s, iterative: o.Class == Iterative}
	default:
		s.class = &reactors{server: s}
	}
	if s.options.Handler == nil {
		s.options.Handler = s.signOn
	}
	return s, nil
}

// Start listens on network ("tcp", "tcp4", "tcp6" or "unix") and address and
// returns the bound address; connections are accepted from then on.
func (s *Server) Start(network, address string) (net.Addr, error) {
	if !s.started.CompareAndSwap(false, true) {
		return nil, errors.New("a server is started once: make another with New")
	}
	// The runtime opens a poller of its own for the first timer and dies where
	// it cannot; have it do so now, and not when descriptors are short (ACC-4).
	time.AfterFunc(time.Hour, func() {}).Stop()
	if err := s.class.open(); err != nil {
		return nil, err
	}
	fd, bound, err := poll.OpenListener(network, address, s.options.Backlog, !s.options.hasLoops())
	if err != nil {
		s.class.close()
		return nil, err
	}
	s.listener = fd
	if network == "unix" {
		s.socket = address
		s.file, _ = os.Lstat(address)
	}
	if err := s.class.start(); err != nil {
		s.closeListener()
		s.class.close()
		return nil, err
	}
	s.running.Store(true)
	return bound, nil
}

// Stop ends the server: it stops accepting, runs the tasks that were posted,
// lets connections deliver the output that is due, closes them, and joins its
// threads. What is left at ctx's end is cut, and Stop returns within two seconds
// more whatever blocks. The error says what could not be ended.
//
// Stop waits for the threads that serve, so no handler, task or worker's job may call
// it; on a loop's thread it does nothing but say so.
func (s *Server) Stop(ctx context.Context) error {
	if !s.running.Load() {
		return nil
	}
	if s.class.inside() {
		return errors.New("stop: called on a loop's thread, which it would wait for")
	}
	if !s.stopped.CompareAndSwap(false, true) {
		return errors.New("the server is stopped already")
	}
	// First, or new connections would be served while the others end (LIFE-5).
	s.class.stopAccepting(ctx)
	s.closing.Store(true)
	// The look behind drain is for a server without connections: no last one will report (LIFE-1).
	s.class.drain()
	s.emptied()
	// A client that takes nothing holds the stop up to the deadline, and is cut (LIFE-4).
	select {
	case <-s.empty:
	case <-ctx.Done():
		s.log.Warn("cutting connections at the deadline of the stop", "open", s.counts.open.Load())
		s.class.cut()
	}
	ctx, cancel := extended(ctx)
	defer cancel()
	if err := s.class.join(ctx); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// Loops are the loops that serve connections, by index; none in the classes
// without loops and before Start.
func (s *Server) Loops() (loops []*Loop) {
	for r := s.class.loop(0); r != nil; r = s.class.loop(len(loops)) {
		loops = append(loops, r.Loop)
	}
	return loops
}

// Shared is the set of tasks that the loops share; nil in the classes without
// loops and before Start.
func (s *Server) Shared() *TaskSet { return s.class.taskSet() }

// Workers is the pool of threads for work that blocks; nil in the classes without
// loops, whose handlers may block, and before Start.
func (s *Server) Workers() *Workers { return s.class.pool() }

// cutTime bounds how long Stop waits for threads after it cut their connections: what
// is cut needs no more than a turn of its loop.
const cutTime = time.Second

// extended is a context that ends cutTime after ctx, for the same cause.
func extended(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, end := context.WithCancelCause(context.Background())
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(cutTime, func() { end(context.Cause(ctx)) })
	})
	return longer, func() { stop(); end(nil) }
}

// emptied tells a Stop that waits that the last connection is gone.
func (s *Server) emptied() {
	if s.closing.Load() && s.counts.open.Load() == 0 {
		s.gone.Do(func() { close(s.empty) })
	}
}

// admit lets an accepted connection in, or refuses it above MaxConns. The default is a
// million: no table of ours has an end before that (RES-5).
func (s *Server) admit(fd int) bool {
	if s.counts.open.Add(1) > int64(s.options.MaxConns) {
		s.refuse(fd, errMaxConns)
		return false
	}
	return true
}

// number counts a connection that is served and gives it its number. It is no descriptor,
// which the kernel gives out again (SIGN-7).
func (s *Server) number() uint64 { return s.counts.accepted.Add(1) }

// Causes of refusals.
var (
	errMaxConns   = errors.New("as many connections are open as MaxConns allows")
	errMaxThreads = errors.New("as many connection threads live as MaxThreads allows")
)

// refuse closes an accepted socket that cannot be served. It tells the first refusal
// of each cause: beside a limit that is meant, one that is not must be seen.
func (s *Server) refuse(fd int, why error) {
	s.counts.refused.Add(1)
	if _, known := s.refusals.LoadOrStore(rootOf(why), true); !known {
		s.log.Warn("refusing a connection; later ones of this cause are only counted", "error", why)
	}
	poll.Close(fd)
	s.counts.open.Add(-1)
	s.emptied()
}

// rootOf is the error at the bottom of err: its cause, without what differs from one
// connection to the next.
func rootOf(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// release closes a connection's descriptor, last, whatever ended it: FIN (RES-1), a reset
// (RES-2) or no sign-on at all (RES-7). It does so once, for a second close would hit
// whoever has the number by then (CONN-15). The place that it had among the open ones is free
// again, or the table would be full of those that have gone (RES-10).
func (s *Server) release(c *Conn) {
	closeSocket := poll.Close
	if c.reset {
		closeSocket = poll.CloseWithReset
	}
	if err := closeSocket(int(c.fd)); err != nil {
		s.log.Error("closing a connection failed", "conn", c.id, "error", err)
	}
	s.counts.open.Add(-1)
	s.emptied()
}

// panicked counts and tells a handler's panic that no loop contained.
func (s *Server) panicked(c *Conn, reason any) {
	s.counts.panics.Add(1)
	s.log.Error("a handler panicked and loses its connection", "conn", c.id, "panic", reason, "stack", string(debug.Stack()))
}

// acceptFailed counts and, the first time, tells why accepting pauses.
func (s *Server) acceptFailed(err error) {
	if s.counts.acceptErrors.Add(1) == 1 {
		s.log.Warn("accepting pauses and is tried again; later pauses are only counted", "pause", acceptPause, "error", err)
	}
}

// closeListener closes the listener and removes its socket file, once.
func (s *Server) closeListener() {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.listener < 0 {
		return
	}
	s.removeSocket()
	if err := poll.Close(s.listener); err != nil {
		s.log.Error("closing the listener failed", "error", err)
	}
	s.listener = -1
}

// shutListener has the kernel refuse connections, and removes the socket file,
// while the listener's thread is blocked: closing the descriptor stays its own.
func (s *Server) shutListener() {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.listener < 0 {
		return
	}
	s.shut.Store(true)
	s.removeSocket()
	if err := poll.ShutdownRead(s.listener); err != nil {
		s.log.Error("shutting the listener failed", "error", err)
	}
}

// removeSocket removes the listener's file (LIFE-8), once: later it may be a successor's.
func (s *Server) removeSocket() {
	if s.socket != "" && s.socket[0] != '@' { // an abstract address has no file
		if err := s.removeOwn(); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.log.Error("removing the socket file failed", "error", err)
		}
	}
	s.socket = ""
}

// removeOwn removes the file at the listener's path, unless a successor has put its own there
// (LIFE-19). The listener is open still, so that no other file has the inode of its own.
func (s *Server) removeOwn() error {
	now, err := os.Lstat(s.socket)
	if err != nil || !os.SameFile(now, s.file) {
		return err
	}
	return os.Remove(s.socket)
}
