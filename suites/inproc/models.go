package inproc

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// Model is a state machine that compares a loop with a plain model under drawn
// operations. Run draws one case, on a loop of its own that it runs to its end;
// it serves rapid.Check and rapid.MakeFuzz alike.
type Model struct {
	Name   string
	Family string // of the clauses that it is about
	Run    func(t *rapid.T, newLoop Factory)
}

// Models lists the models that bind every loop of the contract. What a loop
// declares beyond its methods widens them.
func (v Vantage) Models() []Model {
	on := func(model func(*rapid.T, *running)) func(*rapid.T, Factory) {
		return func(t *rapid.T, newLoop Factory) { v.under(t, newLoop, model) }
	}
	return []Model{
		{"tasks", "TASK", on(tasksModel)},
		{"wakeups", "WAKE", on(wakeupsModel)},
		{"timers", "TIME", on(timersModel)},
	}
}

// Tasks is the model of the task queue: many producers, tasks that post tasks,
// hooks that post, and a shutdown that falls into the middle of it.
func Tasks(t *rapid.T, newLoop Factory, declared ...spec.Feature) {
	Vantage{Features: declared}.under(t, newLoop, tasksModel)
}

// Timers is the model of timers: whatever is set, cancelled and reset, by tasks, by
// callbacks and, where the loop declares timer-any-thread, by another thread, none fires
// early, the earlier deadline fires first, equal delays fire in the order of
// their creation, and each fires exactly as often as the model says. It runs in
// real time; the loop's own clock is not asked.
func Timers(t *rapid.T, newLoop Factory, declared ...spec.Feature) {
	Vantage{Features: declared}.under(t, newLoop, timersModel)
}

// modelPatience is how long anything may take under a model, which has no way to
// tell a machine that stalls: far more than it takes.
const modelPatience = 10 * time.Second

// running is a loop under a model, and the goroutine that runs it.
type running struct {
	contract.Loop
	t         *rapid.T
	patience  time.Duration
	anyThread bool // timers may be set from outside
	ended     chan error
	over      bool // end was called
}

// under plays one case of a model on a loop of its own, and ends the loop
// whatever the case finds.
func (v Vantage) under(t *rapid.T, newLoop Factory, model func(*rapid.T, *running)) {
	loop, err := newLoop()
	if err != nil {
		t.Fatalf("the loop cannot be made: %v", err)
	}
	l := &running{Loop: loop, t: t, patience: v.Patience, anyThread: slices.Contains(v.Features, "timer-any-thread"), ended: make(chan error, 1)}
	if l.patience == 0 {
		l.patience = modelPatience
	}
	go func() { l.ended <- loop.Run() }()
	defer l.end()
	model(t, l)
}

// end stops the loop and waits for it, once.
func (l *running) end() {
	if l.over {
		return
	}
	l.over = true
	l.Stop()
	select {
	case err := <-l.ended:
		if err != nil {
			l.t.Errorf("Run returned an error after Stop: %v", err)
		}
	case <-time.After(l.patience):
		l.t.Errorf("Run did not return within %v after Stop", l.patience)
	}
}

// on runs f on the loop and waits for it.
func (l *running) on(f func()) {
	done := make(chan struct{})
	if err := l.Post(func() { f(); close(done) }); err != nil {
		l.t.Fatalf("Post to a running loop reported %v", err)
	}
	select {
	case <-done:
	case <-time.After(l.patience):
		l.t.Fatalf("the end of a posted task did not come within %v", l.patience)
	}
}
