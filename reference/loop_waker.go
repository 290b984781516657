package reference

import (
	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// Waker is the special descriptor that hangs on a loop's poller so that another
// thread can end the poll (S8). A loop takes any implementation.
//
// The loop registers FD for reading, level-triggered or edge-triggered as its
// poller is. Wake makes FD readable and may be called by several threads at once, also
// while the loop drains.
// Drain makes FD unreadable again and belongs to the loop's thread. A Wake that
// races with a Drain leaves FD readable or was drained; the loop drains before it
// looks at its queue, so both are right. Neither may block: when FD is readable
// already, Wake has nothing to add. Close releases the descriptors and comes
// last; the loop calls it when no Wake is under way.
type Waker interface {
	// FD is the descriptor to poll, the same for the waker's whole life.
	FD() int
	// Wake makes FD readable.
	Wake() error
	// Drain takes all wakeups out of FD.
	Drain() error
	// Close releases the waker's descriptors.
	Close() error
	// Name is the kind, as in reports.
	Name() string
}

// Wakeups are the kinds of waker that NewWaker makes.
var Wakeups = []string{"eventfd", "pipe", "socketpair"}

// NewWaker makes a waker of one of the kinds in Wakeups, and of no other: what a server
// says of its wakeup is read off the option (WAKE-8).
func NewWaker(kind string) (Waker, error) {
	switch kind {
	case "eventfd":
		return NewEventFD()
	case "pipe":
		return NewPipe()
	case "socketpair":
		return NewSocketPair()
	}
	return nil, oneOf("Wakeup", kind, Wakeups)
}

// NewEventFD makes a waker of an eventfd(2): one descriptor, a counter.
func NewEventFD() (Waker, error) {
	fd, err := poll.EventFD()
	if err != nil {
		return nil, err
	}
	return &fdWaker{name: "eventfd", read: fd, write: fd, size: 8}, nil
}

// NewPipe makes a waker of a pipe(2).
func NewPipe() (Waker, error) {
	r, w, err := poll.Pipe()
	if err != nil {
		return nil, err
	}
	return &fdWaker{name: "pipe", read: r, write: w, size: 1}, nil
}

// NewSocketPair makes a waker of a socketpair(2).
func NewSocketPair() (Waker, error) {
	r, w, err := poll.SocketPair()
	if err != nil {
		return nil, err
	}
	return &fdWaker{name: "socketpair", read: r, write: w, size: 1}, nil
}

// fdWaker wakes by writing size bytes to a descriptor. Drain reads them all, or it would
// stay readable, and no poll would sleep again (WAKE-7).
type fdWaker struct {
	name        string
	read, write int
	size        int
}

func (w *fdWaker) FD() int      { return w.read }
func (w *fdWaker) Wake() error  { return poll.Signal(w.write, w.size) }
func (w *fdWaker) Drain() error { return poll.Drain(w.read) }
func (w *fdWaker) Name() string { return w.name }

func (w *fdWaker) Close() error {
	err := poll.Close(w.read)
	if w.write != w.read {
		if e := poll.Close(w.write); err == nil {
			err = e
		}
	}
	return err
}
