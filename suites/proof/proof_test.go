package proof

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

var (
	scope  = flag.String("scope", string(Family), "clauses that each fault is judged by: named, family or all")
	every  = flag.Bool("every", false, "run every fault, not what a plain go test does: those whose row of the kill matrix is missing or stale, and a sample")
	stale  = flag.Bool("stale", false, "run only the faults whose row of the kill matrix is missing or stale, all of them")
	resume = flag.String("resume", "", "leave out the faults whose rows stand in this file, and keep in it the rows of the faults that came out clean, until all have")
	from   = flag.String("from", "", "with -write, take rows from these stored matrices too, separated by commas; of each fault the newest that stands")
	write  = flag.Bool("write", false, "write spec/coverage.txt, spec/faults.txt and, of the faults that ran and came out clean, the rows of the kill matrix")
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
		switch seen := len(f.Breaks) > 0 && f.Because != ""; {
		case f.Why == "":
			t.Errorf("fault %s: Why must be given", f.Name)
		case f.Missed == "" && (!seen || len(f.Near) > 0):
			t.Errorf("fault %s: Breaks and Because must both be given, and Near is for what is Missed", f.Name)
		case f.Missed != "" && (len(f.Breaks) > 0 || f.Because != "" || len(f.Near) == 0 || f.Server == ""):
			t.Errorf("fault %s: what is Missed is a Server, breaks nothing and says in Near what judges it", f.Name)
		}
		named := slices.Concat(f.Breaks, f.Sometimes, f.Near)
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
		if other, taken := sets[key]; taken && f.Missed == "" && f.Shares == "" && other.Shares == "" {
			t.Errorf("faults %s and %s break the same clauses (%s) and neither says in Shares why", other.Name, f.Name, key)
		}
		sets[key] = f
	}
	if len(names) == 0 {
		t.Error("there are no faults")
	}
}

// TestMissed: a fault that is marked as missed is found to be, and is found not
// to be as soon as a clause sees it; what excuses chance elsewhere does so here.
func TestMissed(t *testing.T) {
	root, dir := mustRoot(t), t.TempDir()
	server := Fault{Name: "missed", Server: "threaded", Args: []string{"{port}", "eintr"}, Control: []string{"{port}", "none"},
		Dialect: "echo", Class: "thread-per-connection", Missed: "this test says so", Near: []string{"LOOP-11"}}
	command, err := server.Build(t.Context(), root, dir)
	if err != nil {
		t.Fatal(err)
	}
	finding, err := server.Judge(t.Context(), command, []string{"LOOP-11"})
	if err != nil {
		t.Fatal(err)
	}
	if got := server.Complaint(finding); !strings.Contains(got, "seen now, by LOOP-11: take Missed") {
		t.Errorf("of a fault that LOOP-11 sees: %q", got)
	}
	if finding, err = server.Judge(t.Context(), command, []string{"CONN-1"}); err != nil {
		t.Fatal(err)
	}
	if got := server.Complaint(finding); got != "" {
		t.Errorf("of a fault that CONN-1 does not see: %q", got)
	}
	if got := server.Complaint(Finding{Unclear: []string{"LOOP-11"}}); !strings.Contains(got, "unclear LOOP-11") {
		t.Errorf("of one that was not judged: %q", got)
	}
	if ids, err := Family.Clauses(server); err != nil || !slices.Contains(ids, "LOOP-1") {
		t.Errorf("it is judged by %v, %v, want the family of LOOP-11", ids, err)
	}
}

// TestTraceability holds clauses, checks and faults together.
func TestTraceability(t *testing.T) {
	for _, gap := range Gaps() {
		t.Error(gap)
	}
	for name, want := range map[string]string{"coverage.txt": Coverage(), "faults.txt": Words()} {
		file := filepath.Join(mustRoot(t), "spec", name)
		if *write {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != want {
			t.Errorf("spec/%s is stale (%v): go test ./suites/proof -run Traceability -args -write", name, err)
		}
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
// plain run judges some stale rows itself (TestFaults) and names the rest, which
// MATRIX.md counts: an hour of judging is a night's work and no change's. With -every,
// as the nightly run has it, no row may be stale.
func TestMatrix(t *testing.T) {
	root := mustRoot(t)
	if *write { // drops what is no fault any more, and renders the page
		var others []Matrix
		for file := range strings.SplitSeq(*from, ",") {
			if file == "" {
				continue
			}
			m, err := read(file)
			if err != nil {
				t.Fatal(err)
			}
			others = append(others, m)
		}
		if err := merge(root, others...); err != nil {
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
	if err != nil || string(page) != matrix.Page(agedLine(string(page))) {
		t.Errorf("MATRIX.md is not the page of matrix.json and of the faults as they are (%v): -write renders it", err)
	}
	missing := outdated(t, root)
	switch n := len(missing); {
	case n > 0 && *every:
		t.Errorf("%d rows of the kill matrix are missing or stale: make proof-stale judges these, make proof-full all: %s", n, names(missing))
	case n > mostStale:
		t.Logf("%d rows of the kill matrix are missing or stale, and a plain run judges %d: make proof-stale judges these, make proof-full all", n, mostStale)
	case n > 0:
		t.Logf("missing or stale, and judged by TestFaults in a plain run: %s", names(missing))
	}
}

func mustRoot(t *testing.T) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}
