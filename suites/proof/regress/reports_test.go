package regress

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/target"
)

// TestReadmeCounts holds the figures of README's table of what was found.
func TestReadmeCounts(t *testing.T) {
	root, err := proof.Root()
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	mended := 0
	for _, p := range Pairs() {
		if p.Fixed != "" {
			mended++
		}
	}
	rows := regexp.MustCompile(`(?m)^\| [^|]+ \| [^|]*\d[^|]* \|`).FindAllString(read("testdata/targets/bugs.md"), -1)
	readme := read("README.md")
	for _, want := range []string{
		fmt.Sprintf("| %d bugs of gnet", len(Pairs())), fmt.Sprintf("for %d of them", mended),
		fmt.Sprintf("| %d broken servers", len(proof.Faults())), fmt.Sprintf("| %d bugs and pitfalls of ", len(rows)),
	} {
		if !strings.Contains(readme, want) {
			t.Errorf("README.md does not say %q", want)
		}
	}
}

// TestReports shows that each report that a target file rests on is there, that no
// report is left that nothing rests on or that the table of bugs leaves out, and that
// what shows a bug is short.
func TestReports(t *testing.T) {
	root, err := proof.Root()
	if err != nil {
		t.Fatal(err)
	}
	targets := filepath.Join(root, "testdata", "targets")
	files, err := filepath.Glob(filepath.Join(targets, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`testdata/targets/(reports/[\w-]+\.md)`)
	used := map[string]bool{}
	for _, path := range files {
		file, err := target.Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, entry := range file.Expected {
			if found := names.FindStringSubmatch(entry.Reason); found != nil {
				used[found[1]] = true
				if _, err := os.Stat(filepath.Join(targets, found[1])); err != nil {
					t.Errorf("%s, %s: %v", path, entry.Clause, err)
				}
			}
		}
	}
	table, err := os.ReadFile(filepath.Join(targets, "bugs.md"))
	if err != nil {
		t.Fatal(err)
	}
	reports, err := filepath.Glob(filepath.Join(targets, "reports", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range reports {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := "reports/" + filepath.Base(path)
		switch {
		case strings.HasSuffix(name, ".py"), strings.HasSuffix(name, ".conf"):
			if lines := bytes.Count(text, []byte("\n")); lines > mostLines {
				t.Errorf("%s has %d lines, more than %d", name, lines, mostLines)
			}
		case !used[name]:
			t.Errorf("no expected failure rests on %s", name)
		case !bytes.Contains(table, []byte("("+name+")")):
			t.Errorf("bugs.md leaves out %s", name)
		}
	}
}
