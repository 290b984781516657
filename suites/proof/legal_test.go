package proof

import (
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
)

// TestLegal is the other half of the proof: what is legal breaks nothing.
func TestLegal(t *testing.T) {
	root, dir := mustRoot(t), t.TempDir()
	for _, v := range Legal {
		t.Run(v.Name, func(t *testing.T) {
			if _, err := v.Apply(root); err != nil {
				t.Fatal(err)
			}
			if testing.Short() {
				t.Skip("builds and judges a server; left out by -short")
			}
			command, err := v.Build(t.Context(), root, dir)
			if err != nil {
				t.Fatal(err)
			}
			finding, err := v.Judge(t.Context(), command, v.Clauses)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range finding.Run.Results {
				if r.Outcome != report.Pass {
					t.Errorf("%s (%s): %s %s: %s", v.Name, v.Why, r.Clause, r.Outcome, r.Reason)
					if e := r.Evidence; e != nil {
						t.Logf("want %s\ngot  %s\nnotes %q", e.Want, e.Got, e.Notes)
					}
				}
			}
		})
	}
}
