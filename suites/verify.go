package suites

import (
	"context"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Verify judges a target in a Go test, each clause in a subtest named by its
// ID, so that -run 'TestMine/^CONN-1$' judges one. A broken MUST fails its
// subtest with the evidence, a broken SHOULD is logged, a clause that cannot be
// judged is skipped with the reason; a MUST that stays inconclusive fails,
// since nobody could say that it is kept. Long waits run as parallel subtests
// once the others are through. What the target neither promised nor was released
// from is skipped, looked at when all else is judged, and told by the test itself:
// advice fails nothing. With REACTORSPEC_REPORT=dir in the environment the
// reports of the run are written to that directory, each named by the test.
func Verify(t *testing.T, judged target.Target, opts ...Option) {
	t.Helper()
	r, err := judging.OnTarget(context.WithoutCancel(t.Context()), judged, rerunIn(t, optionsOf(opts)))
	if err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	verifyEach(t, r)
}

// verifyEach judges each clause of a run in a subtest of its own.
func verifyEach(t *testing.T, r *judging.Run) {
	t.Helper()
	var unbound []string // that a subtest asked for
	t.Cleanup(func() { finishTest(t, r, unbound) })
	first, beside, last := r.Serially()
	for _, id := range first {
		t.Run(id, func(t *testing.T) { tell(t, r.Judge(id)) })
	}
	for _, id := range beside {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			tell(t, r.Judge(id))
		})
	}
	for _, id := range last {
		t.Run(id, func(t *testing.T) {
			if !r.Unbound(id) {
				tell(t, r.Judge(id))
				return
			}
			unbound = append(unbound, id)
			t.Skip("not promised: it is looked at after all else is judged, and the enclosing test says what was found")
		})
	}
}

// VerifyLoop judges event loops in a Go test. Each clause that a loop can be
// judged by in-process is a subtest named by its ID, as Verify has them; then
// the models of package inproc, drawn by rapid, are subtests of "model"; where clauses are
// selected, those of the families that are selected too. A loop is used up by
// its Run, so newLoop makes another for every check. Every loop that is made is run.
func VerifyLoop(t *testing.T, newLoop func() (contract.Loop, error), opts ...Option) {
	t.Helper()
	verifyLoops(t, newLoop, optionsOf(opts))
}

func verifyLoops(t *testing.T, newLoop func() (contract.Loop, error), o judging.Options) {
	t.Helper()
	r, err := judging.OnLoops(context.WithoutCancel(t.Context()), newLoop, rerunIn(t, o))
	if err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	verifyEach(t, r.Run)
	if len(r.Models) == 0 {
		return
	}
	t.Run("model", func(t *testing.T) {
		for _, model := range r.Models {
			t.Run(model.Name, rapid.MakeCheck(func(t *rapid.T) { model.Run(t, r.Vantage.New) }))
		}
	})
}

// VerifyServer judges a Go server in its own test: it is started on loopback in
// this process and judged as Verify judges a server that runs already, by the
// clauses that can be seen from the wire, with subtests named by their IDs; those that
// can be judged by the contract's own methods join them. A server that meets
// contract.Looper is judged by its loops too: the subtest "loop" is VerifyLoop on
// what its NewLoop makes. newServer makes a server that was not started.
//
// The dialect is probe unless As says another. Options speak of both halves: a
// clause that both judge is selected in both, and one that is expected to fail in one
// half only fails sometimes.
func VerifyServer(t *testing.T, newServer func() (contract.Server, error), opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	s, err := judging.OnServer(context.WithoutCancel(t.Context()), newServer, rerunIn(t, o))
	if err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("reactorspec: %v", err)
		}
	})
	verifyEach(t, s.Run)
	if half, some := s.ForLoops(o); some {
		t.Run("loop", func(t *testing.T) { verifyLoops(t, s.NewLoop, half) })
	}
}

// finishTest looks at what does not bind the target, which unbound names, stops it,
// writes the reports and says the verdict, with what it rests on beyond the clauses
// and why nothing could be judged.
func finishTest(t *testing.T, r *judging.Run, unbound []string) {
	r.Advise(unbound)
	run := r.Finish()
	if len(run.Results) == 0 {
		return // -run left nothing
	}
	writeReports(t, &run)
	for _, result := range run.Results {
		if result.Outcome == report.Advice {
			tell(t, result)
		}
	}
	if run.Verdict.Exit == report.ExitConformant {
		t.Logf("reactorspec: %s", run.Verdict.Sentence)
		return
	}
	if run.Target.Stderr != "" && run.Problem != nil {
		t.Logf("the target printed:\n%s", report.CleanLines(run.Target.Stderr))
	}
	// An error, which is shown without -v too.
	t.Errorf("reactorspec: %s\n%s", run.Verdict.Sentence, strings.Join(run.Verdict.Reasons, "\n"))
}

// tell turns a result into what a test says.
func tell(t *testing.T, result report.Result) {
	t.Helper()
	switch saying, text := Say(result); saying {
	case Quiet:
	case Log:
		t.Log(text)
	case Skip:
		t.Skip(text)
	default:
		t.Error(text)
	}
}
