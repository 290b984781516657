package judging

import (
	"fmt"
	"slices"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
)

// gate decides, before anything runs, whether a clause can be judged at all. An
// empty outcome lets it pass. Once a check runs, a failure is never demoted to what
// a gate says. wordless: the dialect has no words for the clause, as this target
// speaks it.
func gate(s step, known facts, soak bool) (outcome report.Outcome, reason string, wordless bool) {
	if s.here {
		outcome, reason = gateOfValue(s, known)
		return outcome, reason, false
	}
	if outcome, reason = gateOfTarget(s, known, soak); outcome != "" {
		return outcome, reason, false
	}
	if lacks := s.check.Needs.Lacks(known.dialect); lacks != "" {
		return report.Unsupported, lacks, true
	}
	return "", "", false
}

// gateOfTarget asks whether the clause is in force and has a check, whether the
// target promised it, whether it binds the target's class and features, and
// whether this run can see it.
func gateOfTarget(s step, known facts, soak bool) (report.Outcome, string) {
	clause := s.clause
	switch {
	case clause.Withdrawn:
		return report.Untested, "withdrawn: " + clause.Sentence
	case clause.Kind == spec.Untested:
		return report.Untested, clause.Method
	case !clause.Sees(spec.Wire) && !clause.Sees(spec.Process):
		return report.Untested, "it is seen in-process only, by a Go adapter of spec/contract"
	case !s.built:
		return report.Untested, "no check is built for it yet"
	case s.check.Soak && !soak:
		return report.Untested, "it soaks the target for minutes: give --soak"
	}
	if why := younger(clause, known.info); why != "" {
		return report.Unsupported, why
	}
	page, found := known.info.Page()
	if !found {
		return report.Unsupported, fmt.Sprintf("the %s dialect has no page of promises", known.info.Dialect)
	}
	if _, promised := page.Promises[clause.ID]; !promised {
		return report.Unsupported, fmt.Sprintf("the %s dialect does not promise it", page.Name)
	}
	if class := known.info.Class; !clause.Binds(class) {
		if class == "" {
			return report.Unsupported, fmt.Sprintf("it binds %s; the target declares no class", join(clause.Classes))
		}
		return report.Unsupported, fmt.Sprintf("it binds %s; the target is %s", join(clause.Classes), class)
	}
	if known.distrust != "" && len(clause.Needs) > 0 {
		return report.Untested, known.distrust
	}
	for _, feature := range clause.Needs {
		if !slices.Contains(known.info.Features, feature) && !slices.Contains(page.Features, feature) {
			return report.Unsupported, fmt.Sprintf("it needs %s, which the target does not offer", feature)
		}
	}
	switch {
	case !clause.Sees(spec.Wire) && !known.process:
		return report.Untested, "it is seen in the target's processes: give --pid, or let reactorspec start the target"
	case s.check.Own && known.attached:
		return report.Untested, "it signals, limits or restarts the target: let reactorspec start it"
	}
	return "", ""
}

// gateOfValue asks the same of what is judged in this process: a value promises what
// spec/contract says by meeting it, so there is no dialect to ask.
func gateOfValue(s step, known facts) (report.Outcome, string) {
	clause := s.clause
	switch {
	case clause.Withdrawn:
		return report.Untested, "withdrawn: " + clause.Sentence
	case !clause.Sees(spec.Inproc) || !s.built:
		return report.Untested, "it cannot be judged by the methods of spec/contract alone"
	case !clause.Binds(known.info.Class):
		return report.Unsupported, fmt.Sprintf("it binds %s; the value is %s", join(clause.Classes), known.info.Class)
	}
	for _, feature := range clause.Needs {
		if !slices.Contains(known.info.Features, feature) {
			return report.Unsupported, fmt.Sprintf("it needs %s, which is not offered", feature)
		}
	}
	return "", ""
}
