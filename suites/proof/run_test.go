package proof

import (
	"cmp"
	"context"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
)

// TestFaults is the proof: under each fault exactly the named clauses break.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and judges a server for each fault; left out by -short")
	}
	root := mustRoot(t)
	done := resumed(t, root, *resume)
	faults, err := done.Outdated(root, chosen(t, root)) // nothing is done in a run that resumes none
	if err != nil {
		t.Fatal(err)
	}
	built := buildAhead(t, root, faults)
	now := Commit(root)
	if Uncommitted(root, "suites/proof/matrix.json", "suites/proof/MATRIX.md") {
		now += "+dirty"
	}
	for i, f := range faults {
		t.Run(f.Name, func(t *testing.T) {
			if end, ok := t.Deadline(); ok && plain() && time.Until(end) < longest {
				t.Skip("no time is left for it: make proof")
			}
			require(t, f)
			b, ahead := <-built[i]
			if !ahead {
				b.command, b.err = f.Build(t.Context(), root, t.TempDir())
			}
			if b.err != nil {
				t.Fatal(b.err)
			}
			row := prove(t, root, f, b.command)
			if row.Commit = now; t.Failed() {
				return
			}
			done.Rows = append(done.Rows, row) // stored at once: the run takes an hour
			if *write {
				if err := merge(root, done); err != nil {
					t.Fatal(err)
				}
			}
			if *resume != "" {
				if err := done.store(*resume); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if left, err := done.Outdated(root, Faults()); *resume != "" && err == nil && len(left) == 0 {
		t.Logf("all %d faults came out clean", len(Faults()))
		if err := os.Remove(*resume); err != nil {
			t.Error(err)
		}
	}
}

// resumed is what an earlier run that was cut short has done.
func resumed(t *testing.T, root, file string) Matrix {
	t.Helper()
	done, err := unfinished(root, file)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(done.Rows); n > 0 {
		t.Logf("%s holds %d rows of a run that was cut short: those that stand are not judged again; remove it to begin anew", file, n)
	}
	return done
}

// prove judges the fault, and the server without it where there is a control.
func prove(t *testing.T, root string, f Fault, command []string) Row {
	t.Helper()
	ids, err := Scope(*scope).Clauses(f)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := f.Digest(root)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := SharedDigest(root)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	finding, err := f.Judge(t.Context(), command, ids)
	if err != nil {
		t.Fatal(err)
	}
	row := Row{Fault: f.Name, Digest: digest, Shared: shared, Broke: finding.Broken, Scope: Scope(*scope).of(f),
		Seconds: time.Since(started).Seconds(), Date: started.UTC().Format(time.RFC3339)}
	for _, r := range finding.Run.Results {
		if r.Outcome == report.Pass || r.Outcome == report.Fail || r.Outcome == report.Warn {
			row.Judged++
		}
	}
	t.Logf("broke %s", strings.Join(finding.Broken, " "))
	if complaint := f.Complaint(finding); complaint != "" {
		t.Errorf("fault %s (%s):\n%s", f.Name, f.Why, complaint)
	}
	if f.Control == nil {
		return row
	}
	control, err := f.JudgeControl(t.Context(), command, ids)
	if err != nil {
		t.Fatal(err)
	}
	if !control.Clean() {
		t.Errorf("%s without its fault:\n%s", f.Server, control)
	}
	return row
}

// mostStale bounds how many faults a plain run takes up because their rows do
// not stand; with the sample it stays within what CI gives to a change.
const mostStale = 3

// longest is more than judging one fault takes on a busy machine. A plain run
// does not begin with one that -timeout would cut short.
const longest = 2 * time.Minute

// plain reports whether nobody said which faults to run.
func plain() bool {
	return !*every && !*stale && !strings.Contains(flag.Lookup("test.run").Value.String(), "/")
}

// chosen picks the faults to run.
func chosen(t *testing.T, root string) []Fault {
	faults := Faults()
	if !*stale && !plain() {
		return faults
	}
	wanted := outdated(t, root)
	if *stale {
		return wanted
	}
	wanted = slices.DeleteFunc(wanted, func(f Fault) bool { return f.Slow != "" }) // minutes each: TestMatrix counts them
	// What breaks little is judged soon; what breaks all is a night's work.
	slices.SortStableFunc(wanted, func(a, b Fault) int { return cmp.Compare(len(a.Breaks), len(b.Breaks)) })
	if n := len(wanted); n > mostStale {
		t.Logf("of %d faults whose rows are missing or stale %d are left to make proof: %s", n, n-mostStale, names(wanted[mostStale:]))
		wanted = wanted[:mostStale]
	}
	wanted = slices.Concat(wanted, sample(faults))
	return slices.DeleteFunc(faults, func(f Fault) bool {
		return !slices.ContainsFunc(wanted, func(w Fault) bool { return w.Name == f.Name })
	})
}

// outdated are the faults whose rows do not stand.
func outdated(t *testing.T, root string) []Fault {
	t.Helper()
	matrix, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	faults, err := matrix.Outdated(root, Faults())
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// sample picks what a run has time for though its row stands: one fault a
// family, the one with the fewest families to be judged by, and so the quickest.
func sample(faults []Fault) []Fault {
	least := map[string]Fault{}
	for _, f := range faults {
		if f.Missed != "" {
			continue
		}
		clause, _ := spec.Lookup(f.Breaks[0])
		if other, taken := least[clause.Family]; f.Slow == "" && (!taken || len(f.families()) < len(other.families())) {
			least[clause.Family] = f
		}
	}
	return slices.Collect(maps.Values(least))
}

func names(faults []Fault) string {
	var list []string
	for _, f := range faults {
		list = append(list, f.Name)
	}
	return strings.Join(list, ", ")
}

type build struct {
	command []string
	err     error
}

// buildAhead builds the faults in order, one at a time, beside the judging: a
// build is no target, and its noise is what the canary is there for. The channel of one
// that -run does not seem to pick is closed: whoever runs it all the same builds it.
func buildAhead(t *testing.T, root string, faults []Fault) []chan build {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	built := make([]chan build, len(faults))
	for i := range built {
		built[i] = make(chan build, 1)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i, f := range faults {
			if !selected(t, f.Name) {
				close(built[i])
				continue
			}
			command, err := f.Build(ctx, root, dir)
			built[i] <- build{command, err}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return built
}

// require skips the row where the header of a library that its server is linked with is
// not installed; where CI is set, it fails.
func require(t *testing.T, f Fault) {
	t.Helper()
	switch lacks := f.Lacks(); {
	case lacks == "":
	case os.Getenv("CI") != "":
		t.Fatalf("%s is not installed: .ci/install must install it", lacks)
	default:
		t.Skipf("%s is not installed", lacks)
	}
}

// selected reports whether -run picks the fault, so that no other is built.
func selected(t *testing.T, name string) bool {
	pattern := flag.Lookup("test.run").Value.String()
	_, sub, ok := strings.Cut(pattern, "/")
	if !ok || sub == "" {
		return true
	}
	matched, err := regexp.MatchString(sub, name)
	if err != nil {
		t.Errorf("-run %s: %v", pattern, err)
	}
	return matched
}
