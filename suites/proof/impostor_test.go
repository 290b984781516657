package proof

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// impostors look like servers. None may be called conformant, and each verdict
// must name what is wrong: clauses that are broken, or why it was not judged.
var impostors = []struct {
	mode, dialect string
	judged        suites.Option // a part, where a server that is slow by design makes the whole long
	breaks        []string      // among others
	says          string        // the verdict's reasons, or the problem that kept it from being judged
}{
	{"slam", "echo", suites.Clauses(), nil, "does not serve the first request"},
	{"silent", "echo", suites.Clauses(), nil, "does not serve the first request"},
	{"echo-then-close", "echo", suites.Clauses(), []string{"CONN-2", "ACC-4"}, "CONN-2"},
	{"unsupported", "probe", suites.Families("SIGN", "PROBE", "TASK", "WORK"), []string{"PROBE-1", "PROBE-2"}, "PROBE-1"},
	{"random-delay", "echo", suites.Clauses("LOOP-9", "LOOP-10", "LOOP-15"), []string{"LOOP-9", "LOOP-15"}, "LOOP-9"},
	{"core-spinner", "echo", suites.Clauses("LOOP-1", "LOOP-2", "LOOP-9"), []string{"LOOP-1", "LOOP-2"}, "LOOP-1"},
}

func TestImpostors(t *testing.T) {
	if testing.Short() {
		t.Skip("judges six servers; left out by -short")
	}
	binary := filepath.Join(t.TempDir(), "impostor")
	if out, err := exec.Command("go", "build", "-o", binary, "./servers/impostor").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range impostors {
		t.Run(c.mode, func(t *testing.T) {
			run, err := suites.Check(t.Context(), target.Target{File: target.File{Name: c.mode, Dialect: c.dialect,
				Class: spec.Class("thread-per-connection"), Start: target.Command{binary, c.mode, "{port}"}}}, c.judged, suites.NoAdvice())
			if err != nil && run.Problem == nil {
				t.Fatal(err) // a target that was never served is an error to Check, and a verdict to the report
			}
			t.Log(run.Verdict.Sentence, run.Took)
			if run.Verdict.Word != report.NotConformant || run.Verdict.Exit != report.ExitNotConformant {
				t.Errorf("the verdict is %s (exit %d)", run.Verdict.Word, run.Verdict.Exit)
			}
			said := strings.Join(run.Verdict.Reasons, "\n")
			if run.Problem != nil {
				said += "\n" + run.Problem.Message
			}
			if !strings.Contains(said, c.says) {
				t.Errorf("the verdict does not say %q:\n%s", c.says, said)
			}
			for _, r := range run.Results {
				switch {
				case slices.Contains(c.breaks, r.Clause) && r.Outcome != report.Fail && r.Outcome != report.Warn:
					t.Errorf("%s: %s: %s", r.Clause, r.Outcome, r.Reason)
				case r.Outcome == report.Fail || r.Outcome == report.Warn || r.Outcome == report.Inconclusive || r.Outcome == report.Error:
					t.Logf("%s %s: %s", r.Clause, r.Outcome, r.Reason)
				}
			}
		})
	}
}
