package suites

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/reactorspec/reactorspec/suites/internal/asked"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
)

func TestMain(m *testing.M) {
	if tiny.Served() {
		return
	}
	asked.Read("TestTarget")
	goleak.VerifyTestMain(m)
}

// TestTarget judges the server that the flags name:
//
//	go test ./suites -args -target=FILE
//	go test ./suites -args -addr=tcp://127.0.0.1:7000 -dialect=echo
//
// Without flags it judges an echo server of Go's net package, inside the test.
func TestTarget(t *testing.T) {
	judged, err := asked.Target()
	if err != nil {
		t.Fatal(err)
	}
	options, err := asked.Options()
	if err != nil {
		t.Fatal(err)
	}
	if asked.Server() {
		Verify(t, judged, options)
		return
	}
	narrow := Families("CONN")
	if testing.Short() {
		narrow = Clauses("CONN-1", "CONN-6")
	}
	Verify(t, tiny.Echo(t), options, narrow)
}

// TestVerify goes through the door with an ordinary check and a study.
func TestVerify(t *testing.T) {
	pass := func(*session.Session) {}
	Verify(t, tiny.Target(t, "good"), Clauses("CONN-1", "CONN-2"), func(o *judging.Options) {
		o.Checks = []session.Check{{Clause: "CONN-1", Run: pass}, {Clause: "CONN-2", Study: true, Run: pass}}
	})
}

// TestSayings: every outcome has its place in the one table, and the level counts
// where nobody could judge.
func TestSayings(t *testing.T) {
	must := map[report.Outcome]Saying{
		report.Pass: Quiet, report.Warn: Log, report.Advice: Log, report.ExpectedFail: Log, report.Unsupported: Skip, report.Untested: Skip,
		report.Fail: Fail, report.UnexpectedPass: Fail, report.Inconclusive: Fail, report.Error: Fail,
	}
	for _, outcome := range report.Outcomes() {
		want, listed := must[outcome]
		if got, _ := Say(report.Result{Level: "MUST", Outcome: outcome}); !listed || got != want {
			t.Errorf("a MUST that is %s: %d, want %d (listed: %t)", outcome, got, want, listed)
		}
	}
	if got, _ := Say(report.Result{Level: "SHOULD", Outcome: report.Inconclusive}); got != Skip {
		t.Errorf("an inconclusive SHOULD: %d", got)
	}
}
