package judging

import (
	"context"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Field is a target on which somebody tries as often, and whatever, they like, on one
// instance that is started anew when it is spent. One goroutine uses it at a time.
type Field struct {
	// Await, if not 0, replaces the budget's: silence is believed sooner by who tries again.
	Await time.Duration

	run    *Run
	ground *targetGround
}

// OnField checks what is asked for; a *UsageError says what is wrong. The options'
// clauses are those that results may be of. Nothing is started before Begin. Whoever
// gets a Field finishes it.
func OnField(ctx context.Context, t target.Target, o Options) (*Field, error) {
	r, err := OnTarget(ctx, t, o)
	if err != nil {
		return nil, err
	}
	return r.field(), nil
}

// Field is a server of this process as a field; whoever stops the server finishes it before.
func (s *Server) Field() *Field { return s.field() }

func (r *Run) field() *Field { return &Field{run: r, ground: r.grounds[0].(*targetGround)} }

// Begin launches and greets the target. The error says why nothing can be tried.
func (f *Field) Begin() error {
	f.run.begin.Do(f.run.beginAll)
	return f.run.unready
}

// Info is the target as it declared itself; Seed is the run's.
func (f *Field) Info() target.File { return f.run.known.info }
func (f *Field) Seed() uint64      { return f.run.plan.seed }

// Trial is what came of one try.
type Trial struct {
	session.Attempt
	Died   string // how the target ended; empty while it runs
	Stderr string // the tail of what it printed, where it ended or something failed
}

// Try runs the check once on the instance, which is started first if there is none. It
// leaves the instance as it is; whoever found a failure has it Renewed. The error says
// why no instance can be had.
func (f *Field) Try(ctx context.Context, check session.Check, clause spec.Clause) (Trial, error) {
	in, err := f.instance(ctx)
	if err != nil {
		return Trial{}, err
	}
	setup := f.ground.on(in, f.run.setup(clause))
	if f.Await > 0 {
		setup.Budget.Await = f.Await
	}
	tried := Trial{Attempt: check.Attempt(ctx, setup)}
	if tried.Failure != nil || tried.HarnessError != "" || tried.Inconclusive != "" || in.died() != "" {
		tried.Died, tried.Stderr = in.dying(), in.Stderr()
	}
	return tried, nil
}

// instance is the one that is tried on. One that died outside a try is told by the next.
func (f *Field) instance(ctx context.Context) (*instance, error) {
	if f.ground.shared != nil {
		return f.ground.shared, nil
	}
	in, err := f.ground.launch(ctx)
	if err != nil {
		return nil, err
	}
	f.ground.shared = in
	return in, nil
}

// Instance is what is running now; nil between Renew and the next Try.
func (f *Field) Instance() *target.Instance {
	if f.ground.shared == nil {
		return nil
	}
	return f.ground.shared.Instance
}

// Renew ends the instance; the next try starts another. One that is attached goes on.
func (f *Field) Renew() {
	if !f.ground.attached() {
		f.ground.end()
	}
}

// Hinder notes why not all was done.
func (f *Field) Hinder(kind report.ProblemKind, message, stderr string) {
	f.run.journal.hindered(kind, message, stderr)
}

// Note tells something that the reader of the report should know.
func (f *Field) Note(format string, args ...any) { f.run.journal.note(format, args...) }

// Evidence is what a try leaves to the reader.
func (t Trial) Evidence(clause spec.Clause) *report.Evidence {
	return evidence(clause, trial{Attempt: t.Attempt, ended: t.Died, stderr: t.Stderr}, 1)
}

// Finish stops the target and returns the judged run with those results.
func (f *Field) Finish(results []report.Result) report.Run {
	r := f.run
	for _, result := range results {
		a := &answer{ready: make(chan struct{}), result: Expecting(r.target.File).Settle(result)}
		close(a.ready)
		r.answers[result.Clause] = a
	}
	return r.Finish()
}
