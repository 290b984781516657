package suites

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Verify judges a target in a Go test, each clause in a subtest named by its
// ID, so that -run 'TestMine/^CONN-1$' judges one. A broken MUST fails its
// subtest with the evidence, a broken SHOULD is logged, a clause that cannot be
// judged is skipped with the reason; a MUST that stays inconclusive fails,
// since nobody could say that it is kept. Long waits run as parallel subtests
// once the others are through.
func Verify(t *testing.T, judged target.Target, opts ...Option) {
	t.Helper()
	r, err := NewRunner(context.WithoutCancel(t.Context()), judged, optionsOf(opts).rerunIn(t))
	if err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	verifyEach(t, r)
}

// verifyEach judges each clause of a runner in a subtest of its own.
func verifyEach(t *testing.T, r *Runner) {
	t.Helper()
	t.Cleanup(func() { finishTest(t, r) })
	shared, own, long := r.split()
	for _, id := range append(shared, own...) {
		t.Run(id, func(t *testing.T) { tell(t, r.Judge(id)) })
	}
	for _, id := range long {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			tell(t, r.Judge(id))
		})
	}
}

// finishTest stops the target and adds what no single clause says: why nothing
// could be judged, and what the verdict rests on beyond the clauses.
func finishTest(t *testing.T, r *Runner) {
	run := r.Finish()
	if len(run.Results) == 0 {
		return // -run left nothing
	}
	if run.Problem != nil {
		t.Errorf("reactorspec: %s", run.Problem.Message)
		if run.Target.Stderr != "" {
			t.Logf("the target printed:\n%s", report.CleanLines(run.Target.Stderr))
		}
		return
	}
	t.Logf("reactorspec: %s", run.Verdict.Sentence)
	if run.Verdict.Exit != report.ExitConformant && !t.Failed() {
		t.Errorf("reactorspec: %s\n%s", run.Verdict.Word, strings.Join(run.Verdict.Reasons, "\n"))
	}
}

// tell turns a result into what a test says.
func tell(t *testing.T, result report.Result) {
	t.Helper()
	text := Explain(result)
	switch result.Outcome {
	case report.Pass:
	case report.Warn, report.ExpectedFail:
		t.Log(text)
	case report.Unsupported, report.Untested:
		t.Skip(text)
	case report.Inconclusive:
		if result.Level == "SHOULD" {
			t.Skip(text)
		}
		t.Error(text)
	default:
		t.Error(text)
	}
}

// Explain says a result in plain text, with its evidence if it has any.
func Explain(result report.Result) string { return report.Block(result) }

// seedVariable fixes the seed of every door of `go test`, whatever the options
// say, so that a rerun line works whether or not the test has a flag for it.
const seedVariable = "REACTORSPEC_SEED"

// rerunIn takes the seed from the environment, and words reruns as go test
// commands unless the options word them.
func (o Options) rerunIn(t *testing.T) Options {
	t.Helper()
	if text := os.Getenv(seedVariable); text != "" {
		seed, err := ParseSeed(text)
		if err != nil {
			t.Fatalf("reactorspec: %s: %v", seedVariable, err)
		}
		o.Seed = seed
	}
	if o.Rerun == nil {
		name := t.Name()
		o.Rerun = func(clause string, seed uint64) string { return rerunTest(name, clause, seed) }
	}
	return o
}

// rerunTest words the go test command that judges one clause again: as this
// test was built, and with the flags that it was given behind -args.
func rerunTest(name, clause string, seed uint64) string {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	parts := strings.Split(name+"/"+clause, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	words := []string{fmt.Sprintf("%s=%#x go test -C %s -count=1", seedVariable, seed, Quote(filepath.Clean(dir)))}
	if info, found := debug.ReadBuildInfo(); found {
		for _, setting := range info.Settings {
			if setting.Key == "-race" || setting.Key == "-tags" {
				words = append(words, Quote(setting.Key+"="+setting.Value))
			}
		}
	}
	var given []string
	flag.Visit(func(f *flag.Flag) {
		switch {
		case f.Name == "test.short":
			words = append(words, "-short="+f.Value.String())
		case !strings.HasPrefix(f.Name, "test."):
			given = append(given, Quote("-"+f.Name+"="+f.Value.String()))
		}
	})
	words = append(words, "-run", Quote(strings.Join(parts, "/")), ".")
	if len(given) > 0 {
		words = append(append(words, "-args"), given...)
	}
	return strings.Join(words, " ")
}
