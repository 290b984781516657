package suites

import (
	"fmt"
	"slices"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
)

// gate decides, before anything runs, whether a clause can be judged on this
// target at all: whether it is in force and has a check, whether the target
// promised it, whether it binds the target's class and features, and whether
// this run can see it. An empty outcome lets it pass. Once a check runs, a
// failure is never demoted to what a gate says.
func (r *Runner) gate(clause spec.Clause, check session.Check, built bool) (report.Outcome, string) {
	switch {
	case clause.Withdrawn:
		return report.Untested, "withdrawn: " + clause.Sentence
	case clause.Kind == spec.Untested:
		return report.Untested, clause.Method
	case !clause.Sees(spec.Wire) && !clause.Sees(spec.Process):
		return report.Untested, "it is seen in-process only, by a Go adapter of spec/contract"
	case !built:
		return report.Untested, "no check is built for it yet"
	case check.Soak && !r.options.Soak:
		return report.Untested, "it soaks the target for minutes: give --soak"
	}
	page, known := spec.LookupDialect(r.target.File.Dialect)
	if !known {
		return report.Unsupported, fmt.Sprintf("the %s dialect has no page of promises", r.target.File.Dialect)
	}
	if _, promised := page.Promises[clause.ID]; !promised {
		return report.Unsupported, fmt.Sprintf("the %s dialect does not promise it", page.Name)
	}
	if class := r.known.class; !clause.Binds(class) {
		if class == "" {
			return report.Unsupported, fmt.Sprintf("it binds %s; the target declares no class", join(clause.Classes))
		}
		return report.Unsupported, fmt.Sprintf("it binds %s; the target is %s", join(clause.Classes), class)
	}
	if r.known.distrust != "" && len(clause.Needs) > 0 {
		return report.Untested, r.known.distrust
	}
	for _, feature := range clause.Needs {
		if !slices.Contains(r.known.features, feature) && !slices.Contains(page.Features, feature) {
			return report.Unsupported, fmt.Sprintf("it needs %s, which the target does not offer", feature)
		}
	}
	switch {
	case !clause.Sees(spec.Wire) && !r.known.process:
		return report.Untested, "it is seen in the target's processes: give --pid, or let reactorspec start the target"
	case check.Own && r.attached():
		return report.Untested, "it signals, limits or restarts the target: let reactorspec start it"
	}
	return "", ""
}

// vantages lists those that this run has.
func (r *Runner) vantages() []spec.Vantage {
	var vantages []spec.Vantage
	if !r.here.alone {
		vantages = append(vantages, spec.Wire)
	}
	if r.known.process {
		vantages = append(vantages, spec.Process)
	}
	if len(r.here.checks) > 0 {
		vantages = append(vantages, spec.Inproc)
	}
	return vantages
}
