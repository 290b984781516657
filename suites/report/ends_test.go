package report

import (
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

func TestOneEndIsOneBug(t *testing.T) {
	broken := func(clause, died string) Result {
		return Result{Clause: clause, Level: spec.Must, Outcome: Fail, Evidence: &Evidence{Died: died}}
	}
	const killed = "the server was killed by SIGSEGV"
	for name, row := range map[string]struct {
		results []Result
		want    []string
	}{
		"alone":   {[]Result{broken("CONN-1", killed), broken("CONN-2", "")}, nil},
		"shared":  {[]Result{broken("CONN-1", killed), broken("CONN-2", ""), broken("CONN-3", killed)}, []string{"of the 3 broken clauses 2 ", killed, "CONN-1, CONN-3"}},
		"another": {[]Result{broken("CONN-1", killed), broken("CONN-3", "the server exited with 1")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			lines := Judge(&Run{Results: row.results}).Reasons
			for _, want := range row.want {
				if len(lines) == 0 || !strings.Contains(lines[0], want) {
					t.Errorf("the first line of %q does not say %q", lines, want)
				}
			}
			if row.want == nil && len(lines) > 0 && strings.Contains(lines[0], "one bug") {
				t.Errorf("one bug: %q", lines[0])
			}
		})
	}
}
