package regress

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/report"
)

var every = flag.Bool("every", false, "judge every pair, not the first of each project")

// leave skips a pair in a plain run, which has no time to build some fifty old event
// loops: it judges the first pair of each project.
func leave(t *testing.T, at int) {
	t.Helper()
	if *every || strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return
	}
	pairs := Pairs()
	if project := pairs[at].ID[0]; slices.ContainsFunc(pairs[:at], func(p Pair) bool { return p.ID[0] == project }) {
		t.Skip("a plain run judges one pair of each project: make pairs judges them all")
	}
}

// TestPairs shows that each broken version breaks its clause for the bug's own
// reason and serves otherwise, and that the mended one keeps the clause.
func TestPairs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and judges old event loops; left out by -short")
	}
	root, err := proof.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, p := range Pairs() {
		clause, ok := spec.Lookup(p.Clause)
		if !ok {
			t.Fatalf("%s names %s, which the spec does not have", p.ID, p.Clause)
		}
		// The clause's Source names the bug, so that a reader finds the one from the other.
		if !strings.Contains(clause.Source, strings.ToUpper(p.ID)) {
			t.Errorf("the Source of %s does not name %s", p.Clause, strings.ToUpper(p.ID))
		}
		for _, server := range p.Bad {
			_, version, _ := strings.Cut(server.Version, "@")
			t.Run(p.ID+"/bad/"+version, func(t *testing.T) {
				leave(t, i)
				binary, result := judge(t, p, root, dir, server)
				if err := p.Shows(result); err != nil {
					t.Errorf("%v:\n%s", err, suites.Explain(result))
				}
				result, err := p.Keeps(t.Context(), binary)
				if err != nil {
					t.Fatal(err)
				}
				if result.Outcome != report.Pass {
					t.Errorf("the broken version does not serve otherwise:\n%s", suites.Explain(result))
				}
			})
		}
		if p.Fixed == "" {
			continue
		}
		t.Run(p.ID+"/fixed/"+p.Fixed, func(t *testing.T) {
			leave(t, i)
			if _, result := judge(t, p, root, dir, Server{Version: p.Fixed, ModFile: "fixed.mod"}); result.Outcome != report.Pass {
				t.Errorf("want pass:\n%s", suites.Explain(result))
			}
		})
	}
}

func judge(t *testing.T, p Pair, root, dir string, server Server) (binary string, result report.Result) {
	t.Helper()
	binary, err := p.Build(t.Context(), root, dir, server)
	if err != nil {
		t.Fatal(err)
	}
	if result, err = p.Judge(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %s: %s", result.Clause, result.Outcome, result.Reason)
	return binary, result
}

// TestCrash shows that a server that crashes at once passes for no bug.
func TestCrash(t *testing.T) {
	crashed := report.Result{Outcome: report.Fail, Reason: "127.0.0.1:1 refuses connections",
		Evidence: &report.Evidence{Got: "connection refused; the server exited with 2", Stderr: "panic: something else"}}
	for _, p := range Pairs() {
		if p.Because == "" {
			t.Errorf("%s does not say because of what its clause fails", p.ID)
		}
		if p.Shows(crashed) == nil {
			t.Errorf("%s takes a crash for its bug", p.ID)
		}
	}
}
