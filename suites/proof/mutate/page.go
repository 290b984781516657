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

// writePage renders RESULTS.md.
func writePage(home string, results Results) error {
	reasons, err := readReasons(filepath.Join(home, "reasons.txt"))
	if err != nil {
		return err
	}
	var viable, suites, late, units int
	var survivors, blind []Judged
	for _, row := range results.Rows {
		switch {
		case !row.Viable:
			continue
		case row.Suites == timedOut:
			late++
			suites++
		case row.Suites != "":
			suites++
		case row.Units != "":
			units++
			blind = append(blind, row)
		default:
			survivors = append(survivors, row)
		}
		viable++
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Mutants of the reference

Written by %s from results.json; do not edit. gremlins lists %d mutants of reference/; %d of them, drawn with seed %d,
were judged, of which %d compile. Each row of results.json has its date and commit.

| judge | killed | score |
|---|---|---|
| the suites alone, over a socket and through /proc | %d of %d | %s |
| the suites and the unit tests of the reference | %d of %d | %s |

A score counts every survivor against the judge, equivalent mutants too; one that lived is judged again when a test was written for it. The suites judge each file in the configurations that run its code;
of their kills %d are runs that were not over in time. A clause or a test kills that breaks twice, the second time by itself.
Asked are those that run the mutant's place when the sound reference is judged; a clause that the sound one breaks under the bounds of a mutant is not asked.

## Survivors

`, "`make mutate`", results.Listed, len(results.Rows), results.Seed, viable,
		suites, viable, percent(suites, viable), suites+units, viable, percent(suites+units, viable), late)
	table(&b, survivors, "why it lives", func(row Judged) string { return reasons[key(row.Mutant)] })
	b.WriteString("\n## Killed by the unit tests only\n\n")
	table(&b, blind, "by", func(row Judged) string { return row.Units })
	return os.WriteFile(filepath.Join(home, "RESULTS.md"), []byte(b.String()), 0o644)
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
