package proof

import (
	"path/filepath"
	"strings"
	"testing"
)

// small lays out a tree that digests can be made of, and two faults in it.
func small(t *testing.T) (root string, faults []Fault) {
	t.Helper()
	root = t.TempDir()
	for _, file := range []string{"suites/clauses/conn.go", "suites/clauses/traffic.go", "suites/session/read.go", "suites/proof/servers/splice/main.go"} {
		put(t, root, file, "package x\n")
	}
	return root, []Fault{
		{Name: "one", Server: "splice", Args: []string{"1"}, Breaks: []string{"CONN-1"}},
		{Name: "two", Server: "splice", Args: []string{"2"}, Breaks: []string{"CONN-1"}},
	}
}

// TestMerged: of several runs each fault keeps the newest row that stands.
func TestMerged(t *testing.T) {
	root, faults := small(t)
	stands := digest(t, root, faults[0])
	row := func(date, digest string, scope Scope) Row {
		return Row{Fault: "one", Date: date, Digest: digest, Scope: scope}
	}
	for _, test := range []struct {
		name string
		runs []Matrix
		want string // the date of the row that is kept
	}{
		{"the newest", []Matrix{{Rows: []Row{row("2026-11-26T09:00:00Z", stands, All)}}, {Rows: []Row{row("2026-11-26T08:00:00Z", stands, All)}}}, "2026-11-26T09:00:00Z"},
		{"an hour beside a day", []Matrix{{Rows: []Row{row("2026-11-26T09:00:00Z", stands, All)}}, {Rows: []Row{row("2026-11-26", stands, All)}}}, "2026-11-26T09:00:00Z"},
		{"what stands beside what is newer", []Matrix{{Rows: []Row{row("2026-11-25", stands, All)}}, {Rows: []Row{row("2026-11-26", "other", All)}}}, "2026-11-25"},
		{"the whole beside families", []Matrix{{Rows: []Row{row("2026-11-25", stands, All)}}, {Rows: []Row{row("2026-11-26", stands, Family)}}}, "2026-11-25"},
		{"none that stands", []Matrix{{Rows: []Row{row("2026-11-24", "another", All)}}, {Rows: []Row{row("2026-11-25", "other", All)}}}, "2026-11-25"},
		{"the later run of two of a moment", []Matrix{{Rows: []Row{row("2026-11-25", "another", All)}}, {}, {Rows: []Row{row("2026-11-25", stands, All)}}}, "2026-11-25"},
	} {
		gone := Row{Fault: "gone", Date: "2026-11-26"}
		m, err := Merged(root, faults, append(test.runs, Matrix{Rows: []Row{gone}})...)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Rows) != 1 || m.Rows[0].Fault != "one" || m.Rows[0].Date != test.want {
			t.Errorf("%s: kept %+v, want the row of %s", test.name, m.Rows, test.want)
		}
	}
}

// TestResumed: what a run that was cut short has done is not done again, unless
// it rests on other code by now.
func TestResumed(t *testing.T) {
	root, faults := small(t)
	shared, err := SharedDigest(root)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "out", "rows.json")
	left := func() string {
		t.Helper()
		done, err := unfinished(root, file)
		if err != nil {
			t.Fatal(err)
		}
		list, err := done.Outdated(root, faults)
		if err != nil {
			t.Fatal(err)
		}
		return names(list)
	}
	if got := left(); got != "one, two" {
		t.Errorf("before any run: %s are left", got)
	}
	cut := Matrix{Rows: []Row{{Fault: "one", Digest: digest(t, root, faults[0]), Shared: shared, Scope: All}}}
	if err := cut.store(file); err != nil {
		t.Fatal(err)
	}
	if got := left(); got != "two" {
		t.Errorf("after one: %s are left", got)
	}
	if older, err := cut.Older(root); err != nil || older != 0 {
		t.Errorf("%d rows are older than what is shared: %v", older, err)
	}
	put(t, root, "suites/session/read.go", "package x\n\nvar changed int\n")
	if got := left(); got != "one, two" {
		t.Errorf("after a change of what is shared: %s are left", got)
	}
	if older, err := cut.Older(root); err != nil || older != 1 {
		t.Errorf("%d rows are older than what is shared, want 1: %v", older, err)
	}
	put(t, root, "suites/session/read.go", "package x\n")
	put(t, root, "suites/clauses/conn.go", "package x\n\nvar changed int\n")
	if got := left(); got != "one, two" {
		t.Errorf("after a change of a check: %s are left", got)
	}
}

// TestPage: the page says what stands on it, and the line that only its day is
// bound by is found again.
func TestPage(t *testing.T) {
	line := ageLine("2026-11-26", 2, 9, 3, 7)
	page := Matrix{Rows: []Row{{Fault: Faults()[0].Name, Date: "2026-11-26T09:00:00Z", Commit: "abc"}}}.Page(line)
	if got := agedLine(page); got != line {
		t.Errorf("found %q, want %q", got, line)
	}
	wanted := []string{"2 of 9 faults had no row", "3 of 7 rows were older", "| 2026-11-26 abc |", "## Known misses"}
	for _, f := range Missed() {
		wanted = append(wanted, "- "+f.Name+": ", f.Missed)
	}
	for _, want := range wanted {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if got := agedLine("no such line\n"); got != "" {
		t.Errorf("found %q where there is none", got)
	}
}
