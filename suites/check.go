package suites

import (
	"context"
	"errors"

	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Check judges a target and returns the judged run. The error is what kept it
// from judging at all, and the run says so too, so that a report can be written
// in any case; a target that breaks clauses is no error. The end of ctx ends
// the run early: the clauses left are untested.
func Check(ctx context.Context, t target.Target, opts ...Option) (report.Run, error) {
	o := optionsOf(opts)
	r, err := NewRunner(ctx, t, o)
	if err != nil {
		return Unrun(t, o, err), err
	}
	wait := r.Ahead()
	wait()
	run := r.Finish()
	return run, r.ready
}

// Unrun is the run of a target that nobody could begin to judge.
func Unrun(t target.Target, o Options, err error) report.Run {
	kind := report.Harness
	if errors.As(err, new(*UsageError)) {
		kind = report.Usage
	}
	o.complete()
	r := &Runner{target: t}
	run := report.Run{Tool: o.Version, Target: r.reportTarget(), Problem: &report.Problem{Kind: kind, Message: err.Error()}}
	report.Judge(&run)
	return run
}
