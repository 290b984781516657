package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// classRow is what a table of classes says of some servers.
type classRow struct {
	at       string // page, and the row's own words
	class    string // what --class is given
	pool     bool   // whether --max-clients, or its key in a target file, says how great the pool is
	examples []string
}

// classRows reads the table of a page whose head is given, by the numbers of its columns.
func classRows(t *testing.T, page, head string, class, pool, examples int) (rows []classRow) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), head+"\n")
	if !found {
		t.Fatalf("%s has no table %s", page, head)
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 {
			break
		}
		if strings.HasPrefix(cells[1], "--") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSpace(cells[class]), ",")
		rows = append(rows, classRow{
			at: page + ": " + line, class: strings.Trim(name, "`"), pool: strings.Contains(strings.ReplaceAll(cells[pool], "-", "_"), "max_clients"),
			examples: strings.Split(strings.TrimSpace(cells[examples]), ", "),
		})
	}
	return rows
}

// The table of spec/model.md is the one that is kept; README's is an extract.
func TestClassesOfReadme(t *testing.T) {
	whole := classRows(t, "spec/model.md", "| a server that | for example | is | and says |", 3, 4, 2)
	extract := classRows(t, "README.md", "| `--class` | a server that | for example |", 1, 1, 3)
	var told []string
	for _, row := range extract {
		for _, example := range row.examples {
			at := slices.IndexFunc(whole, func(w classRow) bool { return slices.Contains(w.examples, example) })
			switch {
			case at < 0:
				t.Errorf("spec/model.md has no %q: %s", example, row.at)
			case whole[at].class != row.class || whole[at].pool != row.pool:
				t.Errorf("%s is told apart from %s: %s", example, whole[at].at, row.at)
			}
			told = append(told, example)
		}
	}
	for _, row := range whole {
		if !slices.ContainsFunc(row.examples, func(example string) bool { return slices.Contains(told, example) }) {
			t.Errorf("README has no example of %s", row.at)
		}
	}
	for _, asked := range []string{"asyncio", "node", "Go's `net` with goroutines", "tokio's `multi_thread`", "Netty", "Apache's prefork"} {
		if !slices.Contains(told, asked) {
			t.Errorf("README does not say which class %s is", asked)
		}
	}
}
