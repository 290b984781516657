package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/clauses"
)

// A mutant is met by who runs its block; a place in no block, and a judge without
// a trace, leave the question open: then it is asked.
func TestWhoMeetsAMutant(t *testing.T) {
	reach := &Reach{Blocks: []Block{
		{"reference/a.go", [2]int{10, 20}, [2]int{12, 3}},
		{"reference/a.go", [2]int{12, 3}, [2]int{14, 1}},
		{"reference/b.go", [2]int{10, 20}, [2]int{12, 3}},
	}}
	for _, c := range []struct {
		name         string
		file         string
		line, column int
		blocks       []int
		want         bool
	}{
		{"its block ran", "a.go", 11, 1, []int{0}, true},
		{"another block ran", "a.go", 11, 1, []int{1, 2}, false},
		{"the first place of a block", "a.go", 10, 20, []int{0}, true},
		{"before the block, in its line", "a.go", 10, 19, []int{1}, true},
		{"where one block ends another begins", "a.go", 12, 3, []int{0}, false},
		{"behind the last block", "a.go", 14, 1, []int{1}, true},
		{"the same place of another file", "b.go", 11, 1, []int{0, 1}, false},
		{"no trace", "a.go", 11, 1, nil, true},
	} {
		meets := reach.at(Mutant{File: "reference/" + c.file, Line: c.line, Column: c.column})
		if got := meets(c.blocks); got != c.want {
			t.Errorf("%s: met is %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWhichClausesAreAsked(t *testing.T) {
	reach := &Reach{Blocks: []Block{{"reference/a.go", [2]int{1, 1}, [2]int{2, 1}}, {"reference/a.go", [2]int{3, 1}, [2]int{4, 1}}}, Clauses: map[string][]int{}}
	for _, check := range clauses.All() {
		if strings.HasPrefix(check.Clause, "TIME-") {
			reach.Clauses[check.Clause] = []int{0}
		} else {
			reach.Clauses[check.Clause] = []int{99}
		}
	}
	asked := func(line int) []string {
		stages := reach.asked(reach.at(Mutant{File: "reference/a.go", Line: line, Column: 1}), []string{"--class", "reactor"})
		return slices.Concat(stages[:]...)
	}
	for _, id := range asked(1) {
		if !strings.HasPrefix(id, "TIME-") {
			t.Errorf("%s is asked of a place that only TIME runs", id)
		}
	}
	if got := len(asked(1)); got == 0 || got == len(clauses.All()) {
		t.Errorf("%d clauses are asked of a place that only TIME runs", got)
	}
	reach.Unfit = map[string][]string{"--class reactor": {"TIME-1", "TIME-2"}}
	if got, want := len(asked(3)), len(clauses.All())-2; got != want {
		t.Errorf("%d clauses are asked where the sound reference breaks two, want %d", got, want)
	}
	reach.Unfit = nil
	reach.Clauses["LIFE-9"] = nil
	if got := asked(1); !slices.Contains(got, "LIFE-9") || len(got) == len(clauses.All()) {
		t.Errorf("asked of a place that only TIME runs are %v, want TIME and LIFE-9, which has no trace", got)
	}
	if got, want := len(asked(3)), len(clauses.All()); got != want {
		t.Errorf("%d clauses are asked of a place that none is known to run, one of them without a trace, want all %d", got, want)
	}
	reach.Clauses["LIFE-9"] = []int{99}
	if got, want := len(asked(3)), len(clauses.All()); got != want {
		t.Errorf("%d clauses are asked of a place that none is known to run, want all %d", got, want)
	}
}
