package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A mutant is the same one in whatever order gremlins lists it: lines of the
// same text are told apart by their order in the file.
func TestOrderOfAListDoesNotMatter(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "reference"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "reference", "a.go"), []byte("if b {\nif c {\nif b {\nif b {\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	list := func(lines ...int) []Mutant {
		var places []string
		for _, line := range lines {
			places = append(places, fmt.Sprintf(`{"line": %d, "column": 4, "type": "T"}`, line))
		}
		file := filepath.Join(t.TempDir(), "list.json")
		if err := os.WriteFile(file, fmt.Appendf(nil, `{"files": [{"file_name": "a.go", "mutations": [%s]}]}`, strings.Join(places, ",")), 0o644); err != nil {
			t.Fatal(err)
		}
		mutants, err := listed(t.Context(), root, "", file)
		if err != nil {
			t.Fatal(err)
		}
		return mutants
	}
	want := list(1, 2, 3, 4)
	for i, nth := range []int{0, 0, 1, 2} {
		if m := want[i]; m.Line != i+1 || m.Nth != nth {
			t.Errorf("line %d is number %d of its text, want line %d, number %d", m.Line, m.Nth, i+1, nth)
		}
	}
	for _, order := range [][]int{{4, 3, 2, 1}, {3, 1, 4, 2}} {
		if got := list(order...); !slices.Equal(got, want) {
			t.Errorf("in the order %v they are %v, want %v", order, got, want)
		}
	}
}
