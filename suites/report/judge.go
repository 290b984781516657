package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
)

// The exit codes of the built command.
const (
	ExitConformant    = 0
	ExitNotConformant = 1
	ExitUsage         = 2
	ExitUndecided     = 3 // the harness failed, or could not judge a MUST
)

// toleratedShare is how many of the judged clauses may be inconclusive SHOULDs:
// one in 50, and always one. An inconclusive MUST is never tolerated.
const toleratedShare = 50

// Settle applies the target's expected failures to one result and returns it.
// Applying them again changes nothing.
func (t Target) Settle(r Result) Result {
	entry, listed := t.expected(r.Clause)
	if !listed {
		return r
	}
	switch {
	case r.Outcome == Fail || r.Outcome == Warn:
		r.Outcome, r.Expected, r.Link = ExpectedFail, entry.Reason, entry.Link
	case r.Outcome == Pass && entry.Frequency != Sometimes:
		r.Outcome, r.Expected, r.Link = UnexpectedPass, entry.Reason, entry.Link
		r.Reason = "it is listed as an expected failure but is kept; remove the entry"
	case r.Outcome == Pass:
		r.Expected, r.Link = entry.Reason, entry.Link
	}
	return r
}

func (t Target) expected(clause string) (Expected, bool) {
	for _, entry := range t.Expected {
		if entry.Clause == clause {
			return entry, true
		}
	}
	return Expected{}, false
}

// Judge settles the run's results against the expected failures, applies the
// verdict algebra, and stores the verdict in the run.
func Judge(run *Run) Verdict {
	j := judgement{run: run, verdict: Verdict{
		Class: run.Target.Class, Vantages: run.Vantages, Features: run.Target.Features,
		Total: len(run.Results), Counts: make(map[Outcome]int),
	}}
	for i := range run.Results {
		run.Results[i] = run.Target.Settle(run.Results[i])
		j.count(run.Results[i])
	}
	j.core()
	j.staleEntries()
	j.decide()
	j.verdict.Sentence = sentence(j.verdict, run)
	run.Verdict = j.verdict
	return j.verdict
}

// judgement gathers the reasons for each rank of the algebra.
type judgement struct {
	run     *Run
	verdict Verdict

	errors, failures, undecided []string
	remarks                     []string // broken, but no reason against the target
	doubtful                    int      // inconclusive SHOULDs
}

func (j *judgement) count(r Result) {
	j.verdict.Counts[r.Outcome]++
	if r.Outcome.Judged() {
		j.verdict.Judged++
	}
	reason := r.Clause + " " + string(r.Outcome) + ": " + r.Reason
	switch r.Outcome {
	case Error:
		j.errors = append(j.errors, reason)
	case Fail, UnexpectedPass:
		j.failures = append(j.failures, reason)
	case Inconclusive:
		if r.Level == spec.Should {
			j.doubtful++
		} else {
			j.undecided = append(j.undecided, reason)
		}
	case Warn, ExpectedFail:
		j.remarks = append(j.remarks, reason)
	case Pass, Unsupported, Untested, Advice: // advice is no part of the verdict
	default:
		j.errors = append(j.errors, fmt.Sprintf("%s has no known outcome but %q", r.Clause, r.Outcome))
	}
}

// core demands that the clauses of the class's core set which the dialect
// promises were not skipped for want of a feature.
func (j *judgement) core() {
	dialect, known := spec.LookupDialect(j.run.Target.Dialect)
	core := spec.Core(j.run.Target.Class)
	for _, r := range j.run.Results {
		if r.Outcome != Unsupported || r.Wordless || !slices.Contains(core, r.Clause) {
			continue
		}
		if clause, _ := spec.Lookup(r.Clause); clause.Younger(j.run.Target.Spec) {
			continue
		}
		_, promised := dialect.Promises[r.Clause]
		if target := j.run.Target; len(target.Promises) > 0 {
			known, promised = true, slices.Contains(target.Promises, r.Clause)
		}
		if promised || !known {
			j.failures = append(j.failures, fmt.Sprintf("%s unsupported, but it is core for the class %s", r.Clause, className(j.run.Target.Class)))
		}
	}
}

// staleEntries demands that every entry for a selected clause still matches a
// failure; a clause that could not be judged this time leaves its entry alone.
func (j *judgement) staleEntries() {
	if j.run.Problem != nil {
		return // not every clause had its turn
	}
	for _, entry := range j.run.Target.Expected {
		if len(j.run.Selected) > 0 && !slices.Contains(j.run.Selected, entry.Clause) {
			continue
		}
		at := slices.IndexFunc(j.run.Results, func(r Result) bool { return r.Clause == entry.Clause })
		switch {
		case at < 0:
			j.failures = append(j.failures, entry.Clause+" is listed as an expected failure but is no clause of this run")
		case j.run.Results[at].Outcome == Unsupported || j.run.Results[at].Outcome == Advice:
			j.failures = append(j.failures, entry.Clause+" is listed as an expected failure but does not bind this target")
		}
	}
}

// decide ranks: a usage problem, then errors over failures over undecided.
func (j *judgement) decide() {
	v, problem := &j.verdict, j.run.Problem
	allowed := max(1, v.Judged/toleratedShare)
	if j.doubtful > allowed {
		j.undecided = append(j.undecided, fmt.Sprintf("%d SHOULD clauses are inconclusive; %d may be", j.doubtful, allowed))
	}
	switch {
	case problem != nil && (problem.Kind == Usage || problem.Kind == Absent):
		v.Word, v.Exit, v.Reasons = Misused, ExitUsage, []string{problem.Message}
	case problem == nil && len(j.run.Results) == 0:
		v.Word, v.Exit, v.Reasons = Misused, ExitUsage, []string{"no clause is selected"}
	case problem != nil && problem.Kind != Start || len(j.errors) > 0:
		v.Word, v.Exit, v.Reasons = Broken, ExitUndecided, j.errors
		if problem != nil {
			v.Reasons = append([]string{problem.Message}, v.Reasons...)
		}
	case problem != nil:
		v.Word, v.Exit, v.Reasons = NotConformant, ExitNotConformant, slices.Concat([]string{problem.Message}, sameEnd(j.run.Results), j.failures)
	case len(j.failures) > 0:
		v.Word, v.Exit, v.Reasons = NotConformant, ExitNotConformant, slices.Concat(sameEnd(j.run.Results), j.failures)
	case len(j.undecided) > 0:
		v.Word, v.Exit, v.Reasons = Undecided, ExitUndecided, j.undecided
	case v.Judged == 0:
		v.Word, v.Exit, v.Reasons = Undecided, ExitUndecided, []string{"none of the selected clauses could be judged on this target"}
	case v.Counts[ExpectedFail] > 0:
		v.Word, v.Exit, v.Reasons = AsExpected, ExitConformant, j.remarks
	default:
		v.Word, v.Exit, v.Reasons = Conformant, ExitConformant, j.remarks
	}
}

func className(class spec.Class) string {
	if class == "" {
		return "undeclared"
	}
	return string(class)
}

// sentence says the verdict with what it rests on: class, vantages, features,
// and how many clauses were judged.
func sentence(v Verdict, run *Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", Clean(run.Target.Name), v.Word)
	fmt.Fprintf(&b, "; class %s, vantages %s, features %s", className(v.Class), list(v.Vantages), list(v.Features))
	clauses := "clauses"
	if len(run.Selected) > 0 {
		clauses = "selected clauses"
	}
	fmt.Fprintf(&b, "; %d of %d %s judged", v.Judged, v.Total, clauses)
	var counts []string
	for _, outcome := range Outcomes() {
		if n := v.Counts[outcome]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, outcome))
		}
	}
	if len(counts) > 0 {
		b.WriteString(": " + strings.Join(counts, ", "))
	}
	return b.String()
}

func list[T ~string](words []T) string {
	if len(words) == 0 {
		return "none"
	}
	plain := make([]string, len(words))
	for i, word := range words {
		plain[i] = Clean(string(word))
	}
	return strings.Join(plain, ", ")
}
