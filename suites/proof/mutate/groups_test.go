package main

import (
	"regexp"
	"slices"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

// mostPrivate is the share of all judged mutants that may be called private, in percent:
// the rest is for the suites to see.
const mostPrivate = 20

// TestGroups: each mutant that no suite kills stands in one group, or has its reason in
// reasons.txt; a group covers mutants that there are; and what is wanted is wanted of clauses.
func TestGroups(t *testing.T) {
	groups, err := readGroups(".")
	if err != nil {
		t.Fatal(err)
	}
	results, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := readReasons("reasons.txt")
	if err != nil {
		t.Fatal(err)
	}
	viable, private := 0, 0
	for _, row := range results.Rows {
		if row.Viable {
			viable++
		}
		if row.By != byUnit && (!row.lives() || reasons[key(row.Mutant)] != "") {
			continue
		}
		var of []string
		for _, g := range groups {
			if g.covers(row.Mutant) {
				of = append(of, g.Name)
				if g.Private {
					private++
				}
			}
		}
		if len(of) != 1 {
			t.Errorf("no suite kills %s:%d, and it stands in the groups %q, want one of private.txt or wanted.txt: %s", row.File, row.Line, of, key(row.Mutant))
		}
	}
	if 100*private > mostPrivate*viable {
		t.Errorf("%d of %d mutants are called private, more than %d %%", private, viable, mostPrivate)
	}
	named := map[string]bool{}
	for _, g := range groups {
		if named[g.Name] {
			t.Errorf("two groups have the name %s", g.Name)
		}
		named[g.Name] = true
		for _, p := range g.Places {
			if !slices.ContainsFunc(results.Rows, func(row Judged) bool { return p.MatchString(key(row.Mutant)) }) {
				t.Errorf("group %s names a place where no mutant is, or no more: %s: take the line out of the group", g.Name, p.Text)
			}
		}
	}
	for _, g := range groups {
		for _, id := range regexp.MustCompile(`[A-Z]+-\d+`).FindAllString(g.Says["clause"], -1) {
			if _, ok := spec.Lookup(id); !ok {
				t.Errorf("group %s wants a check of %s, which is no clause", g.Name, id)
			}
		}
	}
}
