package proof

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Scope says how many clauses each fault is judged by.
type Scope string

// The scopes.
const (
	Named  Scope = "named"  // the clauses of the row and the sentinels
	Family Scope = "family" // and the rest of their families
	All    Scope = "all"    // the whole spec
)

// of is the scope that the fault is really judged by.
func (s Scope) of(f Fault) Scope {
	if s == All && f.Slow != "" {
		return Family
	}
	return s
}

// Clauses lists what the fault is judged by.
func (s Scope) Clauses(f Fault) ([]string, error) {
	s = s.of(f)
	chosen := map[string]bool{}
	for _, id := range slices.Concat(f.Breaks, f.Sometimes, f.Near, f.Beside, Sentinels) {
		if _, known := spec.Lookup(id); !known {
			return nil, fmt.Errorf("fault %s: the spec has no clause %s", f.Name, id)
		}
		chosen[id] = true
	}
	families := f.families()
	for _, clause := range spec.Clauses() {
		if !clause.Withdrawn && (s == All || s == Family && families[clause.Family]) {
			chosen[clause.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

// Target is the fault's server as something to judge.
func (f Fault) Target(command []string) target.Target {
	file := target.File{
		Name: f.Name, Dialect: f.Dialect, HTTP: f.HTTP, Class: spec.Class(f.Class),
		Start: command, Env: f.Env, MaxClients: f.MaxClients, ReadyTimeout: target.Duration(30 * time.Second),
		IdleTimeout: target.Duration(f.Idle), Limit: target.Bytes(f.Limit), Memory: target.Bytes(f.Memory), Promises: f.Promises, Payload: f.Payload,
	}
	if file.Dialect == "" {
		file.Dialect = "probe"
	}
	if file.Class == "" && f.Server != "" {
		file.Class = "multi-reactor"
	}
	if f.Class == undeclared {
		file.Class = ""
	}
	for _, feature := range f.Features {
		file.Features = append(file.Features, spec.Feature(feature))
	}
	if f.TLS {
		file.TLS = &target.TLS{Insecure: true}
	}
	if f.Limit > 0 {
		file.Features = append(file.Features, "limit")
	}
	return target.Target{File: file}
}

// Finding is what came of judging one fault.
type Finding struct {
	Broken  []string // clauses that failed or warned
	Missed  []string // named, judged, and not broken
	Wronged []string // broken and not named
	Vague   []string // broken, but the reason lacks the row's phrase
	Unclear []string // inconclusive or an error
	Run     report.Run
}

// Clean reports whether exactly the named clauses broke, each for its reason.
func (f Finding) Clean() bool {
	return len(f.Missed)+len(f.Wronged)+len(f.Vague)+len(f.Unclear) == 0
}

// Complaint says what is wrong with the row, given what came of judging it: ""
// where that is what the row declares.
func (f Fault) Complaint(finding Finding) string {
	switch {
	case f.Missed != "" && len(finding.Wronged) > 0:
		return fmt.Sprintf("it is seen now, by %s: take Missed and Near away and name them in Breaks\n%s", strings.Join(finding.Wronged, ", "), finding)
	case !finding.Clean():
		return finding.String()
	}
	return ""
}

// String names what is not clean, a line each.
func (f Finding) String() string {
	var b strings.Builder
	line := func(what string, ids []string) {
		for _, id := range ids {
			result := f.result(id)
			fmt.Fprintf(&b, "%s %s: %s: %s\n", what, id, result.Outcome, result.Reason)
			if e := result.Evidence; e != nil {
				fmt.Fprintf(&b, "    want %s\n    got  %s\n", e.Want, e.Got)
			}
		}
	}
	line("missed", f.Missed)
	line("wronged", f.Wronged)
	line("vague", f.Vague)
	line("unclear", f.Unclear)
	return b.String()
}

func (f Finding) result(id string) report.Result {
	for _, r := range f.Run.Results {
		if r.Clause == id {
			return r
		}
	}
	return report.Result{Clause: id, Outcome: report.Untested, Reason: "was not judged"}
}

// Judge judges the built fault by those clauses.
func (f Fault) Judge(ctx context.Context, command, ids []string, options ...suites.Option) (Finding, error) {
	run, err := suites.Check(ctx, f.Target(command), append(options, suites.Clauses(ids...), suites.NoAdvice())...)
	if err != nil {
		return Finding{}, fmt.Errorf("fault %s: %w", f.Name, err)
	}
	if run.Problem != nil && len(run.Results) == 0 {
		return Finding{}, fmt.Errorf("fault %s: %s", f.Name, run.Problem.Message)
	}
	finding := Finding{Run: run}
	for _, r := range run.Results {
		named := slices.Contains(f.Breaks, r.Clause)
		excused := slices.Contains(f.Sometimes, r.Clause) || slices.Contains(Wide, r.Clause) && !named
		switch r.Outcome {
		case report.Fail, report.Warn:
			finding.Broken = append(finding.Broken, r.Clause)
			switch {
			case !named && !excused:
				finding.Wronged = append(finding.Wronged, r.Clause)
			case named && !f.gives(r.Reason):
				finding.Vague = append(finding.Vague, r.Clause)
			}
		case report.Inconclusive, report.Error:
			if !excused {
				finding.Unclear = append(finding.Unclear, r.Clause)
			}
		}
	}
	for _, id := range f.Breaks {
		if !slices.Contains(finding.Broken, id) && !slices.Contains(finding.Unclear, id) {
			finding.Missed = append(finding.Missed, id)
		}
	}
	return finding, nil
}

// JudgeControl judges the server of the row without its fault, and names what
// it breaks and which of the row's clauses it does not pass: all wrong.
func (f Fault) JudgeControl(ctx context.Context, command, ids []string, options ...suites.Option) (Finding, error) {
	sound := f
	sound.Name += " without its fault"
	sound.Breaks, sound.Sometimes = nil, nil
	finding, err := sound.Judge(ctx, slices.Concat(command[:1], f.Control), ids, options...)
	if err != nil {
		return Finding{}, err
	}
	for _, id := range f.Breaks {
		if finding.result(id).Outcome != report.Pass && !slices.Contains(finding.Wronged, id) && !slices.Contains(finding.Unclear, id) {
			finding.Missed = append(finding.Missed, id)
		}
	}
	return finding, nil
}

// gives reports whether the reason holds one of the row's phrases.
func (f Fault) gives(reason string) bool {
	for phrase := range strings.SplitSeq(f.Because, " | ") {
		if strings.Contains(reason, phrase) {
			return true
		}
	}
	return false
}
