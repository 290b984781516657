package reference

import (
	"net/netip"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// acceptBatch is how many connections one turn of the loop accepts, so that a
// burst of them does not keep the others waiting. The rest of it is accepted in the turns
// that follow, until the queue is empty (ACC-1, ACC-10).
const acceptBatch = 64

// acceptPause is how long the listener is left alone when there are no
// descriptors: a ready listener that nobody can serve would spin the loop (ACC-6).
const acceptPause = 50 * time.Millisecond

// acceptor takes connections off the listener and gives them away. In a
// multi-reactor it has a loop of its own, so that slow I/O never delays it (S5).
type acceptor struct {
	server   *Server
	loop     *Loop
	listener int
	slot     slot
	paused   bool
	give     func(fd int, from netip.AddrPort) // owns fd
}

// open hangs the listener on the loop.
func (a *acceptor) open() (err error) {
	a.slot, err = a.loop.add(a.listener, a, poll.Readable)
	return err
}

// ready accepts a batch. No error ends it: a connection that died in the queue
// is passed over (ACC-3), and want of descriptors only makes it pause, while the open
// connections are served on (ACC-4).
func (a *acceptor) ready(poll.Events) {
	for range acceptBatch {
		if a.slot == 0 || a.paused {
			return
		}
		fd, from, err := poll.AcceptConn(a.listener, false)
		switch {
		case err != nil && a.server.shut.Load(): // EINVAL, and EAGAIN of a Unix socket, would come for ever
			a.close()
			return
		case err == nil:
			if a.server.admit(fd) {
				a.give(fd, from)
			}
		case err == poll.ErrAgain:
			return
		case !poll.IsTransient(err):
			a.pause(err)
			return
		}
	}
	if a.loop.edge {
		a.loop.later(a.slot, poll.Readable) // no edge comes for those that wait already
	}
}

// pause takes the listener off the poll for a while. Its queue keeps what comes.
func (a *acceptor) pause(cause error) {
	a.server.acceptFailed(cause)
	a.paused = true
	if err := a.loop.modify(a.slot, 0); err != nil {
		a.server.log.Error("pausing the listener failed", "error", err)
	}
	// Descriptors come free without an event: only the clock brings the listener back (ACC-5).
	if _, err := a.loop.After(acceptPause, a.resume); err != nil {
		a.server.log.Error("the listener stays paused", "error", err)
	}
}

func (a *acceptor) resume() {
	a.paused = false
	if a.slot == 0 {
		return // closed meanwhile
	}
	if err := a.loop.modify(a.slot, poll.Readable); err != nil {
		a.server.log.Error("resuming the listener failed", "error", err)
	}
}

// failed keeps the listener after a panic: connections are not to blame.
func (a *acceptor) failed(any) {}

// close stops accepting, on the loop's thread.
func (a *acceptor) close() {
	if a.slot == 0 {
		return
	}
	if err := a.loop.remove(a.slot); err != nil {
		a.server.log.Error("taking the listener off the poller failed", "error", err)
	}
	a.slot = 0
	a.server.closeListener()
}
