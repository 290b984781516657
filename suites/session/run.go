package session

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/report"
)

// Attempt is what came of running a check once. At most one of Failure,
// Inconclusive, Untested and HarnessError is set; none means that the clause was kept.
type Attempt struct {
	Failure      *Failure
	Inconclusive string // why our own side cannot judge
	Untested     string // what this run lacks to see the clause at all
	HarnessError string // how the harness failed
	Cancelled    bool   // the context ended before the check did
	Hung         bool   // the hard deadline ended it

	Events  []report.Event
	Notes   []string
	Source  string // local address of the connection that failed, or else of the last one dialled
	Took    time.Duration
	Stalled time.Duration // the part of Took in which the machine stalled
	Slack   float64
}

// Steady reports whether the machine stalled so little that the attempt's
// timing can be trusted as it is.
func (a Attempt) Steady() bool {
	return a.Stalled < max(steadyStall, a.Took/steadyShare)
}

// A good server answers on loopback within a fraction of the await even when it
// loses 50 ms, or a twentieth of the time, to others.
const (
	steadyStall = 50 * time.Millisecond
	steadyShare = 20
)

// overtime is how many times its deadline an attempt may take while bytes come: a
// target that is slow, and gets on, is not broken.
const overtime = 3

// flowing reports whether bytes went over some connection within the last await.
func (s *Session) flowing() bool {
	last := s.moved.Load()
	return last > 0 && time.Since(epoch)-time.Duration(last) < s.Budget.Await
}

// Attempt runs the check once against setup's target. It returns when the check
// did, with all goroutines joined and all connections closed; a check that
// passes its hard deadline has its connections closed under it.
func (c Check) Attempt(ctx context.Context, setup Setup) Attempt {
	s := newSession(ctx, setup)
	done := make(chan any, 1)
	go func() {
		defer func() {
			raised := recover()
			if raised == nil {
				done <- nil
				return
			}
			s.raise(raised)
			s.mu.Lock()
			raised = s.first
			s.mu.Unlock()
			done <- raised
		}()
		defer s.finish()
		c.Run(s)
	}()

	limit := setup.Budget.Check
	if c.Study || c.Own {
		limit = setup.Budget.Study
	}
	if c.Soak || c.Watch && setup.Others != nil {
		limit = time.Hour
	}
	hard := time.NewTimer(limit)
	defer hard.Stop()
	var raised any
	hung, cancelled, returned := false, false, true
	for waiting := true; waiting; {
		select {
		case raised = <-done:
			waiting = false
		case <-hard.C:
			if s.flowing() && s.watch.Wall() < overtime*limit {
				hard.Reset(setup.Budget.Await)
				continue
			}
			hung, waiting = true, false
		case <-ctx.Done():
			cancelled, waiting = true, false
		}
	}
	flowing := s.flowing()
	attempt := Attempt{Took: s.watch.Wall(), Stalled: s.watch.Stalled(), Slack: min(s.watch.Slack(), maxScale), Hung: hung}
	if hung || cancelled {
		s.cancel()
		s.closeAll()
		raised, returned = s.returns(done)
	}
	s.cancel()
	s.closeAll()
	attempt.Events, attempt.Notes = s.log.events()
	s.mu.Lock()
	attempt.Source = s.source
	s.mu.Unlock()
	attempt.conclude(raised, limit, returned, cancelled, setup.Clause.ID)
	if attempt.Hung && attempt.Failure != nil && flowing {
		attempt.Failure, attempt.Untested = nil, fmt.Sprintf("it is too slow for this check, which was not over after %s though bytes came all the time", milliseconds(attempt.Took))
	}
	if f := attempt.Failure; f != nil && f.beside+f.mute > 0 {
		if most := limitBehind(ctx, setup, f); most > 0 {
			attempt.Failure, attempt.Untested = nil, full(most, f.Reason)
		} else if f.busy && busyBehind(ctx, setup, f.beside) {
			attempt.Failure, attempt.Untested = nil, fmt.Sprintf("the server says that it has too much to do (%s), and serves whoever comes with nothing else going on: a limit of its own", f.Got)
		}
	}
	if f := attempt.Failure; f != nil && f.silent > 0 {
		if after := idleBehind(ctx, setup, f.silent); after > 0 {
			attempt.Failure, attempt.Untested = nil, fmt.Sprintf(
				"connection #%d was silent for %s, and this server lets an idle client go after %s with nothing else going on: give it a longer timeout, or declare it (--idle-timeout)",
				f.Conn, milliseconds(f.silent), milliseconds(after))
		}
	}
	if f := attempt.Failure; f != nil && f.taken > 0 && (f.Ended || f.other) && setup.Dialect.Requests() == 0 && dialect.MayQuit(setup.Dialect) {
		if hint := limitOfRequests(ctx, setup, f); hint != "" {
			f.Why = hint
		}
	}
	return attempt
}

// graceTimes is how many times its grace a check may take to return where this machine
// stalls: a server whose processes crowd it keeps the harness waiting too.
const graceTimes = 10

// returns waits for a check whose connections were closed under it.
func (s *Session) returns(done <-chan any) (raised any, returned bool) {
	watch := Stopwatch{start: time.Now(), canary: s.setup.Canary}
	tick := time.NewTicker(s.Budget.Grace / graceTimes)
	defer tick.Stop()
	for {
		select {
		case raised = <-done:
			return raised, true
		case <-tick.C:
			if wall := watch.Wall(); watch.Elapsed() >= s.Budget.Grace || wall >= graceTimes*s.Budget.Grace {
				return nil, false
			}
		}
	}
}

// limitBehind asks the target, with nothing else going on, whether it holds no more
// clients than those beside which one was left waiting; 0 if that is not the reason.
func limitBehind(ctx context.Context, setup Setup, failure *Failure) (most int) {
	asks := Check{Run: func(s *Session) { most = s.limitMet(failure.beside, failure.mute) }}
	if a := asks.Attempt(ctx, setup); a.Failure != nil || a.Hung {
		return 0
	}
	return most
}

// busyBehind reports whether the server, which said amid that many clients that it has too
// much to do, serves whoever comes with nothing else going on. What it sheds so need not
// be a number of clients: privoxy does it where they come faster than it counts them.
func busyBehind(ctx context.Context, setup Setup, beside int) (serves bool) {
	asks := Check{Run: func(s *Session) {
		serves = !(s.Declared() && beside < s.declaredRoom()) && s.letsIn() != nil
	}}
	a := asks.Attempt(ctx, setup)
	return serves && a.Failure == nil && !a.Hung
}

// sharedSource may be used by several goroutines.
type sharedSource struct {
	mu     sync.Mutex
	source rand.Source
}

func (s *sharedSource) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source.Uint64()
}

func newSession(ctx context.Context, setup Setup) *Session {
	s := &Session{
		Target: setup.Target, Info: setup.Info, Dialect: setup.Dialect, Spec: setup.Clause, Budget: setup.Budget,
		Rand: rand.New(&sharedSource{source: rand.NewPCG(setup.Seed, idHash(setup.Clause.ID))}),
		log:  newRecorder(), setup: setup, hello: setup.Hello,
	}
	if setup.Target != nil {
		s.secure, _ = setup.Target.TLSConfig() // whoever greets the target says what is wrong with it
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.watch = s.Clock()
	return s
}

// finish joins what Go started, whether the check returned or failed. After a
// failure the connections are closed first, so that nothing waits for a verdict
// that is known.
func (s *Session) finish() {
	if raised := recover(); raised != nil {
		s.raise(raised)
		s.cancel()
		s.closeAll()
	}
	s.Join()
}

func (a *Attempt) conclude(raised any, limit time.Duration, returned, cancelled bool, id string) {
	switch {
	case !returned && !cancelled:
		a.HarnessError = fmt.Sprintf("the check of %s did not return %s after its connections were closed", id, milliseconds(limit))
		return
	case cancelled:
		a.Cancelled = true
		return
	}
	switch v := raised.(type) {
	case nil:
		if a.Hung {
			a.late(limit)
		}
	case failed:
		a.Failure = v.failure
		if v.failure.Source != "" {
			a.Source = v.failure.Source
		}
	case inconclusive:
		a.Inconclusive = v.reason
	case untested:
		a.Untested = v.reason
	case harnessError:
		a.HarnessError = v.reason
	case aborted:
		if a.Hung {
			a.late(limit)
		} else {
			a.HarnessError = "the check of " + id + " used a connection after its end"
		}
	default:
		a.HarnessError = fmt.Sprintf("the check of %s panicked: %v\n%s", id, v, debug.Stack())
	}
}

func (a *Attempt) late(limit time.Duration) {
	a.Failure = &Failure{Kind: Late, Reason: fmt.Sprintf("the exchange was not over within %s", milliseconds(limit)),
		Want: "the exchange ends", Got: "bytes kept trickling, or the server kept the check waiting",
		Why: "the server makes progress too slowly, or never ends what it sends"}
}

func idHash(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
}
