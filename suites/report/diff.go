package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Change is a clause that came out otherwise in a newer run of a target.
type Change struct {
	Target, Clause string
	Old, New       Outcome // "": not in that run
	Reason         string  // of the new outcome, or where there is none of the old
	Kind           ChangeKind
}

// ChangeKind says what a change means for the target.
type ChangeKind string

// The kinds of change, the worst first.
const (
	GotWorse  ChangeKind = "worse"             // kept before, broken now; or known before, and a failure now
	GotLost   ChangeKind = "no longer judged"  // kept before, and now nobody can say
	GotBetter ChangeKind = "better"            // broken before, kept now
	GotKnown  ChangeKind = "listed"            // a failure before, an expected one now
	GotSeen   ChangeKind = "judged now"        // kept, and not judged before
	GotDoubt  ChangeKind = "undecided now"     // the machine could not judge
	GotOther  ChangeKind = "not comparable"    // neither better nor worse
	Unbroken  ChangeKind = ""                  // no change
	NewTarget ChangeKind = "new target"        // no run of it before
	OldTarget ChangeKind = "target not judged" // no run of it now
)

// Worse reports whether a change is one that a newer version should not have:
// what was kept is broken, or can no longer be seen to be kept.
func (k ChangeKind) Worse() bool { return k == GotWorse || k == GotLost || k == OldTarget }

// Diff compares two matrices, the runs of a target by its name; where each has one
// run alone, those two whatever their names. The changes are in the order of
// targets, and then of the spec.
func Diff(older, newer *Matrix) []Change {
	var changes []Change
	pair := func(name string, from, to *Run) {
		if to.Problem != nil && to.Verdict.Judged == 0 && from.Verdict.Judged > 0 {
			changes = append(changes, Change{Target: name, Kind: OldTarget, Reason: to.Problem.Message})
			return
		}
		for _, clause := range clausesOf(from, to) {
			if change := changeOf(name, find(from, clause), find(to, clause)); change.Kind != Unbroken {
				changes = append(changes, change)
			}
		}
	}
	if len(older.Runs) == 1 && len(newer.Runs) == 1 {
		pair(newer.Runs[0].Target.Name, older.Runs[0], newer.Runs[0])
		return changes
	}
	a, b := Merge(older), Merge(newer) // in the order of names, each name once
	for _, from := range a.Runs {
		at := slices.IndexFunc(b.Runs, func(r *Run) bool { return r.Target.Name == from.Target.Name })
		if at < 0 {
			reason := "it is in the old report alone"
			for _, skipped := range b.Skipped {
				if skipped.Target == from.Target.Name {
					reason = "skipped (" + skipped.Reason + ")"
				}
			}
			changes = append(changes, Change{Target: from.Target.Name, Kind: OldTarget, Reason: reason})
			continue
		}
		pair(from.Target.Name, from, b.Runs[at])
	}
	for _, to := range b.Runs {
		if !slices.ContainsFunc(a.Runs, func(r *Run) bool { return r.Target.Name == to.Target.Name }) {
			changes = append(changes, Change{Target: to.Target.Name, Kind: NewTarget, Reason: to.Verdict.Sentence})
		}
	}
	return changes
}

// clausesOf lists the clauses of both runs, in the order of the spec.
func clausesOf(runs ...*Run) []string {
	var all []Result
	for _, run := range runs {
		all = append(all, run.Results...)
	}
	var clauses []string
	for _, r := range ordered(all) {
		if !slices.Contains(clauses, r.Clause) {
			clauses = append(clauses, r.Clause)
		}
	}
	return clauses
}

func find(run *Run, clause string) Result {
	for _, r := range run.Results {
		if r.Clause == clause {
			return r
		}
	}
	return Result{Clause: clause}
}

func changeOf(target string, from, to Result) Change {
	change := Change{Target: target, Clause: to.Clause, Old: from.Outcome, New: to.Outcome, Reason: to.Reason}
	kept := func(o Outcome) bool { return o == Pass || o == UnexpectedPass }
	was, is := lookOf(from.Outcome), lookOf(to.Outcome)
	switch {
	case from.Outcome == to.Outcome, kept(from.Outcome) && kept(to.Outcome):
		change.Kind = Unbroken
	case to.Outcome == "" || from.Outcome == "":
		change.Kind = Unbroken // it was not selected, or the spec has it since
		if is.Broken && to.Outcome != "" {
			change.Kind = GotOther
		}
	case kept(from.Outcome) && is.Broken, from.Outcome == ExpectedFail && (to.Outcome == Fail || to.Outcome == Warn):
		change.Kind = GotWorse
	case was.Broken && kept(to.Outcome):
		change.Kind, change.Reason = GotBetter, from.Reason
	case was.Broken && to.Outcome == ExpectedFail:
		change.Kind, change.Reason = GotKnown, to.Expected
	case was.Broken && is.Broken:
		change.Kind = GotOther
	case to.Outcome == Inconclusive:
		change.Kind = GotDoubt
	case kept(from.Outcome):
		change.Kind = GotLost
	case kept(to.Outcome):
		change.Kind, change.Reason = GotSeen, from.Reason
	default:
		change.Kind = GotOther
	}
	return change
}

// WriteDiff writes changes for people, the worst first, and last how many of
// which kind there are.
func WriteDiff(w io.Writer, changes []Change) error {
	s := styleOf(w)
	colours := map[ChangeKind]string{GotWorse: "1;31", GotLost: "1;31", OldTarget: "1;31", GotBetter: "1;32"}
	var b strings.Builder
	var counts []string
	for _, kind := range []ChangeKind{GotWorse, OldTarget, GotLost, GotBetter, GotKnown, GotSeen, GotDoubt, GotOther, NewTarget} {
		count := 0
		for _, change := range changes {
			if change.Kind != kind {
				continue
			}
			if count++; count == 1 {
				b.WriteString(s.paint(colours[kind], string(kind)) + "\n")
			}
			text := Clean(change.Target)
			if change.Clause != "" {
				text += fmt.Sprintf(" %s: %s, was %s", change.Clause, change.New.word(), change.Old.word())
			}
			s.paragraph(&b, "  ", strings.TrimSuffix(text+": "+shorten(Clean(change.Reason), shownWidth), ": "))
		}
		if count > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", count, kind))
		}
	}
	if len(counts) == 0 {
		counts = []string{"nothing better or worse"}
	}
	b.WriteString(strings.Join(counts, ", ") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (o Outcome) word() string {
	if o == "" {
		return "not there"
	}
	return string(o)
}
