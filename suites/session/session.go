// Package session is what a check sees of a target: connections that record
// what passes, budgets of time that a stalled machine cannot spend, and ways to
// say that a promise was broken.
//
// A check is a plain function of a Session. Whatever goes wrong in a call ends
// the check there (by a panic that only Attempt recovers), so checks read
// top-down without error handling. Reads are progress-based: a deadline starts
// again with every byte, so that slow is never mistaken for silent.
//
// It changes with the checks: there is no compatibility promise.
package session

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Check is the judge of one clause.
type Check struct {
	Clause string // the clause's ID
	// Study marks a long wait: it runs on an instance of its own, beside at
	// most one other.
	Study bool
	// Own marks a check that signals, limits or kills the target: it gets an
	// instance of its own, and none can be judged on an attached target.
	Own bool
	// Long marks a check that waits for seconds on a correct server too: it is
	// begun before the others of its kind, so that nothing waits for it at the end.
	Long bool
	// Watch marks a study that goes on until all else that binds the target is judged
	// (Session.Others), beside whatever is: it is begun first, and is nearly idle.
	Watch bool
	// Soak marks a check that only --soak runs; it takes minutes.
	Soak bool
	// Needs is what the check asks of the dialect, as the target speaks it; one
	// that lacks it has no words for the clause.
	Needs Need
	Run   func(s *Session)
}

// Need is a set of things that a dialect may have or lack.
type Need uint8

const (
	// Several is more than one request on a connection.
	Several Need = 1 << iota
	// Payload is bytes of the check's own choice that come back in the reply.
	Payload
	// Ahead is requests that are sent before the replies to earlier ones are read.
	Ahead
	// Words is anything that can be said at all.
	Words
	// Unended is a request that does not end.
	Unended
	// Bodies is a request with a body, which the server may refuse.
	Bodies
)

// Lacks says what the dialect has not of what is needed; empty where it has all.
func (n Need) Lacks(d dialect.Dialect) string {
	switch {
	case n&Several != 0 && d.Requests() == 1:
		return "it is about several requests on one connection, and this server answers one on each"
	case n&(Words|Ahead|Several) != 0 && dialect.Wordless(d):
		return "it is about what a server answers, and the " + d.Name() + " dialect has no words"
	case n&Ahead != 0 && !d.Pipelines():
		return "it is about requests sent ahead, and the " + d.Name() + " dialect has a client wait for each reply"
	case n&Unended != 0 && dialect.Unended(d) == nil:
		return "it is about a request that does not end, and no request of the " + d.Name() + " dialect is a line"
	case n&Bodies != 0 && !posts(d):
		return "it is about requests with a body that may be refused, and the " + d.Name() + " dialect has none"
	case n&Payload != 0 && dialect.Constant(d):
		return "it is told by a payload that comes back, and requests of this target carry none"
	}
	return ""
}

func posts(d dialect.Dialect) bool { _, ok := dialect.Posts(d); return ok }

// Session is one attempt at one check. It is the check's own: goroutines that
// Go starts may use it too; it is dead once the check returned.
type Session struct {
	Target  *target.Instance
	Info    target.File
	Dialect dialect.Dialect
	Rand    *rand.Rand // seeded per clause; goroutines share it, in whatever order they come
	Spec    spec.Clause
	Budget  Budget

	secure *tls.Config // nil: plain TCP
	// unshaken counts the handshakes that a write of this session has stopped waiting for.
	unshaken atomic.Int32
	ctx      context.Context
	cancel   context.CancelFunc
	setup    Setup
	log      *recorder
	watch    Stopwatch // started with the attempt

	mu       sync.Mutex
	conns    []*Conn
	dialled  int
	hello    map[string]string
	first    any // the first verdict raised, by whichever goroutine
	source   string
	queue    queue
	seen     socketsSeen
	quits    atomic.Int32 // connections that the server ended between two requests, and another took their place
	moved    atomic.Int64 // when bytes went over any connection last, in nanoseconds from epoch
	ended    atomic.Bool
	children sync.WaitGroup
}

// Setup is what the engine hands to an attempt.
type Setup struct {
	Target  *target.Instance
	Info    target.File
	Dialect dialect.Dialect
	Clause  spec.Clause
	Seed    uint64
	Budget  Budget
	Canary  *observe.Canary   // nil: the machine is taken to be steady
	Meter   *Meter            // nil: the target's run delay is not known
	Hello   map[string]string // nil: asked for when a check wants it
	Soak    bool              // the run takes its time
	Quick   bool              // the run is to be over in some seconds
	Others  <-chan struct{}   // closed once all else is judged; nil: nobody waits for that
	// Findings are what the run's checks found out for each other; nil: each finds
	// out by itself.
	Findings *Findings
	// Replay words the command that plays a transcript's file on this target;
	// nil: nobody can.
	Replay func(file string) string
}

// Context ends when the check is over or out of time.
func (s *Session) Context() context.Context { return s.ctx }

// Await is the time that something which must come may take, already scaled by
// how much this machine stalled during the attempt.
func (s *Session) Await() time.Duration { return s.scaled(s.Budget.Await) }

// Silence is how long to listen for what must not come, scaled like Await.
func (s *Session) Silence() time.Duration { return s.scaled(s.Budget.Silence) }

// maxScale bounds the scaling of budgets; a machine that is slower than this
// makes the attempt inconclusive, not longer.
const maxScale = 4

func (s *Session) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * min(s.watch.Slack(), maxScale))
}

// Clock starts a stopwatch of effective time.
func (s *Session) Clock() Stopwatch { return startStopwatch(s.setup.Canary, s.setup.Meter) }

// Tree returns the target's processes. Where the pid is unknown it ends the
// check, and the clause is untested.
func (s *Session) Tree() *observe.Tree {
	tree := s.Target.Tree()
	if tree == nil {
		panic(untested{"it is seen in the target's processes, whose pid nobody gave"})
	}
	return tree
}

// Note adds a line to the evidence; only failures and --verbose show it.
func (s *Session) Note(format string, args ...any) {
	s.log.note(oneLine(fmt.Sprintf(format, args...)))
}

// Until waits until cond holds, looking every poll interval. After within of
// effective time the clause fails Late: what did not come true.
func (s *Session) Until(what string, within time.Duration, cond func() bool) {
	if took, held := s.Holds(within, cond); !held {
		s.Failf(Late, fmt.Sprintf("%s did not come true within %s", what, milliseconds(within)),
			fmt.Sprintf("%s within %s", what, milliseconds(within)),
			fmt.Sprintf("still not so after %s", milliseconds(took)), "")
	}
}

// Holds is Until for checks that word their own failure: it reports whether
// cond came true within that effective time, and after how much of it.
func (s *Session) Holds(within time.Duration, cond func() bool) (took time.Duration, held bool) {
	watch := s.Clock()
	ticker := time.NewTicker(s.Budget.Poll)
	defer ticker.Stop()
	for {
		if cond() {
			return watch.Elapsed(), true
		}
		if watch.Wall() >= within {
			if took := watch.Elapsed(); took >= within || watch.Wall() > within+s.Budget.Wall {
				return took, false
			}
		}
		select {
		case <-ticker.C:
		case <-s.ctx.Done():
			panic(aborted{})
		}
	}
}

// Pause waits for d, or until the check is told to end. It is for studies that
// watch a target over a time, not for synchronisation.
func (s *Session) Pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		panic(aborted{})
	}
}

// Go runs f beside the check. A failure inside is the check's failure; it shows
// at Join, which Attempt calls at last.
func (s *Session) Go(f func()) {
	s.children.Add(1)
	go func() {
		defer s.children.Done()
		defer func() {
			if raised := recover(); raised != nil {
				s.raise(raised)
			}
		}()
		f()
	}()
}

// Join waits for all that Go started, and ends the check if one of them failed.
func (s *Session) Join() {
	s.children.Wait()
	s.mu.Lock()
	raised := s.first
	s.mu.Unlock()
	if raised != nil {
		panic(raised)
	}
}

// raise keeps the first verdict; what follows from it is noise.
func (s *Session) raise(raised any) {
	switch raised.(type) {
	case failed, inconclusive, untested, harnessError, aborted:
	default:
		raised = harnessError{oneLine(fmt.Sprintf("the check of %s panicked: %v", s.Spec.ID, raised)) + "\n" + string(debug.Stack())}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, over := s.first.(aborted); s.first == nil || over {
		s.first = raised
	}
}

// Payload returns n random bytes that the dialect can carry, clamped to its
// least and greatest payload.
func (s *Session) Payload(n int) []byte {
	n = min(max(n, s.Dialect.MinPayload()), s.Dialect.MaxPayload())
	payload := make([]byte, n)
	for i := 0; i < n; i += 8 {
		word := s.Rand.Uint64()
		for j := i; j < n && j < i+8; j++ {
			payload[j] = byte(word)
			word >>= 8
		}
	}
	return payload
}

// ServesFresh proves that a fresh connection is still served: one request, one reply.
// Every abuse ends with it.
func (s *Session) ServesFresh() {
	defer func() {
		if raised := recover(); raised != nil {
			if f, ok := raised.(failed); ok {
				told := *f.failure
				told.Reason = "a fresh connection is not served: " + told.Reason
				raised = failed{&told}
			}
			panic(raised)
		}
	}()
	c := s.Open()
	c.Exchange(s.Payload(16))
	c.Close()
}
