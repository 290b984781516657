package report

import (
	"cmp"
	"slices"
	"strings"
)

// Matrix is many runs, one a target, and the targets that had none.
type Matrix struct {
	Format  int       `json:"format"`
	Runs    []*Run    `json:"runs"`
	Skipped []Skipped `json:"skipped,omitempty"`
}

// Skipped is a target that was not judged, and why.
type Skipped struct {
	Target   string `json:"target"`
	Language string `json:"language,omitempty"`
	Reason   string `json:"reason"`
}

// Sort brings the targets into the order of their names, in which a matrix is
// written however its runs came together.
func (m *Matrix) Sort() {
	slices.SortStableFunc(m.Runs, func(a, b *Run) int { return byName(a.Target.Name, b.Target.Name) })
	slices.SortStableFunc(m.Skipped, func(a, b Skipped) int { return byName(a.Target, b.Target) })
}

func byName(a, b string) int {
	return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
}

// Merge joins matrices: the shards of one, or one and the runs of targets that
// were judged again. Of a target with several runs it keeps the one that came to
// its end, and of several such the one that began last; a target that was judged
// anywhere is skipped nowhere.
func Merge(parts ...*Matrix) *Matrix {
	merged := &Matrix{Format: Format}
	for _, part := range parts {
		for _, run := range part.Runs {
			at := slices.IndexFunc(merged.Runs, func(r *Run) bool { return r.Target.Name == run.Target.Name })
			switch {
			case at < 0:
				merged.Runs = append(merged.Runs, run)
			case better(run, merged.Runs[at]):
				merged.Runs[at] = run
			}
		}
	}
	for _, part := range parts {
		for _, skipped := range part.Skipped {
			judged := slices.ContainsFunc(merged.Runs, func(r *Run) bool { return r.Target.Name == skipped.Target })
			known := slices.ContainsFunc(merged.Skipped, func(s Skipped) bool { return s.Target == skipped.Target })
			if !judged && !known {
				merged.Skipped = append(merged.Skipped, skipped)
			}
		}
	}
	merged.Sort()
	return merged
}

// better reports whether a says more about its target than b does.
func better(a, b *Run) bool {
	if a.ended() != b.ended() {
		return a.ended()
	}
	return !a.Started.Before(b.Started)
}

// ended reports whether a run came to its end; a target that never served is
// such an end, a harness that failed is none.
func (r *Run) ended() bool { return r.Problem == nil || r.Problem.Kind == Start }

// Exit is the exit code for all runs together: the worst of theirs. A mistake in
// what was asked for outranks a harness that failed, which outranks a target that
// breaks a clause. Where nothing was judged, nothing is conformant.
func (m *Matrix) Exit() int {
	worst := ExitConformant
	if len(m.Runs) == 0 {
		worst = ExitUndecided
	}
	for _, run := range m.Runs {
		worst = Worse(worst, run.Verdict.Exit)
	}
	return worst
}

// Worse is the exit code of the two that outranks the other.
func Worse(a, b int) int {
	order := []int{ExitConformant, ExitNotConformant, ExitUndecided, ExitUsage}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}
