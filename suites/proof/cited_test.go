package proof

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

// clauseID is what a clause's ID looks like. What looks so and is of no family
// (UTF-8, SHA-256) is none.
var clauseID = regexp.MustCompile(`\b([A-Z]+)-[0-9]+\b`)

// cited are the IDs in the files of a pattern from the root, tests left out, each
// with the files that name it. An ID that the spec does not have is an error.
func cited(t *testing.T, patterns ...string) map[string][]string {
	t.Helper()
	families := map[string]bool{}
	for _, clause := range spec.Clauses() {
		families[clause.Family] = true
	}
	root := mustRoot(t)
	by := map[string][]string{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files: %v", pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range clauseID.FindAllStringSubmatch(string(text), -1) {
				id, family := match[0], match[1]
				if !families[family] {
					continue
				}
				if _, known := spec.Lookup(id); !known {
					t.Errorf("%s cites %s, which the spec does not have", file, id)
				}
				if !slices.Contains(by[id], file) {
					by[id] = append(by[id], file)
				}
			}
		}
	}
	return by
}

// brokenByServers are MUSTs whose faults are all servers of their own, and which the
// reference keeps by a particular line all the same.
var brokenByServers = []string{"MODEL-8", "CONN-3", "LIFE-13", "LIFE-17", "LIFE-22", "TASK-14"}

// narrow is how many clauses a fault breaks whose edit is at the lines that keep them. One
// that breaks more lies upstream of many, and of some of them far.
const narrow = 2

// citedElsewhere are MUSTs that narrow faults break where nothing keeps them: the line
// that does is in another file.
var citedElsewhere = map[string]string{
	"RES-8": "reference/class_thread.go", // a thread ends with its connection; the fault starts threads of its own
}

// TestCited keeps what grep is promised: whoever looks for the ID of a MUST finds
// the place in the reference, or in the codec that it is built on, that keeps it.
// Asked are those that an edit of the reference breaks, for they have such a place, and
// brokenByServers. It is in a file that a narrow fault edits, if there is such a fault.
func TestCited(t *testing.T) {
	by := cited(t, "reference/*.go", "reference/internal/poll/*.go", "spec/probe/*.go")
	root, asked := mustRoot(t), 0
	for _, clause := range spec.Clauses() {
		id, edited, near := clause.ID, slices.Contains(brokenByServers, clause.ID), []string{}
		for _, fault := range Faults() {
			if fault.Server != "" || !slices.Contains(fault.Breaks, id) {
				continue
			}
			edited = true
			for _, edit := range fault.edits() {
				if file := edit.File; len(fault.Breaks) <= narrow && !slices.Contains(near, file) {
					near = append(near, file)
				}
			}
		}
		if clause.Withdrawn || clause.Level != spec.Must || !edited {
			continue
		}
		asked++
		cites := func(file string) bool { return slices.Contains(by[id], filepath.Join(root, filepath.FromSlash(file))) }
		elsewhere, far := citedElsewhere[id]
		switch found := slices.ContainsFunc(near, cites); {
		case len(by[id]) == 0:
			t.Errorf("%s: no file of the reference cites it: say in a comment at the line that keeps it why it stands there", id)
		case far && (found || !cites(elsewhere)):
			t.Errorf("%s: citedElsewhere says that only %s cites it, which is not so", id, elsewhere)
		case !far && !found && len(near) > 0:
			t.Errorf("%s is broken by an edit of %s, and cited in %s only: cite it at the line that keeps it", id, strings.Join(near, " or "), strings.Join(by[id], " and "))
		}
	}
	if asked == 0 {
		t.Error("no clause was asked for")
	}
	for _, id := range slices.Concat(brokenByServers, slices.Collect(maps.Keys(citedElsewhere))) {
		if clause, known := spec.Lookup(id); !known || clause.Withdrawn || clause.Level != spec.Must {
			t.Errorf("%s stands in a list of this test, and is no MUST", id)
		}
	}
}

// TestScriptsCite: a script, and the model, say which clause they are about.
func TestScriptsCite(t *testing.T) {
	for _, pattern := range []string{"testdata/scripts/*.txt", "spec/models/*.pml"} {
		files := map[string]bool{}
		for _, by := range cited(t, pattern) {
			for _, file := range by {
				files[file] = true
			}
		}
		all, err := filepath.Glob(filepath.Join(mustRoot(t), filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range all {
			if !files[file] {
				t.Errorf("%s cites no clause: begin its first comment with the ID", file)
			}
		}
	}
}

// TestGuarantees: what reference/README.md guarantees is said in the spec, and its
// links lead there.
func TestGuarantees(t *testing.T) {
	dir := filepath.Join(mustRoot(t), "reference")
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\[([^\]]+)\]\(([^)#]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1)
	guarantees := 0
	for _, link := range links {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(link[2]))); err != nil {
			t.Errorf("%s: %v", link[0], err)
		}
		if !clauseID.MatchString(link[1]) {
			continue
		}
		guarantees++
		clause, known := spec.Lookup(link[1])
		want := "../spec/" + strings.ToLower(clause.Family) + ".md#" + strings.ToLower(clause.ID)
		if !known || clause.Withdrawn || link[2]+link[3] != want {
			t.Errorf("%s: want a clause of the spec, linked as %s", link[0], want)
		}
	}
	if guarantees == 0 {
		t.Error("the page guarantees nothing")
	}
}
