package suites

import (
	"context"

	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Check judges a target and returns the judged run. The error is what kept it
// from judging at all, and the run says so too, so that a report can be written
// in any case; a target that breaks clauses is no error. The end of ctx ends
// the run early: the clauses left are untested.
func Check(ctx context.Context, t target.Target, opts ...Option) (report.Run, error) {
	o := optionsOf(opts)
	r, err := judging.OnTarget(ctx, t, o)
	if err != nil {
		return judging.Unrun(t, o, err), err
	}
	return r.All()
}
