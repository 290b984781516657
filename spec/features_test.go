package spec

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The table of features in target.md has a row for each feature, with the clauses that
// need it.
func TestThePageOfTheContractNamesEachFeature(t *testing.T) {
	page, err := os.ReadFile("target.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## Features\n")
	if !found {
		t.Fatal("target.md has no section Features")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := make(map[Feature]string)
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if name := strings.TrimSpace(cells[0]); len(cells) == 3 && strings.HasPrefix(name, "`") {
			rows[Feature(strings.Trim(name, "`"))] = strings.TrimSpace(cells[2])
		}
	}
	for _, feature := range Features() {
		var opened []string
		for _, clause := range Clauses() {
			if slices.Contains(clause.Needs, feature) {
				opened = append(opened, clause.ID)
			}
		}
		want := strings.Join(opened, ", ")
		if want == "" {
			want = "none of its own"
		}
		got, listed := rows[feature]
		if !listed {
			t.Errorf("target.md has no row for the feature %s", feature)
			continue
		}
		words, wanted := strings.Split(got, ", "), strings.Split(want, ", ")
		slices.Sort(words)
		slices.Sort(wanted)
		if !slices.Equal(words, wanted) {
			t.Errorf("target.md: the feature %s opens %s, and the clauses that need it are %s", feature, got, want)
		}
		delete(rows, feature)
	}
	for feature := range rows {
		t.Errorf("target.md has a row for %s, which is no feature", feature)
	}
}
