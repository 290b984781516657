package proof

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
)

var (
	scope = flag.String("scope", string(Named), "clauses that each fault is judged by: named, family or all")
	every = flag.Bool("every", false, "run every fault, not the sample of a plain go test: the timing faults and one fault a family")
	stale = flag.Bool("stale", false, "of those run only the faults whose row of the kill matrix is missing or stale")
	write = flag.Bool("write", false, "write spec/coverage.txt and, of the faults that ran and came out clean, the rows of the kill matrix")
)

// TestRows finds what is wrong with the rows without running a server.
func TestRows(t *testing.T) {
	root := mustRoot(t)
	names, sets := map[string]bool{}, map[string]Fault{}
	for _, f := range Faults() {
		if names[f.Name] {
			t.Errorf("two faults are named %s", f.Name)
		}
		names[f.Name] = true
		if f.Why == "" || len(f.Breaks) == 0 || f.Because == "" {
			t.Errorf("fault %s: Why, Breaks and Because must all be given", f.Name)
		}
		for _, id := range slices.Concat(f.Breaks, f.Sometimes) {
			if clause, ok := spec.Lookup(id); !ok || clause.Withdrawn {
				t.Errorf("fault %s names %s, which the spec does not have", f.Name, id)
			}
		}
		if f.Server == "" {
			if _, err := f.Apply(root); err != nil {
				t.Error(err)
			}
		}
		set := slices.Sorted(slices.Values(f.Breaks))
		key := strings.Join(set, " ")
		if other, taken := sets[key]; taken && f.Shares == "" && other.Shares == "" {
			t.Errorf("faults %s and %s break the same clauses (%s) and neither says in Shares why", other.Name, f.Name, key)
		}
		sets[key] = f
	}
	if len(names) == 0 {
		t.Error("there are no faults")
	}
}

// TestTraceability holds clauses, checks and faults together.
func TestTraceability(t *testing.T) {
	for _, gap := range Gaps() {
		t.Error(gap)
	}
	file := filepath.Join(mustRoot(t), "spec", "coverage.txt")
	want := Coverage()
	if *write {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("spec/coverage.txt is stale (%v): go test ./suites/proof -run Traceability -args -write", err)
	}
}

// TestStochastic: a check that finds its fault by chance says how often it does.
func TestStochastic(t *testing.T) {
	measured := map[string]bool{}
	for _, c := range Stochastic {
		measured[c.Clause] = true
		fault, err := c.Row()
		if err != nil {
			t.Error(err)
		} else if !slices.Contains(fault.Breaks, c.Clause) {
			t.Errorf("%s: the fault %s does not break it", c.Clause, c.Fault)
		}
	}
	for _, clause := range spec.Clauses() {
		stochastic := clause.Kind == spec.Stochastic && !clause.Withdrawn
		switch {
		case stochastic != measured[clause.ID]:
			t.Errorf("%s: stochastic in the spec: %t, in the list of this package: %t", clause.ID, stochastic, measured[clause.ID])
		case stochastic && strings.Contains(clause.Method, "not measured yet"):
			t.Logf("%s: its detection rate is not measured yet: go run ./suites/proof/rate %s", clause.ID, clause.ID)
		case stochastic && !strings.Contains(clause.Method, "of 100 runs"):
			t.Errorf("%s does not say in how many of 100 runs its check finds its fault: go run ./suites/proof/rate %s", clause.ID, clause.ID)
		}
	}
}

// TestMatrix asks that the committed kill matrix be of the faults as they are.
func TestMatrix(t *testing.T) {
	if *write {
		t.Skip("the matrix is being written")
	}
	matrix, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range matrix.Stale(Faults()) {
		t.Errorf("the kill matrix is stale: %s: run make proof-full, or the fault alone with -scope=all -write", row)
	}
	if missing := matrix.Missing(Faults()); len(missing) > 0 && !t.Failed() {
		t.Skipf("%d of %d faults have no row of the kill matrix yet: make proof-full", len(missing), len(Faults()))
	}
}

// TestFaults is the proof: under each fault exactly the named clauses break.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and judges a server for each fault; left out by -short")
	}
	root := mustRoot(t)
	faults := Faults()
	if !*every {
		faults = sample(faults)
	}
	if *stale {
		faults = stalest(t, faults)
	}
	built := buildAhead(t, root, faults)
	var rows []Row
	now := Commit(root)
	for i, f := range faults {
		t.Run(f.Name, func(t *testing.T) {
			b := <-built[i]
			if b.err != nil {
				t.Fatal(b.err)
			}
			ids, err := Scope(*scope).Clauses(f)
			if err != nil {
				t.Fatal(err)
			}
			started := time.Now()
			finding, err := f.Judge(t.Context(), b.command, ids)
			if err != nil {
				t.Fatal(err)
			}
			if !finding.Clean() {
				t.Errorf("fault %s (%s):\n%s", f.Name, f.Why, finding)
			}
			row := Row{Fault: f.Name, Digest: f.Digest(), Broke: finding.Broken, Scope: Scope(*scope).of(f), Seconds: time.Since(started).Seconds(),
				Date: started.UTC().Format(time.DateOnly), Commit: now}
			for _, r := range finding.Run.Results {
				if r.Outcome == report.Pass || r.Outcome == report.Fail || r.Outcome == report.Warn {
					row.Judged++
				}
			}
			if *write && finding.Clean() {
				rows = append(rows, row)
				if err := merge(root, rows); err != nil { // at once: the run takes an hour
					t.Fatal(err)
				}
			}
		})
	}
}

// stalest leaves out the faults whose rows stand.
func stalest(t *testing.T, faults []Fault) []Fault {
	matrix, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	wanted := matrix.Missing(faults)
	for _, line := range matrix.Stale(faults) {
		name, _, _ := strings.Cut(line, ":")
		wanted = append(wanted, name)
	}
	return slices.DeleteFunc(slices.Clone(faults), func(f Fault) bool { return !slices.Contains(wanted, f.Name) })
}

// sample picks what a plain run has time for. A fault named by -run is always in.
func sample(faults []Fault) []Fault {
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return faults
	}
	var picked []Fault
	families := map[string]bool{}
	for _, f := range faults {
		clause, _ := spec.Lookup(f.Breaks[0])
		if f.Timing || !families[clause.Family] {
			picked = append(picked, f)
		}
		families[clause.Family] = true
	}
	return picked
}

type build struct {
	command []string
	err     error
}

// buildAhead builds the faults in order, one at a time, beside the judging: a
// build is no target, and its noise is what the canary is there for.
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
				continue
			}
			command, err := f.Build(ctx, root, dir)
			built[i] <- build{command, err}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return built
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

func mustRoot(t *testing.T) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}
