package proof

import (
	"context"
	"flag"
	"fmt"
	"maps"
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
	scope = flag.String("scope", string(Family), "clauses that each fault is judged by: named, family or all")
	every = flag.Bool("every", false, "run every fault, not what a plain go test does: those whose row of the kill matrix is missing or stale, and a sample")
	stale = flag.Bool("stale", false, "run only the faults whose row of the kill matrix is missing or stale, all of them")
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
		named := slices.Concat(f.Breaks, f.Sometimes)
		for i, id := range named {
			if clause, ok := spec.Lookup(id); !ok || clause.Withdrawn {
				t.Errorf("fault %s names %s, which the spec does not have", f.Name, id)
			}
			if slices.Contains(named[:i], id) {
				t.Errorf("fault %s names %s twice", f.Name, id)
			}
		}
		if (len(f.Sometimes) > 0) != (f.Neighbours != "") {
			t.Errorf("fault %s: Sometimes and Neighbours go together: an excuse needs its reason", f.Name)
		}
		for _, id := range f.Sometimes {
			if slices.Contains(Sentinels, id) && !strings.Contains(f.Neighbours, id) {
				t.Errorf("fault %s excuses the sentinel %s, and Neighbours does not say why", f.Name, id)
			}
			if slices.Contains(Wide, id) {
				t.Errorf("fault %s excuses %s, which needs no excuse", f.Name, id)
			}
		}
		if f.Server != "" && f.Control == nil {
			t.Errorf("fault %s: its server has no Control: nothing shows that the fault makes the difference", f.Name)
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

// TestAlike: clauses are told apart by a fault that breaks one and not the other.
func TestAlike(t *testing.T) {
	both := Fault{Name: "both", Breaks: []string{"CONN-6", "CONN-20"}}
	one := Fault{Name: "one", Breaks: []string{"CONN-20", "FLOW-1"}}
	if got := alike([]Fault{both}); len(got) != 1 || !slices.Equal(got[0], []string{"CONN-20", "CONN-6"}) {
		t.Errorf("of two clauses that one fault breaks: %v", got)
	}
	if got := alike([]Fault{both, one}); got != nil {
		t.Errorf("of clauses that each have a fault of their own: %v", got)
	}
}

// leastRate is the share of runs, in percent, in which a check that leaves its
// find to chance must call its fault broken.
const leastRate = 99

// TestStochastic: a check that finds its fault by chance says how often it did
// when command rate measured it, and that is often enough.
func TestStochastic(t *testing.T) {
	rates := measuredRates(t)
	for _, c := range Stochastic {
		fault, err := c.Row()
		if err != nil {
			t.Error(err)
		} else if !slices.Contains(fault.Breaks, c.Clause) {
			t.Errorf("%s: the fault %s does not break it", c.Clause, c.Fault)
		}
	}
	for _, clause := range spec.Clauses() {
		stochastic := clause.Kind == spec.Stochastic && !clause.Withdrawn
		if listed := slices.ContainsFunc(Stochastic, func(c Chance) bool { return c.Clause == clause.ID }); listed != stochastic {
			t.Errorf("%s: stochastic in the spec: %t, in the list of this package: %t", clause.ID, stochastic, listed)
		}
		if !stochastic {
			continue
		}
		rate, ok := rates[clause.ID]
		switch {
		case !ok || rate.runs < 100:
			t.Errorf("%s: its detection rate is not measured over 100 runs: go run ./suites/proof/rate %s", clause.ID, clause.ID)
		case 100*rate.found < leastRate*rate.runs:
			t.Errorf("%s: its check found its fault in %d of %d runs; want %d %%: let it try more", clause.ID, rate.found, rate.runs, leastRate)
		case !strings.Contains(clause.Method, fmt.Sprintf("%d of %d runs", rate.found, rate.runs)):
			t.Errorf("%s: its page does not say that its check found its fault in %d of %d runs, as rate/RESULTS.txt does", clause.ID, rate.found, rate.runs)
		}
	}
}

type rate struct{ found, runs int }

// measuredRates reads what command rate stored.
func measuredRates(t *testing.T) map[string]rate {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("rate", "RESULTS.txt"))
	if err != nil {
		t.Fatal(err)
	}
	rates := map[string]rate{}
	for line := range strings.Lines(string(text)) {
		var clause string
		var r rate
		if _, err := fmt.Sscanf(line, "%s %d of %d", &clause, &r.found, &r.runs); err != nil {
			t.Errorf("rate/RESULTS.txt: %q: %v", line, err)
		}
		rates[clause] = r
	}
	return rates
}

// TestMatrix asks that the committed kill matrix be of the faults as they are. A
// plain run judges some stale rows itself (TestFaults); more need a run of their own.
func TestMatrix(t *testing.T) {
	root := mustRoot(t)
	if *write { // drops what is no fault any more, and renders the page
		if err := merge(root, nil); err != nil {
			t.Fatal(err)
		}
		return
	}
	matrix, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range matrix.Orphans(Faults()) {
		t.Errorf("the kill matrix has a row for %s, which is no fault: -write drops it", name)
	}
	page, err := os.ReadFile(filepath.Join(root, "suites", "proof", "MATRIX.md"))
	if err != nil || string(page) != matrix.Page() {
		t.Errorf("MATRIX.md is not the page of matrix.json and of the faults as they are (%v): -write renders it", err)
	}
	missing := outdated(t, root)
	switch n := len(missing); {
	case n > mostStale:
		t.Errorf("%d rows of the kill matrix are missing or stale, and a plain run judges %d: make proof-full, or these alone with -stale -scope=all -write", n, mostStale)
	case n > 0:
		t.Logf("missing or stale, and judged by TestFaults in a plain run: %s", names(missing))
	}
}

// TestFaults is the proof: under each fault exactly the named clauses break.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and judges a server for each fault; left out by -short")
	}
	root := mustRoot(t)
	faults := chosen(t, root)
	built := buildAhead(t, root, faults)
	var rows []Row
	now := Commit(root)
	if Uncommitted(root, "suites/proof/matrix.json", "suites/proof/MATRIX.md") {
		now += "+dirty"
	}
	for i, f := range faults {
		t.Run(f.Name, func(t *testing.T) {
			if end, ok := t.Deadline(); ok && plain() && time.Until(end) < longest {
				t.Skip("no time is left for it: make proof")
			}
			b := <-built[i]
			if b.err != nil {
				t.Fatal(b.err)
			}
			row := prove(t, root, f, b.command)
			if row.Commit = now; *write && !t.Failed() {
				rows = append(rows, row)
				if err := merge(root, rows); err != nil { // at once: the run takes an hour
					t.Fatal(err)
				}
			}
		})
	}
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
	started := time.Now()
	finding, err := f.Judge(t.Context(), command, ids)
	if err != nil {
		t.Fatal(err)
	}
	row := Row{Fault: f.Name, Digest: digest, Broke: finding.Broken, Scope: Scope(*scope).of(f),
		Seconds: time.Since(started).Seconds(), Date: started.UTC().Format(time.DateOnly)}
	for _, r := range finding.Run.Results {
		if r.Outcome == report.Pass || r.Outcome == report.Fail || r.Outcome == report.Warn {
			row.Judged++
		}
	}
	t.Logf("broke %s", strings.Join(finding.Broken, " "))
	if !finding.Clean() {
		t.Errorf("fault %s (%s):\n%s", f.Name, f.Why, finding)
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
const mostStale = 8

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
