package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// elsewhere are the targets of make nightly that the nightly job of ci.yml leaves out.
var elsewhere = map[string]string{
	"matrix":      "matrix.yml runs it in shards",
	"slurm":       ".ci/install does not install Slurm",
	"proof-stale": "proof-full judges these faults too",
}

var (
	makes   = regexp.MustCompile(`^make ([a-z-]+)$`)
	nights  = regexp.MustCompile(`(?m)^nightly:.*\n\t\$\(MAKE\) (.+)$`)
	goTests = regexp.MustCompile(`go test .*-run (\S+) .*(\./\S+)`)
)

// nightly asks of the commands that take hours that make nightly runs them, and that
// what they run is there.
func (r *reader) nightly(b block) {
	r.t.Helper()
	for line := range strings.Lines(b.text) {
		target := makes.FindStringSubmatch(strings.TrimSpace(line))
		if target == nil {
			r.t.Fatalf("%s: a command that takes hours has to be one of make nightly's, `make TARGET`: %s", b.at, line)
		}
		if every := nightlyTargets(r.t, r.origin); !slices.Contains(every, target[1]) {
			r.t.Errorf("%s: make nightly does not run %s, only %s", b.at, target[1], strings.Join(every, ", "))
		}
		recipe := r.want("make -n " + target[1])
		for _, test := range goTests.FindAllStringSubmatch(recipe, -1) {
			name := strings.Trim(test[1], "'\"")
			if out := r.want("go test " + test[2] + " -list '^" + name + "$'"); !strings.HasPrefix(out, name+"\n") {
				r.t.Errorf("%s: %s has no %s:\n%s", b.at, test[2], name, out)
			}
		}
	}
}

// nightlyTargets are what make nightly runs, in its order.
func nightlyTargets(t *testing.T, root string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := nights.FindStringSubmatch(string(text))
	if found == nil {
		t.Fatal("the Makefile's nightly is no list of targets")
	}
	return strings.Fields(found[1])
}

// TestNightly: whatever takes long is run by make nightly, and by CI at night too,
// unless this file says why not.
func TestNightly(t *testing.T) {
	targets := nightlyTargets(t, ".")
	text, err := os.ReadFile(".github/workflows/ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Strategy struct{ Matrix struct{ Target []string } }
			Steps    []struct{ Run string }
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	job := workflow.Jobs["nightly"]
	if runs := job.Steps[len(job.Steps)-2].Run; !strings.HasSuffix(runs, "make ${{ matrix.target }}") {
		t.Errorf("the last step but one of ci.yml's nightly runs %q", runs)
	}
	for _, target := range targets {
		why, spared := elsewhere[target]
		if at := slices.Contains(job.Strategy.Matrix.Target, target); at == spared {
			t.Errorf("ci.yml runs %s at night: %v, and this file says %q", target, at, why)
		}
	}
	for _, target := range job.Strategy.Matrix.Target {
		if !slices.Contains(targets, target) {
			t.Errorf("ci.yml runs %s at night, and make nightly does not", target)
		}
	}
	if !slices.Contains(targets, "starters") || !slices.Contains(targets, "readme") {
		t.Errorf("make nightly runs %v: it is the only one to judge what init writes in C++, Java and Rust, and the blocks marked long", targets)
	}
}
