// Package contract is the small Go contract of an event loop and of a server built
// on loops. A type that meets it can be judged in-process; the package has no
// dependencies, so implementing it costs a module nothing.
//
// A line that begins with Source names the systems (S6, S8 …) and clauses that an
// item comes from: what is said here in short is said there in full, with its reason
// and its check. Durations are elapsed time of a monotonic clock: setting the wall
// clock moves no timer.
package contract

import (
	"context"
	"errors"
	"net"
	"time"
)

// ErrStopped is what Post, Wake, After, Every and Hook report, possibly wrapped,
// once the loop runs no more tasks: at the latest when Run has returned, and at the
// earliest when Stop was called. What was refused with it is never run.
//
// Source: S6, S9.
var ErrStopped = errors.New("loop stopped")

// Loop is one event loop: init; while (!exit) { poll; I/O; other things }; cleanup.
//
// It belongs to the goroutine that calls Run, which keeps one thread for it: tasks,
// timers and hooks are called there, one at a time, without any of the loop's locks,
// so each may call any method but Run. Post, Wake, Stop and InLoop may be called
// from any goroutine at any time, also before Run and beside each other. After,
// Every and the methods of Timer are called on the loop's thread; a loop that
// declares the feature "timer-any-thread" allows them from any goroutine while it
// runs.
//
// Source: S6, S9, S10; the families LOOP, TASK and TIME.
type Loop interface {
	// Run serves until Stop and returns nil, or the error that ended it. It is
	// called once in a loop's life; at its end everything that the loop holds is
	// released. After a Stop before Run it returns nil at once.
	//
	// Source: S6.
	Run() error
	// Stop tells the loop to end, and wakes it for that: its turn is the last. Tasks
	// that were accepted before still run; timers that are pending at the end never
	// fire. It does not wait for Run to return, and may be called more than once.
	//
	// Source: S6, S9; TASK-14.
	Stop()
	// Post appends a task, which is not nil, and wakes the loop if it sleeps. After
	// nil the loop's thread runs the task exactly once, in the order in which its
	// producer posted, and never inside the call itself. Post never waits, however
	// many tasks or wakeups are outstanding. Between Stop and the end of Run it may
	// accept or refuse with ErrStopped; afterwards it refuses.
	//
	// Source: S8, S9; WAKE-2, WAKE-3, WAKE-6, TASK-1 to TASK-7, TASK-14.
	Post(task func()) error
	// InLoop reports whether the caller runs on the loop's own thread; before and
	// after Run nobody does.
	//
	// Source: S5, TASK-3.
	InLoop() bool
	// After runs f, which is not nil, once on the loop's thread when d has passed
	// since the call: not before, and promptly after. Any d is legal: 0 and below
	// mean in the next turn, not inside the call, and hundreds of years mean never.
	// Earlier deadlines come first, and equal ones in the order of their creation.
	// The error is ErrStopped.
	//
	// Source: S10; TIME-1 to TIME-4, TIME-11, TIME-13.
	After(d time.Duration, f func()) (Timer, error)
	// Every runs f at d, 2d, 3d … after the call, without drift: an expiry that
	// comes late moves no later one, and those that were missed are made up for or
	// skipped. d is above 0; for any other the error says so. Otherwise it is as
	// After.
	//
	// Source: S10; TIME-1, TIME-8.
	Every(d time.Duration, f func()) (Timer, error)
	// Wake makes a sleeping poll return, or the next poll if the loop does not
	// sleep, and nothing more: the loop makes a turn. Many calls may cause one turn.
	// It never waits. The error is ErrStopped.
	//
	// Source: S8; WAKE-4, WAKE-6, TASK-8.
	Wake() error
}

// Timer is a timer of a loop. It is pending until it is cancelled or, for one of
// After, until its function is about to be called; one of Every is pending during
// its function too. It holds nothing that has to be released.
//
// Source: S10.
type Timer interface {
	// Cancel reports whether the timer was pending, and ends it. After true no
	// further call of its function begins; from another thread than the loop's one
	// that had begun may still run. In the function of a timer of Every it ends that
	// timer; in the function of another timer that is due in the same turn it keeps
	// this one from firing.
	//
	// Source: TIME-5, TIME-6.
	Cancel() bool
	// Reset moves a pending timer's next expiry to d after the call and reports
	// whether it was pending; otherwise it does nothing. d is as for After. A timer
	// of Every goes on with its period from there.
	//
	// Source: TIME-7, TIME-13.
	Reset(d time.Duration) bool
}

// Position is a place in the loop's turn where hooks run.
//
// Source: S9, TASK-9; the HOOK request of the target contract.
type Position string

// The hook positions, in the order in which a turn passes them.
const (
	BeforePoll  Position = "before-poll"  // before the loop decides how long it may sleep
	AfterPoll   Position = "after-poll"   // the poll has returned, nothing is handled yet
	AfterIO     Position = "after-io"     // what was ready is handled
	AfterTimers Position = "after-timers" // and tasks and timers are, too
)

// Positions lists the hook positions in the order of a turn. It is not to be
// changed.
//
// Source: TASK-9.
var Positions = []Position{BeforePoll, AfterPoll, AfterIO, AfterTimers}

// Hooker is a loop that offers hooks: functions that run once a turn at a position.
// By meeting it a Loop declares the feature "hooks".
//
// Source: S9; TASK-8, TASK-9.
type Hooker interface {
	// Hook registers f, which is not nil, from any goroutine; the loop's thread
	// calls it once a turn, from the next pass of the position on. remove unhooks
	// it, also from any goroutine and more than once; called on the loop's thread, f
	// does not start again. The error is ErrStopped, or says that the position is
	// none.
	//
	// Source: TASK-8.
	Hook(at Position, f func()) (remove func(), err error)
}

// Server is a server that can be started inside the judging process. Its methods are
// called by one goroutine at a time: Start once, then Stop once; Features at any
// time.
//
// Source: S1 to S5; the family LIFE.
type Server interface {
	// Start listens on network and address and returns the bound address once
	// connections are accepted; it does not wait for any. The network is "tcp",
	// "tcp4" or "tcp6", with an address of host:port, where port 0 is a free one, or
	// "unix", with the path of a socket file that does not exist yet. An error says
	// why the server does not listen; then there is nothing to stop.
	//
	// Source: LIFE-8; net.Listen for the words.
	Start(network, address string) (net.Addr, error)
	// Stop ends the server and waits for its end: no new connections, output that is
	// due is delivered, everything is closed, a socket file is removed. At ctx's end
	// what is left is cut. nil says that nothing is left behind; an error says what
	// is.
	//
	// Source: S6, LIFE-8; the feature "drain".
	Stop(ctx context.Context) error
	// Features lists what the server offers on the wire, in the words of
	// spec/target.md; the same words at every call.
	//
	// Source: the HELLO request of the target contract.
	Features() []string
}

// Looper is a Server that shows what its loops are. By meeting it one value is
// judged by both halves: as a server from the wire, and its loops by their own
// methods.
//
// Source: S5, S6.
type Looper interface {
	// NewLoop makes one more loop of the kind that serves the server's connections,
	// with the same options, that nobody runs yet and that serves none of them. It
	// belongs to the caller, who calls Run, and Stop if need be before. It may be
	// called from any goroutine, before, while and after the server runs. An error
	// says why there is no loop.
	//
	// Source: S5.
	NewLoop() (Loop, error)
}
