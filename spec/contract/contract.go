// Package contract is the small Go contract of an event loop and of a server
// built on loops. A type that meets it can be judged in-process; the package
// has no dependencies, so implementing it costs a module nothing.
package contract

import (
	"context"
	"errors"
	"net"
	"time"
)

// ErrStopped is what Post, After, Every and Wake report, possibly wrapped,
// once the loop has been told to stop and runs no more tasks.
var ErrStopped = errors.New("loop stopped")

// Loop is one event loop: init; while (!exit) { poll; I/O; other things }; cleanup.
//
// Run belongs to one goroutine. Post, Wake, Stop and InLoop may be called from
// any goroutine; timers returned by After and Every may be cancelled and reset
// from any goroutine as well, unless the loop does not declare the feature
// "timer-any-thread".
type Loop interface {
	// Run serves until Stop and returns nil, or the error that ended it.
	// A Stop before Run makes Run return at once.
	Run() error
	// Stop tells the loop to end. Tasks posted before it still run. It does
	// not wait and may be called more than once.
	Stop()
	// Post appends a task; the loop's own thread runs it exactly once, in the
	// order of posting per producer. It wakes a sleeping loop and never blocks.
	Post(task func()) error
	// InLoop reports whether the caller runs on the loop's own thread.
	InLoop() bool
	// After runs f once on the loop's thread, not before d has passed.
	// A negative d counts as 0.
	After(d time.Duration, f func()) (Timer, error)
	// Every runs f at d, 2d, 3d … after the call, without drift. d is above 0.
	Every(d time.Duration, f func()) (Timer, error)
	// Wake makes a sleeping poll return, nothing more.
	Wake() error
}

// Timer is a pending or expired timer of a loop.
type Timer interface {
	// Cancel reports whether the timer was pending; after true its function
	// is not called again. Allowed inside the timer's own function, where it
	// ends a periodic timer.
	Cancel() bool
	// Reset moves a pending timer's next expiry to d from now and reports
	// whether it was pending.
	Reset(d time.Duration) bool
}

// Position is a place in the loop's turn where a hook runs.
type Position string

// The hook positions, in the order in which a turn passes them.
const (
	BeforePoll  Position = "before-poll"
	AfterPoll   Position = "after-poll"
	AfterIO     Position = "after-io"
	AfterTimers Position = "after-timers"
)

// Positions lists the hook positions in the order of a turn.
var Positions = []Position{BeforePoll, AfterPoll, AfterIO, AfterTimers}

// Hooker is a loop that offers hooks: functions run once a turn at a position.
type Hooker interface {
	// Hook registers f from any goroutine; remove unhooks it, and f does not
	// start again after remove returned on the loop's own thread.
	Hook(at Position, f func()) (remove func(), err error)
}

// Server is a server that can be started inside the judging process.
type Server interface {
	// Start listens on network ("tcp", "tcp4", "tcp6" or "unix") and address,
	// and returns the bound address once connections are accepted.
	Start(network, address string) (net.Addr, error)
	// Stop ends the server: no new connections, output that is due is
	// delivered, everything is closed; at ctx's end what is left is cut.
	Stop(ctx context.Context) error
	// Features lists what the server offers, in the words of the spec.
	Features() []string
}
