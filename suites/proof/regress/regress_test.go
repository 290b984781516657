package regress

import (
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/proof"
	"github.com/reactorspec/reactorspec/suites/report"
)

// TestPairs shows that the broken version breaks its clause and that the
// mended one keeps it.
func TestPairs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and judges old event loops; left out by -short")
	}
	root, err := proof.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, p := range Pairs() {
		clause, ok := spec.Lookup(p.Clause)
		if !ok {
			t.Fatalf("%s names %s, which the spec does not have", p.ID, p.Clause)
		}
		judge := func(t *testing.T, mended bool, want ...report.Outcome) {
			binary, err := p.Build(t.Context(), root, dir, mended)
			if err != nil {
				t.Fatal(err)
			}
			result, err := p.Judge(t.Context(), binary)
			if err != nil {
				t.Fatal(err)
			}
			for _, outcome := range want {
				if result.Outcome == outcome {
					t.Logf("%s %s: %s", result.Clause, result.Outcome, result.Reason)
					return
				}
			}
			t.Errorf("want %v:\n%s", want, suites.Explain(result))
		}
		t.Run(p.ID+"/bad", func(t *testing.T) { judge(t, false, report.Fail, report.Warn) })
		if p.Fixed != "" {
			t.Run(p.ID+"/fixed", func(t *testing.T) { judge(t, true, report.Pass) })
		}
		// The clause's Source names the bug, so that a reader finds the one from the other.
		if !strings.Contains(clause.Source, strings.ToUpper(p.ID)) {
			t.Errorf("the Source of %s does not name %s", p.Clause, strings.ToUpper(p.ID))
		}
	}
}
