package reference

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sources are the package's files without tests, by their names without ".go".
func sources(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			names = append(names, strings.TrimSuffix(file, ".go"))
		}
	}
	return names
}

// partOf reports whether a file is the named one or a part of it: conn_wait is a part of conn.
func partOf(file, of string) bool { return file == of || strings.HasPrefix(file, of+"_") }

// TestContents: the table of contents in doc.go names each step of the story, and
// leads to every file, by its own name or by that of the chapter.
func TestContents(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for s := range 11 {
		if row := fmt.Sprintf("\n//\tS%d ", s+1); !strings.Contains(string(text), row) {
			t.Errorf("the table of contents has no S%d", s+1)
		}
	}
	var named []string
	files := sources(t)
	for _, match := range regexp.MustCompile(`\b([a-z_]+)\.go\b`).FindAllStringSubmatch(string(text), -1) {
		named = append(named, match[1])
		if !slices.Contains(files, match[1]) {
			t.Errorf("doc.go names %s.go, which is not there", match[1])
		}
	}
	for _, file := range files {
		if file != "doc" && !slices.ContainsFunc(named, func(name string) bool { return partOf(file, name) }) {
			t.Errorf("doc.go does not lead to %s.go", file)
		}
	}
}

// TestNamesOfTests: a test stands in foo_test.go or foo_<aspect>_test.go, where
// foo.go is what it tests. What tests share stands in two files: live_test.go runs
// servers and loops for real, byhand_test.go turns them itself.
func TestNamesOfTests(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	others := []string{"live", "byhand"}
	for _, file := range files {
		name := strings.TrimSuffix(file, "_test.go")
		if !partOf(name, "example") && !slices.Contains(others, name) && !slices.ContainsFunc(sources(t), func(source string) bool { return partOf(name, source) }) {
			t.Errorf("%s is named after no file", file)
		}
	}
}
