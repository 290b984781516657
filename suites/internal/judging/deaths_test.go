package judging

import (
	"strings"
	"syscall"
	"testing"

	"github.com/onsi/gomega"

	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
)

// TestTheCheckThatKillsIsBlamed: the others run on a new instance.
func TestTheCheckThatKillsIsBlamed(t *testing.T) {
	many := func(s *session.Session) {
		for range tiny.DiesAt {
			c, err := s.TryDial()
			if err != nil {
				return
			}
			c.Close()
		}
	}
	run, err := judged(t, tiny.Target(t, "mortal"), []session.Check{
		{Clause: "CONN-1", Run: exchange},
		{Clause: "CONN-2", Run: many},
		{Clause: "CONN-3", Run: exchange},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := outcomes(run)
	if got["CONN-1"] != report.Pass || got["CONN-2"] != report.Fail || got["CONN-3"] != report.Pass {
		t.Errorf("outcomes %v; %s", got, reason(run, "CONN-2"))
	}
	for _, result := range run.Results {
		if result.Clause == "CONN-2" && (!strings.Contains(result.Reason+result.Evidence.Got, "exited with 2") || !strings.Contains(result.Evidence.Stderr, "ninth")) {
			t.Errorf("reason %q, evidence %+v", result.Reason, result.Evidence)
		}
	}
}

// TestADeathBetweenChecksIsNobodysCheck: the verdict says so, the others go on.
func TestADeathBetweenChecksIsNobodysCheck(t *testing.T) {
	o := Options{Budget: &brisk, Clauses: []string{"CONN-1", "CONN-2"}, Checks: []session.Check{{Clause: "CONN-1", Run: exchange}, {Clause: "CONN-2", Run: exchange}}}
	r, err := OnTarget(t.Context(), tiny.Target(t, "good"), o)
	if err != nil {
		t.Fatal(err)
	}
	first := r.Judge("CONN-1")
	instance := r.grounds[0].(*targetGround).shared
	if err := instance.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := instance.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := r.Judge("CONN-2")
	run := r.Finish()
	if first.Outcome != report.Pass || second.Outcome != report.Pass {
		t.Errorf("%s, then %s: %s", first.Outcome, second.Outcome, second.Reason)
	}
	if run.Problem == nil || !strings.Contains(run.Problem.Message, "SIGKILL") || run.Verdict.Exit != report.ExitNotConformant {
		t.Errorf("problem %+v, exit %d", run.Problem, run.Verdict.Exit)
	}
}

// TestAStopInAnOwnCheckIsNoDeath: a check that may end its instance is judged by
// what it says, not by the end.
func TestAStopInAnOwnCheckIsNoDeath(t *testing.T) {
	run, err := judged(t, tiny.Target(t, "good"), []session.Check{{Clause: "CONN-1", Own: true, Run: func(s *session.Session) {
		s.Expect(s.Target.Signal(syscall.SIGTERM)).To(gomega.Succeed())
		_, err := s.Target.Wait(s.Context())
		s.Expect(err).NotTo(gomega.HaveOccurred())
	}}, {Clause: "CONN-2", Run: exchange}})
	if err != nil || outcomes(run)["CONN-1"] != report.Pass || outcomes(run)["CONN-2"] != report.Pass {
		t.Errorf("%v %v %s", err, outcomes(run), reason(run, "CONN-1"))
	}
}
