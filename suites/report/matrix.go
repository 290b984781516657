package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Matrix is many runs, one a target, and the targets that had none.
type Matrix struct {
	Format  int       `json:"format"`
	Shards  []Shard   `json:"shards,omitempty"` // the parts of a matrix that these are; none: all of it
	Runs    []*Run    `json:"runs"`
	Skipped []Skipped `json:"skipped,omitempty"`
}

// Shard is one of several parts of a matrix, each judged by itself.
type Shard struct {
	Index int `json:"index"` // from 1
	Total int `json:"total"`
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
// anywhere is skipped nowhere. Shards that are all there make a whole.
func Merge(parts ...*Matrix) *Matrix {
	merged := &Matrix{Format: Format, Shards: joined(parts)}
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

// joined are the shards of all parts, each once; none where a matrix is whole with them.
func joined(parts []*Matrix) []Shard {
	var shards []Shard
	for _, part := range parts {
		shards = append(shards, part.Shards...)
	}
	slices.SortFunc(shards, func(a, b Shard) int { return cmp.Or(cmp.Compare(a.Total, b.Total), cmp.Compare(a.Index, b.Index)) })
	shards = slices.Compact(shards)
	if len((&Matrix{Shards: shards}).missing()) == 0 {
		return nil
	}
	return shards
}

// missing are the shards that a matrix lacks, of each number of shards that it was cut
// into. It lacks none if all of one number are there, whatever there is beside them.
func (m *Matrix) missing() []Shard {
	var missing []Shard
	for i, shard := range m.Shards {
		if slices.ContainsFunc(m.Shards[:i], func(s Shard) bool { return s.Total == shard.Total }) {
			continue
		}
		whole := true
		for index := 1; index <= shard.Total; index++ {
			if one := (Shard{index, shard.Total}); !slices.Contains(m.Shards, one) {
				missing, whole = append(missing, one), false
			}
		}
		if whole {
			return nil
		}
	}
	return missing
}

// Missing says in one line which shards a matrix lacks; "" if it is whole.
func (m *Matrix) Missing() string {
	var parts []string
	missing := m.missing()
	for len(missing) > 0 {
		total := missing[0].Total
		var indices []string
		for len(missing) > 0 && missing[0].Total == total {
			indices = append(indices, strconv.Itoa(missing[0].Index))
			missing = missing[1:]
		}
		word := "shard "
		if len(indices) > 1 {
			word = "shards "
		}
		parts = append(parts, fmt.Sprintf("%s%s of %d", word, strings.Join(indices, ", "), total))
	}
	if len(parts) == 0 {
		return ""
	}
	return "incomplete: the targets of " + strings.Join(parts, " and of ") + " are missing"
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
