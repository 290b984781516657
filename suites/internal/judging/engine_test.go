package judging

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onsi/gomega"
	"go.uber.org/goleak"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

func TestMain(m *testing.M) {
	if tiny.Served() {
		return
	}
	goleak.VerifyTestMain(m)
}

// brisk is a budget for servers that are known to be good or dead.
var brisk = session.Budget{Await: 400 * time.Millisecond, Silence: 50 * time.Millisecond, Poll: 2 * time.Millisecond,
	Check: 3 * time.Second, Study: 3 * time.Second, Wall: 10 * time.Second, Grace: time.Second}

// exchange is the least that a check does.
func exchange(s *session.Session) {
	c := s.Open()
	c.Exchange(s.Payload(1000))
	c.CloseWrite()
	c.WantEOF()
}

// judged runs these checks, and nothing else, on a target.
func judged(t *testing.T, on target.Target, checks []session.Check, change ...func(*Options)) (report.Run, error) {
	t.Helper()
	o := Options{Checks: checks, Budget: &brisk}
	for _, check := range checks {
		o.Clauses = append(o.Clauses, check.Clause)
	}
	for _, f := range change {
		f(&o)
	}
	return all(t.Context(), on, o)
}

// all judges all that the options select.
func all(ctx context.Context, on target.Target, o Options) (report.Run, error) {
	r, err := OnTarget(ctx, on, o)
	if err != nil {
		return Unrun(on, o, err), err
	}
	return r.All()
}

func outcomes(run report.Run) map[string]report.Outcome {
	came := make(map[string]report.Outcome)
	for _, result := range run.Results {
		came[result.Clause] = result.Outcome
	}
	return came
}

func reason(run report.Run, clause string) string {
	for _, result := range run.Results {
		if result.Clause == clause {
			return result.Reason
		}
	}
	return ""
}

func TestAGoodServerPasses(t *testing.T) {
	run, err := judged(t, tiny.Target(t, "good"), []session.Check{
		{Clause: "CONN-1", Run: exchange},
		{Clause: "CONN-2", Own: true, Run: exchange},
		{Clause: "CONN-3", Study: true, Run: exchange},
		{Clause: "CONN-4", Study: true, Run: exchange},
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, outcome := range outcomes(run) {
		if outcome != report.Pass {
			t.Errorf("%s: %s %s", id, outcome, reason(run, id))
		}
	}
	if len(run.Results) != 4 || run.Target.Pid == 0 {
		t.Errorf("results %d, pid %d", len(run.Results), run.Target.Pid)
	}
}

func TestAFailureSaysWhy(t *testing.T) {
	run, err := judged(t, tiny.Target(t, "garbles"), []session.Check{{Clause: "CONN-1", Run: exchange}, {Clause: "CONN-2", Run: func(s *session.Session) {
		c := s.Open()
		c.Exchange(s.Payload(10))
	}}}, func(o *Options) { o.Rerun = nil })
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes(run); got["CONN-1"] != report.Fail || got["CONN-2"] != report.Pass {
		t.Fatalf("outcomes %v", got)
	}
	for _, result := range run.Results {
		if result.Clause != "CONN-1" {
			continue
		}
		e := result.Evidence
		if !strings.Contains(e.Want, "byte 16") || !strings.Contains(e.Got, "byte 16") || len(e.Sent) == 0 || e.Source == "" || e.Conn == 0 || e.Why == "" || e.Slack < 1 ||
			!strings.Contains(e.Rerun, "--clause CONN-1") || !strings.Contains(e.Rerun, "--dialect probe") {
			t.Errorf("evidence %+v", e)
		}
	}
	if run.Verdict.Exit != report.ExitNotConformant {
		t.Errorf("exit %d", run.Verdict.Exit)
	}
}

func TestAHungCheckIsEnded(t *testing.T) {
	budget := brisk
	budget.Check = 300 * time.Millisecond
	started := time.Now()
	run, err := judged(t, tiny.Target(t, "good"), []session.Check{
		{Clause: "CONN-1", Run: func(s *session.Session) {
			s.Go(func() { s.Open().Patience(time.Hour).Read(1) })
			s.Open().Patience(time.Hour).Read(1)
		}},
		{Clause: "CONN-2", Run: exchange},
	}, func(o *Options) { o.Budget = &budget })
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes(run); got["CONN-1"] != report.Fail && got["CONN-1"] != report.Inconclusive || got["CONN-2"] != report.Pass {
		t.Errorf("outcomes %v", got)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestAPanicOfACheckIsTheHarnesss(t *testing.T) {
	var nobody *session.Session
	run, _ := judged(t, tiny.Target(t, "good"), []session.Check{
		{Clause: "CONN-1", Run: func(s *session.Session) { _ = nobody.Budget }},
		{Clause: "CONN-2", Run: func(s *session.Session) { s.Go(func() { panic("oh") }) }},
		{Clause: "CONN-3", Run: func(s *session.Session) { s.Inconclusive("no right") }},
		{Clause: "CONN-4", Run: func(s *session.Session) { s.Expect(1).To(gomega.Equal(2)) }},
	})
	want := map[string]report.Outcome{"CONN-1": report.Error, "CONN-2": report.Error, "CONN-3": report.Inconclusive, "CONN-4": report.Fail}
	for id, outcome := range want {
		if got := outcomes(run)[id]; got != outcome {
			t.Errorf("%s: %s, want %s (%s)", id, got, outcome, reason(run, id))
		}
	}
	if run.Verdict.Exit != report.ExitUndecided {
		t.Errorf("exit %d; an error outranks a failure", run.Verdict.Exit)
	}
}

// TestTheFirstFailureCounts: what other goroutines suffer from it is noise.
func TestTheFirstFailureCounts(t *testing.T) {
	fail := func(s *session.Session, which string) { s.Failf(session.Wrong, which, "", "", "") }
	run, _ := judged(t, tiny.Target(t, "good"), []session.Check{
		{Clause: "CONN-1", Run: func(s *session.Session) {
			s.Go(func() { fail(s, "the first") })
			func() {
				defer func() { _ = recover() }()
				s.Join() // until the first is known
			}()
			fail(s, "the second")
		}},
		{Clause: "CONN-2", Run: func(s *session.Session) {
			s.Go(func() {
				<-s.Context().Done() // which the first brings about
				fail(s, "the second")
			})
			fail(s, "the first")
		}},
	})
	for id, outcome := range outcomes(run) {
		if outcome != report.Fail || reason(run, id) != "the first" {
			t.Errorf("%s: %s %q", id, outcome, reason(run, id))
		}
	}
}

func TestGates(t *testing.T) {
	every := spec.Clauses()
	var checks []session.Check
	for _, clause := range every {
		checks = append(checks, session.Check{Clause: clause.ID, Run: func(*session.Session) {}})
	}
	run, err := judged(t, tiny.Target(t, "good"), checks)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Results) != len(every) {
		t.Errorf("%d results for %d clauses", len(run.Results), len(every))
	}
	for _, result := range run.Results {
		clause, _ := spec.Lookup(result.Clause)
		lacks := false
		for _, feature := range clause.Needs {
			lacks = lacks || feature != "where" && feature != "stats"
		}
		if (lacks || !clause.Binds(spec.ThreadPerConnection)) && result.Outcome == report.Pass {
			t.Errorf("%s passed on a target that it does not bind", clause.ID)
		}
		if result.Outcome != report.Pass && result.Reason == "" {
			t.Errorf("%s is %s without a reason", clause.ID, result.Outcome)
		}
	}
}

func TestATargetThatAlwaysSaysYesIsNotBelieved(t *testing.T) {
	var needs string
	for _, clause := range spec.Clauses() {
		if len(clause.Needs) == 1 && clause.Needs[0] == "where" && clause.Binds(spec.ThreadPerConnection) {
			needs = clause.ID
		}
	}
	if needs == "" {
		t.Skip("no clause needs only where")
	}
	run, _ := judged(t, tiny.Target(t, "yes-man"), []session.Check{{Clause: needs, Run: func(*session.Session) {}}, {Clause: "CONN-1", Run: exchange}})
	if got := outcomes(run); got[needs] != report.Untested || got["CONN-1"] != report.Pass {
		t.Errorf("outcomes %v: %s", got, reason(run, needs))
	}
}

func TestAttachedTargets(t *testing.T) {
	on := tiny.Target(t, "good")
	instance, err := on.Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Stop()
	attached := target.Target{File: target.File{Name: "attached", Dialect: "probe", Class: "thread-per-connection"}, Addr: "tcp://" + instance.Addr().String()}
	run, err := judged(t, attached, []session.Check{
		{Clause: "CONN-1", Run: exchange},
		{Clause: "CONN-2", Study: true, Run: exchange},
		{Clause: "CONN-3", Own: true, Run: exchange},
		{Clause: "CONN-4", Run: func(s *session.Session) { s.Tree() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]report.Outcome{"CONN-1": report.Pass, "CONN-2": report.Pass, "CONN-3": report.Untested, "CONN-4": report.Untested}
	for id, outcome := range want {
		if got := outcomes(run)[id]; got != outcome {
			t.Errorf("%s: %s, want %s (%s)", id, got, outcome, reason(run, id))
		}
	}
	if err := instance.Alive(); err != nil {
		t.Errorf("the attached server was ended: %v", err)
	}
}

func TestCancellationEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Clauses: []string{"CONN-1", "CONN-2", "CONN-3"}, Budget: &brisk, Checks: []session.Check{
		{Clause: "CONN-1", Run: exchange},
		{Clause: "CONN-2", Run: func(s *session.Session) { cancel(); s.Open().Patience(time.Hour).Read(1) }},
		{Clause: "CONN-3", Run: exchange},
	}}
	run, _ := all(ctx, tiny.Target(t, "good"), o)
	got := outcomes(run)
	if got["CONN-1"] != report.Pass || got["CONN-2"] != report.Untested || got["CONN-3"] != report.Untested {
		t.Errorf("outcomes %v", got)
	}
	if run.Problem == nil || run.Problem.Kind != report.Interrupted || run.Verdict.Exit != report.ExitUndecided {
		t.Errorf("problem %+v, exit %d", run.Problem, run.Verdict.Exit)
	}
}

func TestUsage(t *testing.T) {
	good := tiny.Target(t, "good")
	for name, c := range map[string]struct {
		on target.Target
		o  Options
	}{
		"clause":  {good, Options{Clauses: []string{"CONN-999"}}},
		"family":  {good, Options{Families: []string{"CON"}}},
		"level":   {good, Options{Levels: []spec.Level{"MAY"}}},
		"nothing": {good, Options{Clauses: []string{"CONN-1"}, Families: []string{"ACC"}}},
		"dialect": {target.Target{File: target.File{Dialect: "semaphore"}, Addr: "tcp://127.0.0.1:1"}, Options{}},
		"class":   {target.Target{File: target.File{Dialect: "echo", Class: "fast"}, Addr: "tcp://127.0.0.1:1"}, Options{}},
		"feature": {target.Target{File: target.File{Dialect: "echo", Features: []spec.Feature{"posts"}}, Addr: "tcp://127.0.0.1:1"}, Options{}},
		"address": {target.Target{File: target.File{Dialect: "echo"}, Addr: "127.0.0.1:1"}, Options{}},
		"target":  {target.Target{File: target.File{Dialect: "echo"}}, Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			run, err := all(t.Context(), c.on, c.o)
			if !errors.As(err, new(*UsageError)) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v", err)
			}
			if run.Verdict.Exit != report.ExitUsage {
				t.Errorf("exit %d", run.Verdict.Exit)
			}
		})
	}
}

func TestOrdinaryChecksTakeTurns(t *testing.T) {
	var inside, most, studies, mostStudies atomic.Int32
	enter := func(n, greatest *atomic.Int32) func(s *session.Session) {
		return func(s *session.Session) {
			now := n.Add(1)
			for seen := greatest.Load(); now > seen && !greatest.CompareAndSwap(seen, now); seen = greatest.Load() {
			}
			s.Pause(30 * time.Millisecond)
			n.Add(-1)
		}
	}
	run, err := judged(t, tiny.Target(t, "good"), []session.Check{
		{Clause: "CONN-1", Run: enter(&inside, &most)}, {Clause: "CONN-2", Run: enter(&inside, &most)}, {Clause: "CONN-3", Run: enter(&inside, &most)},
		{Clause: "ACC-1", Study: true, Run: enter(&studies, &mostStudies)}, {Clause: "ACC-2", Study: true, Run: enter(&studies, &mostStudies)},
		{Clause: "ACC-3", Study: true, Run: enter(&studies, &mostStudies)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if most.Load() != 1 || mostStudies.Load() > studiesAtOnce {
		t.Errorf("%d ordinary checks and %d studies at once; %v", most.Load(), mostStudies.Load(), outcomes(run))
	}
}

func TestExpectedFailures(t *testing.T) {
	on := tiny.Target(t, "garbles")
	on.File.Expected = []target.Expected{
		{Clause: "CONN-1", Reason: "it garbles", Frequency: target.Always},
		{Clause: "CONN-2", Reason: "it was mended", Frequency: target.Always},
		{Clause: "CONN-3", Reason: "now and then", Frequency: target.Sometimes},
	}
	pass := func(*session.Session) {}
	run, err := judged(t, on, []session.Check{{Clause: "CONN-1", Run: exchange}, {Clause: "CONN-2", Run: pass}, {Clause: "CONN-3", Run: pass}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]report.Outcome{"CONN-1": report.ExpectedFail, "CONN-2": report.UnexpectedPass, "CONN-3": report.Pass}
	for id, outcome := range want {
		if got := outcomes(run)[id]; got != outcome {
			t.Errorf("%s: %s, want %s", id, got, outcome)
		}
	}
}
