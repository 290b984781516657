package reference

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// The classes of server (S1, S2, S4, S5).
const (
	Iterative           = "iterative"             // one client at a time
	ThreadPerConnection = "thread-per-connection" // an OS thread blocked in read(2) for each
	Reactor             = "reactor"               // one loop accepts and serves
	MultiReactor        = "multi-reactor"         // one loop accepts, others serve
)

// Classes lists them in the order in which each cures a fault of the one before.
var Classes = []string{Iterative, ThreadPerConnection, Reactor, MultiReactor}

// Balances are the ways of spreading connections over loops.
var Balances = []string{RoundRobin, LeastConnections, SourceHash}

// The limits of options, and why.
const (
	maxLoops      = 256       // a loop is a thread; no machine of today wants more
	maxThreads    = 8_000     // a Go process dies at 10,000 threads, and others need some
	maxLimit      = 1 << 30   // 1 GiB of unread output for one connection
	maxFrameLimit = 64 << 20  // what one handler may leave unused
	maxConns      = 1_000_000 // more than descriptors
	maxWorkers    = 1_000     // threads again
	maxQueue      = 1_000_000 // jobs that wait for a worker
	maxShared     = 1_024     // tasks of the shared set in a turn
	maxTaskShare  = 1_000_000 // tasks between two rounds of I/O
	maxTime       = 24 * time.Hour * 365
)

// Options say what New builds. The zero value is a multi-reactor of two loops
// over epoll with eventfd wakeups, serving the target contract.
type Options struct {
	Class        string        // one of Classes; "" is multi-reactor
	Loops        int           // loops that serve connections, 1 to 256; 0 is 2 for multi-reactor and 1 for reactor
	Poller       string        // epoll (default), epollet, poll or select
	Wakeup       string        // eventfd (default), pipe or socketpair
	Balance      string        // round-robin (default), least-connections or source-hash
	Backlog      int           // of the listener, 1 to 65,535; 0 is 4,096 (the kernel caps it at somaxconn)
	MaxConns     int           // connections open at a time, 1 to 1,000,000; 0 is 1,000,000; more are refused
	MaxThreads   int           // of thread-per-connection, 1 to 8,000; 0 is 1,000; more are refused
	Limit        int           // L: bytes of unread output of one connection that never stall reading, 1 to 1 GiB; 0 is 16 MiB
	LowWater     int           // reading resumes at that much, 0 to Limit; 0 is half of Limit
	MaxFrame     int           // bytes that a handler may leave unused, 1 to 64 MiB; 0 is the greatest frame of the contract
	IdleTimeout  time.Duration // connections without a byte for so long are closed; 0 is never
	DrainTimeout time.Duration // a closed connection whose peer takes no byte of its output for so long is cut; 0 is 1 minute
	Workers      int           // threads for blocking work, 1 to 1,000; 0 is 4
	WorkQueue    int           // jobs that may wait for a worker, 1 to 1,000,000; 0 is 64
	Shared       int           // tasks of the shared set that a loop takes at a time, 1 to 1,024; 0 is 64
	TaskShare    int           // tasks of its own that a loop runs in one turn, 1 to 1,000,000; 0 is 1,024
	StallAfter   time.Duration // a loop's turn that takes longer is counted and logged as a stall; 0 is 100 ms

	// Handler makes the handler of a new connection, on its thread. nil is the
	// target contract: sign-on and its conversations.
	Handler func(c *Conn) Handler
	// NewWaker makes each loop's waker instead of Wakeup.
	NewWaker func() (Waker, error)
	Nonce    string       // what HELLO answers as nonce; "" is $REACTORSPEC_NONCE
	Log      *slog.Logger // nil is slog.Default
}

// OptionError is a bad option: a mistake of whoever asked, where other errors are
// failures of what was tried.
type OptionError struct {
	Option string // its name: the field, or the flag where there is no field
	Value  any    // what it is
	Reason string // the range, as in "want 1 to 256", or what does not go with it
}

func (e *OptionError) Error() string {
	if s, ok := e.Value.(string); ok {
		return fmt.Sprintf("option %s is %q: %s", e.Option, s, e.Reason)
	}
	return fmt.Sprintf("option %s is %v: %s", e.Option, e.Value, e.Reason)
}

// BadOption is the option's name. A caller that must not import this package
// tells the type by the method.
func (e *OptionError) BadOption() string { return e.Option }

// oneOf is the error of a word that is not among those of an option, or nil.
func oneOf(option, word string, words []string) error {
	if slices.Contains(words, word) {
		return nil
	}
	return &OptionError{option, word, "want one of " + strings.Join(words, ", ")}
}

// complete fills in the defaults and reports the first option out of its range.
func (o *Options) complete() error {
	if o.Class == "" {
		o.Class = MultiReactor
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Nonce == "" {
		o.Nonce = os.Getenv("REACTORSPEC_NONCE")
	}
	for _, c := range []struct {
		name  string
		value *string
		of    []string
	}{
		{"Class", &o.Class, Classes},
		{"Poller", &o.Poller, poll.Kinds},
		{"Wakeup", &o.Wakeup, Wakeups},
		{"Balance", &o.Balance, Balances},
	} {
		if *c.value == "" {
			*c.value = c.of[0]
		}
		if err := oneOf(c.name, *c.value, c.of); err != nil {
			return err
		}
	}
	if err := o.unused(); err != nil {
		return err
	}
	if err := o.completeNumbers(); err != nil {
		return err
	}
	return o.completeTimes()
}

// unused reports an option that asks for what the class has not.
func (o *Options) unused() error {
	reason := "class " + o.Class + " has no loops"
	switch {
	case o.Class == Reactor && o.Loops > 1:
		return &OptionError{"Loops", o.Loops, "the class reactor has 1 loop; want class multi-reactor"}
	case o.Class == Reactor && o.Balance != RoundRobin:
		return &OptionError{"Balance", o.Balance, "the class reactor has 1 loop; want class multi-reactor"}
	case o.hasLoops() && o.MaxThreads != 0:
		return &OptionError{"MaxThreads", o.MaxThreads, "class " + o.Class + " has no threads of connections; want class " + ThreadPerConnection}
	case o.hasLoops():
		return nil
	case o.Loops != 0:
		return &OptionError{"Loops", o.Loops, reason}
	case o.Poller != poll.Kinds[0]:
		return &OptionError{"Poller", o.Poller, reason}
	case o.Wakeup != Wakeups[0]:
		return &OptionError{"Wakeup", o.Wakeup, reason}
	case o.Balance != RoundRobin:
		return &OptionError{"Balance", o.Balance, reason}
	case o.TaskShare != 0:
		return &OptionError{"TaskShare", o.TaskShare, reason}
	case o.Shared != 0:
		return &OptionError{"Shared", o.Shared, reason}
	case o.Workers != 0:
		return &OptionError{"Workers", o.Workers, reason + ", whose work would go to workers"}
	case o.WorkQueue != 0:
		return &OptionError{"WorkQueue", o.WorkQueue, reason + ", whose work would go to workers"}
	case o.StallAfter != 0:
		return &OptionError{"StallAfter", o.StallAfter, reason}
	case o.NewWaker != nil:
		return &OptionError{"NewWaker", "set", reason}
	}
	return nil
}

func (o *Options) completeNumbers() error {
	loops := 1
	if o.Class == MultiReactor {
		loops = 2
	}
	if o.Limit == 0 {
		o.Limit = 16 << 20
	}
	for _, n := range []struct {
		name              string
		value             *int
		least, most, zero int
	}{
		{"Loops", &o.Loops, 1, maxLoops, loops},
		{"Backlog", &o.Backlog, 1, 65_535, 4_096},
		{"MaxConns", &o.MaxConns, 1, maxConns, maxConns},
		{"MaxThreads", &o.MaxThreads, 1, maxThreads, 1_000},
		{"Limit", &o.Limit, 1, maxLimit, o.Limit},
		{"LowWater", &o.LowWater, 0, o.Limit, o.Limit / 2},
		{"MaxFrame", &o.MaxFrame, 1, maxFrameLimit, defaultMaxFrame},
		{"Workers", &o.Workers, 1, maxWorkers, 4},
		{"WorkQueue", &o.WorkQueue, 1, maxQueue, 64},
		{"Shared", &o.Shared, 1, maxShared, 64},
		{"TaskShare", &o.TaskShare, 1, maxTaskShare, defaultTaskShare},
	} {
		if *n.value == 0 {
			*n.value = n.zero
		}
		if *n.value < n.least || *n.value > n.most {
			return &OptionError{n.name, *n.value, fmt.Sprintf("want %d to %d", n.least, n.most)}
		}
	}
	return nil
}

func (o *Options) completeTimes() error {
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"IdleTimeout", &o.IdleTimeout, 0},
		{"DrainTimeout", &o.DrainTimeout, time.Minute},
		{"StallAfter", &o.StallAfter, 100 * time.Millisecond},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
		if d.name == "StallAfter" && *d.value < minStall {
			return &OptionError{d.name, *d.value, fmt.Sprintf("want %v to %v", minStall, maxTime)}
		}
		if *d.value < 0 || *d.value > maxTime {
			return &OptionError{d.name, *d.value, fmt.Sprintf("want 0 to %v", maxTime)}
		}
	}
	return nil
}

// hasLoops tells the classes that wait for many descriptors at once.
func (o *Options) hasLoops() bool { return o.Class == Reactor || o.Class == MultiReactor }
