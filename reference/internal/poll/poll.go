// Package poll waits for descriptors: epoll (level- and edge-triggered),
// poll(2) and select(2) behind one contract, the descriptors that wake a
// waiting thread, and the thin socket calls of the server side. It is the
// server side's only importer of golang.org/x/sys/unix.
//
// # The contract of a poller
//
// A Poller belongs to one thread, the loop's. No method may be called from
// another one, not even while Wait blocks; whoever wants something from a
// waiting loop wakes it and lets the loop do it.
//
// Add registers a descriptor with a token and an interest. The token is opaque
// here and comes back with every event. A poller never looks at what a token
// means, and a loop that puts a generation into it can tell an event of a
// closed descriptor from one of its successor with the same number.
//
// Wait blocks until at least one registered descriptor is ready, the timeout
// has passed or a signal arrived, and fills in events. It may return no event
// at all, at any time and for any reason; a caller that wants to sleep on
// computes its timeout anew. It never sleeps less than a positive timeout that
// runs out: what the system call counts coarsely is rounded up, so a
// timer's deadline has passed when Wait comes back for it (TIME-1).
//
// Level-triggered pollers report a descriptor in every Wait while it is ready
// and the interest asks for it. An edge-triggered poller reports it once after
// it became ready (and once more after Add and Modify), so its user goes on
// until a call says ErrAgain, or remembers that it did not.
//
// Hangup and Fault are reported whatever the interest, even an empty one. A
// caller reads before it looks at them: bytes that arrived before a reset or a
// FIN are still there to be read.
//
// Remove takes effect at once: no later Wait reports the descriptor. Events
// that an earlier Wait has already handed out are the caller's to reject, by
// token. Remove comes before close(2), always: a closed descriptor whose file
// is open elsewhere (a child, a dup) would otherwise be reported for ever and
// nobody could unregister it.
package poll

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Events are the conditions of a descriptor, and as an interest the conditions
// asked for: only Readable and Writable can be asked for. The bits are those of
// epoll(7) and poll(2), which agree on Linux.
type Events uint32

const (
	Readable Events = 0x1  // bytes, a connection to accept, or the peer's FIN
	Writable Events = 0x4  // room to write
	Fault    Events = 0x8  // an error is pending; reading or writing tells which
	Hangup   Events = 0x10 // both directions are shut
)

func (e Events) String() string {
	if e == 0 {
		return "none"
	}
	var names []string
	for _, n := range [...]struct {
		bit  Events
		name string
	}{{Readable, "readable"}, {Writable, "writable"}, {Fault, "fault"}, {Hangup, "hangup"}} {
		if e&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, "+")
}

// Event says that the descriptor registered with Token is ready.
type Event struct {
	Token  uint64
	Events Events
}

// Forever as a timeout of Wait means no timeout. Any negative one does.
const Forever time.Duration = -1

// MaxTimeout bounds one Wait. poll and epoll_wait count milliseconds in an int32
// and would overflow after 24.8 days (TIME-9, mio PR #1948); a loop that wakes once a
// day to sleep on costs nothing and needs no such care.
const MaxTimeout = 24 * time.Hour

// Poller waits for descriptors; the package comment is its contract.
type Poller interface {
	// Add registers fd, which must not be registered. A descriptor number that
	// the poller cannot hold is a *LimitError.
	Add(fd int, token uint64, interest Events) error
	// Modify replaces token and interest of a registered fd.
	Modify(fd int, token uint64, interest Events) error
	// Remove forgets a registered fd, which is still open.
	Remove(fd int) error
	// Wait fills events and returns how many; 0 after a timeout or a signal.
	Wait(events []Event, timeout time.Duration) (int, error)
	// EdgeTriggered tells the two kinds of reporting apart.
	EdgeTriggered() bool
	// Name is the kind, one of Kinds for the pollers of this package.
	Name() string
	// Close releases the poller, not the descriptors registered with it.
	Close() error
}

// Kinds are the pollers that New makes.
var Kinds = []string{"epoll", "epollet", "poll", "select"}

// New makes a poller of a kind.
func New(kind string) (Poller, error) {
	switch kind {
	case "epoll":
		return newEpoll(false)
	case "epollet":
		return newEpoll(true)
	case "poll":
		return newPollSet(), nil
	case "select":
		return newSelectSet(), nil
	}
	return nil, fmt.Errorf("poller %q is not one of %s", kind, strings.Join(Kinds, ", "))
}

// LimitError is what Add reports for a descriptor that the poller has no room
// for: select(2) holds descriptors below FD_SETSIZE, whatever their count.
type LimitError struct {
	Poller string
	FD     int
	Limit  int // descriptors must be below it
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s cannot watch descriptor %d: it must be below %d (use epoll or poll)", e.Poller, e.FD, e.Limit)
}

// ErrLimit is what every LimitError wraps.
var ErrLimit = errors.New("the poller has no room for so great a descriptor")

func (e *LimitError) Unwrap() error { return ErrLimit }

var (
	errRegistered   = errors.New("descriptor is registered already")
	errUnregistered = errors.New("descriptor is not registered")
)

// milliseconds rounds a timeout up to what poll and epoll_wait count in: rounded
// down, the last millisecond before a deadline would be a busy loop (TIME-10, redis
// PR #8764).
func milliseconds(timeout time.Duration) int {
	switch {
	case timeout < 0:
		return -1
	case timeout > MaxTimeout:
		timeout = MaxTimeout
	}
	return int((timeout + time.Millisecond - 1) / time.Millisecond)
}
