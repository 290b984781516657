package report

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDiff(t *testing.T) {
	run := func(name string, outcomes ...Outcome) *Run {
		r := &Run{Target: Target{Name: name}}
		for i, outcome := range outcomes {
			if outcome != "" {
				r.Results = append(r.Results, result(fmt.Sprintf("CONN-%d", i+1), outcome))
			}
		}
		Judge(r)
		return r
	}
	for name, c := range map[string]struct {
		old, new Outcome
		want     ChangeKind
	}{
		"kept":                    {Pass, Pass, Unbroken},
		"broken":                  {Pass, Fail, GotWorse},
		"broken SHOULD":           {Pass, Warn, GotWorse},
		"advice":                  {Pass, Advice, GotWorse},
		"broken and listed":       {Pass, ExpectedFail, GotWorse},
		"no longer listed":        {ExpectedFail, Fail, GotWorse},
		"harness fails":           {Pass, Error, GotLost},
		"feature withdrawn":       {Pass, Unsupported, GotLost},
		"vantage lost":            {Pass, Untested, GotLost},
		"machine too slow":        {Pass, Inconclusive, GotDoubt},
		"broken then slow":        {Fail, Inconclusive, GotDoubt},
		"mended":                  {Fail, Pass, GotBetter},
		"mended SHOULD":           {Warn, Pass, GotBetter},
		"mended, entry is stale":  {ExpectedFail, UnexpectedPass, GotBetter},
		"stale entry removed":     {UnexpectedPass, Pass, Unbroken},
		"listed":                  {Fail, ExpectedFail, GotKnown},
		"judged at last, kept":    {Untested, Pass, GotSeen},
		"judged at last, broken":  {Unsupported, Fail, GotOther},
		"not selected":            {Pass, "", Unbroken},
		"new in the spec":         {"", Pass, Unbroken},
		"new in the spec, broken": {"", Fail, GotOther},
		"both not applicable":     {Unsupported, Untested, GotOther},
	} {
		t.Run(name, func(t *testing.T) {
			changes := Diff(&Matrix{Runs: []*Run{run("old name", c.old)}}, &Matrix{Runs: []*Run{run("new name", c.new)}})
			var got ChangeKind
			if len(changes) > 0 {
				got = changes[0].Kind
			}
			if got != c.want || len(changes) > 1 {
				t.Errorf("%v, want %q", changes, c.want)
			}
		})
	}

	older := &Matrix{Runs: []*Run{run("a", Pass, Fail), run("gone", Pass), run("skipped", Pass)}}
	newer := &Matrix{Runs: []*Run{run("new", Pass), run("a", Fail, Pass)}, Skipped: []Skipped{{Target: "skipped", Reason: "no compiler"}}}
	var out bytes.Buffer
	if err := WriteDiff(&out, Diff(older, newer)); err != nil {
		t.Fatal(err)
	}
	want := `worse
  a CONN-1: fail, was pass: because
target not judged
  gone: it is in the old report alone
  skipped: skipped (no compiler)
better
  a CONN-2: pass, was fail: because
new target
  new: new: conformant; class undeclared, vantages none, features none; 1 of 1 clauses judged: 1 pass
1 worse, 2 target not judged, 1 better, 1 new target
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	never := run("a", Untested, Untested)
	never.Problem = &Problem{Start, "nobody listens"}
	Judge(never)
	if changes := Diff(&Matrix{Runs: []*Run{run("a", Pass, Pass)}}, &Matrix{Runs: []*Run{never}}); len(changes) != 1 || !changes[0].Kind.Worse() || changes[0].Reason != "nobody listens" {
		t.Errorf("a target that never served: %v", changes)
	}
}

// Of the runs of one target the last that came to its end is kept.
func TestMerge(t *testing.T) {
	at := func(minute int, problem ProblemKind, names ...string) *Matrix {
		m := &Matrix{}
		for _, name := range names {
			r := &Run{Target: Target{Name: name}, Started: time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)}
			if problem != "" {
				r.Problem = &Problem{Kind: problem}
			}
			m.Runs = append(m.Runs, r)
		}
		return m
	}
	killed := at(1, Interrupted, "c")
	killed.Skipped = []Skipped{{Target: "a", Reason: "interrupted before its turn"}, {Target: "z", Reason: "no compiler"}}
	m := Merge(at(0, "", "c", "B"), killed, at(2, "", "a"), at(3, Start, "B"), killed)
	var got []string
	for _, r := range m.Runs {
		got = append(got, fmt.Sprintf("%s %d", r.Target.Name, r.Started.Minute()))
	}
	if want := "a 2, B 3, c 0"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	if len(m.Skipped) != 1 || m.Skipped[0].Target != "z" {
		t.Errorf("skipped %v", m.Skipped)
	}
}

// Shards say which of them are missing until all are there.
func TestShardsThatAreMissing(t *testing.T) {
	for name, c := range map[string]struct{ shards, want string }{
		"no shard":                 {"", ""},
		"all":                      {"2/3 1/3 3/3", ""},
		"one twice":                {"1/2 1/2", "incomplete: the targets of shard 2 of 2 are missing"},
		"two missing":              {"3/4 1/4", "incomplete: the targets of shards 2, 4 of 4 are missing"},
		"the only one":             {"1/1", ""},
		"of two numbers":           {"1/2 2/3", "incomplete: the targets of shard 2 of 2 and of shards 1, 3 of 3 are missing"},
		"all of one of the two":    {"1/3 1/2 2/2", ""},
		"all of the higher number": {"1/2 1/3 2/3 3/3", ""},
	} {
		parts := []*Matrix{{}}
		for _, text := range strings.Fields(c.shards) {
			var shard Shard
			if _, err := fmt.Sscanf(text, "%d/%d", &shard.Index, &shard.Total); err != nil {
				t.Fatal(err)
			}
			parts = append(parts, &Matrix{Shards: []Shard{shard}})
		}
		merged := Merge(parts...)
		if got := merged.Missing(); got != c.want || (len(merged.Shards) == 0) != (c.want == "") {
			t.Errorf("%s: %q of %v, want %q", name, got, merged.Shards, c.want)
		}
		// What is merged and written, is read and merged again with the rest.
		var out bytes.Buffer
		if err := WriteJSONMatrix(&out, merged); err != nil {
			t.Fatal(err)
		}
		read, err := ReadJSONMatrix(&out)
		if err != nil || !slices.Equal(read.Shards, merged.Shards) {
			t.Errorf("%s: %v, %v", name, read, err)
		}
	}
	for _, wrong := range []string{`{"index": 3, "total": 2}`, `{"index": 0, "total": 2}`, `{"index": 1, "total": 1000000000}`} {
		if _, err := ReadJSONMatrix(strings.NewReader(`{"format": 1, "runs": [], "shards": [` + wrong + `]}`)); err == nil {
			t.Errorf("%s is read", wrong)
		}
	}
}

func TestMatrixExit(t *testing.T) {
	for _, c := range []struct {
		exits []int
		want  int
	}{{nil, 3}, {[]int{0, 0}, 0}, {[]int{0, 1}, 1}, {[]int{3, 1, 0}, 3}, {[]int{3, 2, 1}, 2}} {
		m := &Matrix{}
		for _, exit := range c.exits {
			m.Runs = append(m.Runs, &Run{Verdict: Verdict{Exit: exit}})
		}
		if got := m.Exit(); got != c.want {
			t.Errorf("%v is %d, want %d", c.exits, got, c.want)
		}
	}
}

// Whatever is better one way is worse the other way: who wants two reports to be equal,
// as .ci/slurm-once does, compares them in both directions.
func TestBetterIsWorseTheOtherWay(t *testing.T) {
	compare := func(from, to Outcome) (kinds []ChangeKind, worse bool) {
		older := &Matrix{Runs: []*Run{{Results: []Result{result("CONN-1", from)}}}}
		newer := &Matrix{Runs: []*Run{{Results: []Result{result("CONN-1", to)}}}}
		for _, change := range Diff(older, newer) {
			kinds, worse = append(kinds, change.Kind), worse || change.Kind.Worse()
		}
		return kinds, worse
	}
	better := 0
	for _, from := range Outcomes() {
		for _, to := range Outcomes() {
			kinds, _ := compare(from, to)
			if !slices.Contains(kinds, GotBetter) && !slices.Contains(kinds, GotSeen) {
				continue
			}
			better++
			if back, worse := compare(to, from); !worse && !slices.Contains(back, GotDoubt) {
				t.Errorf("from %s to %s is %v, and back %v, which is no worse", from, to, kinds, back)
			}
		}
	}
	if better == 0 {
		t.Error("nothing is better than anything")
	}
	script, err := os.ReadFile("../../.ci/slurm-once")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"diff reports/whole.json reports/merged.json | tee reports/difference\n", "grep -qx '" + string(GotOther) + "' reports/difference", "diff reports/merged.json reports/whole.json\n"} {
		if !strings.Contains(string(script), line) {
			t.Errorf(".ci/slurm-once has no %s", line)
		}
	}
}
