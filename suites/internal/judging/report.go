package judging

import (
	"errors"
	"maps"
	"slices"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// vantages lists those that this run has.
func (r *Run) vantages() []spec.Vantage {
	var vantages []spec.Vantage
	if _, onTarget := r.grounds[0].(*targetGround); onTarget {
		vantages = append(vantages, spec.Wire)
	}
	if r.known.process {
		vantages = append(vantages, spec.Process)
	}
	if slices.Contains(r.grounds, ground(valueGround{})) {
		vantages = append(vantages, spec.Inproc)
	}
	return vantages
}

// Unrun is the run of a target that nobody could begin to judge.
func Unrun(t target.Target, o Options, err error) report.Run {
	kind := report.Harness
	if errors.As(err, new(*UsageError)) {
		kind = report.Usage
	}
	o.complete()
	run := report.Run{Tool: o.Version, Target: described(t.File, t.Addr), Problem: &report.Problem{Kind: kind, Message: err.Error()}}
	report.Judge(&run)
	return run
}

// described is a target as reports show it; addr is that of one that runs already.
func described(file target.File, addr string) report.Target {
	t := Expecting(file)
	t.Name, t.Upstream, t.Version, t.Language = file.Name, file.Upstream, file.Version, file.Language
	t.Class, t.Dialect, t.Features, t.Spec = file.Class, file.Dialect, file.Features, file.Spec
	if t.Address = addr; addr == "" {
		t.Command = file.Start
	}
	if file.Speaks != nil || file.TLS != nil || len(file.Promises) > 0 {
		page, _ := file.Page()
		t.Promises = slices.Sorted(maps.Keys(page.Promises))
	}
	return t
}

// Expecting is a target with the failures that its owner knows, and nothing else.
func Expecting(file target.File) (t report.Target) {
	for _, entry := range file.Expected {
		t.Expected = append(t.Expected, report.Expected{Clause: entry.Clause, Reason: entry.Reason,
			Link: entry.Link, Frequency: report.Frequency(entry.Frequency)})
	}
	return t
}
