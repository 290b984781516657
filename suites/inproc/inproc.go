// Package inproc judges an event loop inside the judging process. The loop is a Go
// value that meets spec/contract; the package runs it, posts to it and sets timers
// through its own methods.
//
// It has two kinds of judge. Checks judge single clauses, and report what a check on
// a socket would. Models are state machines: rapid draws operations, the loop is
// compared with a plain model, and rapid shrinks the operations if the two disagree.
//
// Users reach it through suites.VerifyLoop. It is importable for fuzz targets: there is
// no compatibility promise.
package inproc

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/session"
)

// Factory makes a loop that has not run yet. A loop is used up by its Run, so
// every check and every case of a model takes a new one, and always runs it to its end.
type Factory func() (contract.Loop, error)

// Offered is what a loop offers by meeting the contract; hooks come with
// contract.Hooker and nothing else. Of what is declared only that counts which no method shows:
// timer-any-thread.
func Offered(loop contract.Loop, declared []spec.Feature) []spec.Feature {
	features := []spec.Feature{"where", "post", "timer"}
	if _, ok := loop.(contract.Hooker); ok {
		features = append(features, "hooks")
	}
	if slices.Contains(declared, "timer-any-thread") {
		features = append(features, "timer-any-thread")
	}
	return features
}

// Vantage lets checks know what they are to judge.
type Vantage struct {
	New      Factory
	Features []spec.Feature // what the loops offer
	Soak     bool           // races as many as a soak takes, instead of those of a short run
	Patience time.Duration  // how long a model waits for what must come; 0: ten seconds, far more than it takes
}

// Checks returns the checks of every clause that a loop can be judged by.
func (v Vantage) Checks() []session.Check {
	var checks []session.Check
	for _, list := range [][]check{wakes, tasks, timing} {
		for _, c := range list {
			checks = append(checks, session.Check{Clause: c.clause, Soak: v.Soak, Run: func(s *session.Session) { v.judge(s, c) }})
		}
	}
	return checks
}

// check judges one clause on a running loop.
type check struct {
	clause string
	run    func(b *bench)
}

// bench is a loop that runs beside the check.
type bench struct {
	*session.Session
	vantage Vantage
	loop    contract.Loop
	ended   chan error // gets what Run returned
}

// patience is how long something may take that has much to do, 10 s by default:
// well above what 200,000 tasks take on a slow machine.
func (b *bench) patience() time.Duration { return 5 * b.Budget.Await }

// judge runs a check on a loop of its own and ends the loop.
func (v Vantage) judge(s *session.Session, c check) {
	b := v.bench(s)
	defer b.loop.Stop() // also when the check fails
	c.run(b)
	b.end()
}

// bench runs a new loop. Whoever calls it stops the loop.
func (v Vantage) bench(s *session.Session) *bench {
	loop, err := v.New()
	if err != nil {
		s.Failf(session.Wrong, "the loop could not be made: "+err.Error(), "a loop", err.Error(), "")
	}
	b := &bench{Session: s, vantage: v, loop: loop, ended: make(chan error, 1)}
	go func() { b.ended <- loop.Run() }()
	return b
}

// end stops the loop and waits until Run has returned.
func (b *bench) end() {
	b.loop.Stop()
	b.ends()
}

// ends waits until Run has returned, because somebody stops the loop.
func (b *bench) ends() {
	var err error
	returned := receive(b, b.ended, &err)
	if !returned {
		b.Failf(session.Late, "Run did not return after Stop", "Run returns", "it still runs", "Stop did not wake the loop, or the loop does not look at it")
	}
	if err != nil {
		b.Failf(session.Wrong, "Run returned an error after Stop: "+err.Error(), "nil", err.Error(), "")
	}
}

// receive waits for a value with patience.
func receive[T any](b *bench, from <-chan T, into *T) bool {
	got := false
	_, held := b.Holds(b.patience(), func() bool {
		select {
		case *into = <-from:
			got = true
		default:
		}
		return got
	})
	return held
}

// glance is how long a wait watches before it looks at intervals: most of what is
// waited for comes within it.
const glance = 2 * time.Millisecond

// await waits until done is closed; it fails Late after within of undisturbed time.
func (b *bench) await(done <-chan struct{}, within time.Duration, what, why string) {
	if !b.comes(done, within) {
		b.Failf(session.Late, what+" did not come", fmt.Sprintf("%s within %v of undisturbed time", what, within), "nothing", why)
	}
}

// comes reports whether done is closed within that undisturbed time.
func (b *bench) comes(done <-chan struct{}, within time.Duration) bool {
	timer := time.NewTimer(glance)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	}
	_, held := b.Holds(within, func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	return held
}

// post posts a task from outside; an error breaks the clause.
func (b *bench) post(task func()) {
	b.fine("Post", b.loop.Post(task))
}

// on runs f on the loop and waits for its end.
func (b *bench) on(f func()) {
	done := make(chan struct{})
	b.post(func() { f(); close(done) })
	b.await(done, b.patience(), "the end of a posted task", "the task was lost, or the loop hangs")
}

// flush waits until the tasks posted before it have run.
func (b *bench) flush() { b.on(func() {}) }

// asleep is a pause after which a loop that has nothing to do waits in its poll.
const asleep = 30 * time.Millisecond

// The spec's bounds on undisturbed time.
const (
	prompt   = session.Prompt
	punctual = session.Punctual
)

// inTime fails Late when what took longer than limit.
func (b *bench) inTime(what string, took, limit time.Duration, why string) {
	if took > limit {
		b.Failf(session.Late, fmt.Sprintf("%s took %v", what, took.Round(100*time.Microsecond)),
			fmt.Sprintf("within %v of undisturbed time", limit), took.String(), why)
	}
}

// equal fails Wrong unless got is want.
func equal[T comparable](b *bench, what string, got, want T, why string) {
	if got != want {
		b.Failf(session.Wrong, fmt.Sprintf("%s: %v, want %v", what, got, want), fmt.Sprint(want), fmt.Sprint(got), why)
	}
}

// offers reports whether the loop declares a feature.
func (b *bench) offers(feature spec.Feature) bool {
	return slices.Contains(b.vantage.Features, feature)
}

// passes counts the loop's turns by what a turn must pass, from now on: a hook
// where there are hooks, else a timer that is set anew each time it fires. stop ends it.
func (b *bench) passes() (count *atomic.Int64, stop func()) {
	count = new(atomic.Int64)
	if hooker, ok := b.loop.(contract.Hooker); ok {
		remove, err := hooker.Hook(contract.AfterPoll, func() { count.Add(1) })
		b.fine("Hook", err)
		return count, func() { b.on(remove) }
	}
	var over atomic.Bool
	var again func()
	again = func() {
		count.Add(1)
		if !over.Load() {
			_, _ = b.loop.After(time.Millisecond, again)
		}
	}
	b.on(func() { _, _ = b.loop.After(time.Millisecond, again) })
	return count, func() { over.Store(true) }
}

// fine fails Wrong on an error that a running loop reported.
func (b *bench) fine(call string, err error) {
	if err != nil {
		b.Failf(session.Wrong, call+" on a running loop reported an error", "nil", err.Error(), "")
	}
}
