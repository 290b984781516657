package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/proof"
)

// TestFilesExist: what is written down by the name of a file of the reference is
// of a file that is there. A rename that leaves a row behind would lose its
// verdict, its reason or its configurations, and nobody would see it.
func TestFilesExist(t *testing.T) {
	root, err := proof.Root()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	err = filepath.WalkDir(filepath.Join(root, "reference"), func(file string, entry fs.DirEntry, err error) error {
		names[path.Base(filepath.ToSlash(file))] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range ways {
		if !names[name] {
			t.Errorf("ways names %s, which is no file of the reference", name)
		}
	}
	results, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	known, missing := map[string]bool{}, map[string]bool{}
	for _, row := range results.Rows {
		known[key(row.Mutant)] = true
		if _, err := os.Stat(filepath.Join(root, row.File)); err != nil && !missing[row.File] {
			missing[row.File] = true
			t.Errorf("results.json: %v", err)
		}
	}
	reasons, err := readReasons("reasons.txt")
	if err != nil {
		t.Fatal(err)
	}
	for mutant := range reasons {
		if !known[mutant] {
			file, _, _ := strings.Cut(mutant, " ")
			t.Errorf("reasons.txt explains a mutant of %s that has no row: %s", file, mutant)
		}
	}
}
