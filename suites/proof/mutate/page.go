package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tally counts what the judges killed.
type tally struct {
	viable, socket, inproc, unit int
	late                         int // of socket: the run was not over in time
	private                      int // of unit: in a group of private.txt
	unasked                      int // of unit: the in-process doors had no say
	survivors, unitOnly          []Judged
}

func count(results Results, groups []Group) tally {
	var t tally
	for _, row := range results.Rows {
		if !row.Viable {
			continue
		}
		t.viable++
		switch row.By {
		case bySocket:
			t.socket++
			if row.Killer == timedOut {
				t.late++
			}
		case byInproc:
			t.inproc++
		case byUnit:
			t.unit++
			t.unitOnly = append(t.unitOnly, row)
			if g := groupOf(groups, row.Mutant); g != nil && g.Private {
				t.private++
			}
			if !row.Doors {
				t.unasked++
			}
		default:
			t.survivors = append(t.survivors, row)
		}
	}
	return t
}

// writePages renders RESULTS.md and WANTED.md.
func writePages(home string, results Results) error {
	reasons, err := readReasons(filepath.Join(home, "reasons.txt"))
	if err != nil {
		return err
	}
	groups, err := readGroups(home)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(home, "WANTED.md"), []byte(wantedPage(groups, results)), 0o644); err != nil {
		return err
	}
	t := count(results, groups)
	suites, open := t.socket+t.inproc, t.viable-t.private
	var b strings.Builder
	fmt.Fprintf(&b, `# Mutants of the reference

Written by %s from results.json; do not edit. gremlins lists %d mutants of reference/. Of these, %d were drawn with seed
%d and judged; %d of them compile. Each row of results.json has its date and commit.

| judge | killed | score |
|---|---|---|
| the suites over a socket and through /proc | %s |
| the suites, with their in-process doors | %s |
| the same, of the mutants that are not private | %s |
| the suites and the unit tests of the reference | %s |

A score counts every survivor against the judge, even equivalent mutants. A survivor is judged again when a test was written for it. The suites judge each file in the configurations that run its code. Among their kills, %d
are runs that were not over in time. A clause or a test kills a mutant if it breaks twice, the second time by itself. Only those clauses and tests judge a mutant that run its place when the sound reference is judged; a clause that the sound reference breaks under the bounds of a mutant is left out. Since 26 November 2026 the in-process doors judge a mutant if the socket shows nothing. Of the %d mutants that the unit tests alone killed, %d were judged before that, and the doors have not seen them (%s has the doors judge them, and no other judge).

The unit tests alone kill %d. Of these %d are private: %s of all that compile, and %s of those that the unit tests alone kill. [WANTED.md](WANTED.md) lists the checks that the others need.

## Private

No promise to a client, or to a user of spec/contract, forbids these. Each group was read a second time, in search of what speaks against that.

| group | mutants | why it is private | to the contrary |
|---|---|---|---|
`, "`make mutate`", results.Listed, len(results.Rows), results.Seed, t.viable,
		score(t.socket, t.viable), score(suites, t.viable), score(suites, open), score(suites+t.unit, t.viable), t.late,
		t.unit, t.unasked, "`-again unit -doors`", t.unit, t.private, percent(t.private, t.viable), percent(t.private, t.unit))
	for _, g := range groups {
		if g.Private {
			fmt.Fprintf(&b, "| %s | %d | %s | %s |\n", g.Name, len(g.of(t.unitOnly)), g.Says["reason"], g.Says["contrary"])
		}
	}
	b.WriteString("\n## Survivors\n\n")
	table(&b, t.survivors, "why it lives", func(row Judged) string { return reasons[key(row.Mutant)] })
	b.WriteString("\n## Killed by the unit tests only\n\n")
	table(&b, t.unitOnly, "by, and its group", func(row Judged) string {
		g := groupOf(groups, row.Mutant)
		switch {
		case g == nil:
			return row.Killer + "; in no group yet"
		case g.Private:
			return row.Killer + "; private: " + g.Name
		}
		return row.Killer + "; wanted: " + g.Name
	})
	return os.WriteFile(filepath.Join(home, "RESULTS.md"), []byte(b.String()), 0o644)
}

// wantedPage lists the checks that are wanted, by the first clause that should see it.
func wantedPage(groups []Group, results Results) string {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g Group) bool { return g.Private })
	slices.SortStableFunc(groups, func(x, y Group) int { return strings.Compare(x.Says["clause"], y.Says["clause"]) })
	var b strings.Builder
	fmt.Fprintf(&b, `# Checks that mutants need

Written by %s from wanted.txt and results.json; do not edit. Only the unit tests of the reference kill these mutants, although a promise
to a client or to a user of spec/contract forbids each of them. The missing checks were found by reading. Whether a check as described kills the mutants is shown when these are judged again (%s). A group has 0 open mutants once the suites kill all of them.

| clauses | group | open | the check |
|---|---|---|---|
`, "`make mutate`", "`-again unit`")
	open := map[string][]Judged{}
	for _, g := range groups {
		open[g.Name] = g.of(results.Rows)
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", g.Says["clause"], g.Name, len(open[g.Name]), g.Says["check"])
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s: %s\n\n", g.Says["clause"], g.Name)
		table(&b, open[g.Name], "by", func(row Judged) string { return row.Killer })
	}
	return b.String()
}

// of are those of the rows that the group covers and the unit tests alone kill.
func (g Group) of(rows []Judged) []Judged {
	return slices.DeleteFunc(slices.Clone(rows), func(row Judged) bool { return row.By != byUnit || !g.covers(row.Mutant) })
}

// score is the last two cells of a judge's line.
func score(killed, of int) string {
	return fmt.Sprintf("%d of %d | %s", killed, of, percent(killed, of))
}

func table(b *strings.Builder, rows []Judged, last string, say func(Judged) string) {
	fmt.Fprintf(b, "| place | mutation | code | %s |\n|---|---|---|---|\n", last)
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(x, y Judged) int { return strings.Compare(x.File, y.File) })
	for _, row := range rows {
		code := strings.ReplaceAll(row.Code, "|", "\\|")
		fmt.Fprintf(b, "| %s:%d:%d | %s | `%s` | %s |\n", row.File, row.Line, row.Column, row.Type, code, cmp.Or(say(row), "not looked into yet"))
	}
}

func percent(part, whole int) string {
	if whole == 0 {
		return "none judged"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}

// key names a mutant in reasons.txt, whatever line it stands in: NTH counts from
// 0 those of the file that are alike in all else.
func key(m Mutant) string {
	return fmt.Sprintf("%s %s %d %d %s", m.File, m.Type, m.Column, m.Nth, m.Code)
}

// readReasons reads "FILE TYPE COLUMN NTH CODE => reason", a line each; # begins a comment.
func readReasons(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reasons := map[string]string{}
	scan := bufio.NewScanner(f)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		mutant, reason, ok := strings.Cut(line, " => ")
		if !ok {
			return nil, fmt.Errorf("reasons.txt:%d: want: FILE TYPE COLUMN NTH CODE => reason", n)
		}
		reasons[strings.TrimSpace(mutant)] = strings.TrimSpace(reason)
	}
	return reasons, scan.Err()
}
