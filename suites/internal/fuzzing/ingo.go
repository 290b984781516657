package fuzzing

import (
	"context"
	"flag"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/inproc"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// shrinkInGo bounds the making shorter of one failing input in a test.
const shrinkInGo = 5 * time.Second

// lasting is the server of a process that calls its target anew for each input, as
// libFuzzer does for OSS-Fuzz and ClusterFuzzLite: one is for all of them, since nothing
// says when the last input was played. nil below `go test`.
var lasting *worker

// Server has Go's own fuzzing draw transcripts, as bytes, and plays them on a server of this
// process: its coverage is the weight, and the model of package play the judge.
func Server(f *testing.F, newServer func() (contract.Server, error), o judging.Options) {
	f.Helper()
	w := lasting
	if w == nil {
		w = greeted(f, newServer, o)
		if !testing.Testing() {
			lasting = w
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		drawn := transcript.Transcript{Seed: 1, Steps: w.shape.FromBytes(b)}
		if len(drawn.Steps) == 0 {
			t.Skip("no step is in it")
		}
		drawn.Clause = w.clause(drawn)
		w.inTest(t, drawn)
	})
}

// greeted starts a server, which ends with f, has the first words with it, and gives f
// the transcripts to begin with.
func greeted(f *testing.F, newServer func() (contract.Server, error), o judging.Options) *worker {
	f.Helper()
	s, err := judging.OnServer(context.Background(), newServer, o)
	if err != nil {
		f.Fatalf("reactorspec: %v", err)
	}
	field := s.Field()
	if testing.Testing() {
		f.Cleanup(func() {
			field.Finish(nil)
			if err := s.Stop(); err != nil {
				f.Errorf("reactorspec: %v", err)
			}
		})
	}
	if err := field.Begin(); err != nil {
		f.Fatalf("reactorspec: %v", err)
	}
	all := &fuzzer{Options: Options{Jobs: 1, Judging: o, Progress: func(Progress) {}}, known: map[string]*Finding{}, skipped: map[string]int{}, began: time.Now()}
	all.shape, all.clause = all.forTarget(field)
	for _, clause := range []string{"CONN-22", "PROBE-13"} {
		_, kept := play.Corpus(clause)
		for _, t := range kept {
			if steps := all.shape.Within(t.Steps); len(steps) > 0 {
				f.Add(play.ToBytes(steps))
			}
		}
	}
	return all.worker(field, 0)
}

// inTest plays a transcript, and fails the test with its shortest form that fails.
func (w *worker) inTest(t *testing.T, drawn transcript.Transcript) {
	t.Helper()
	a, err := w.play(context.Background(), drawn)
	switch {
	case err != nil:
		t.Fatalf("reactorspec: %v", err)
	case a.skip != "":
		t.Skip(a.skip)
	case a.breach == nil:
		return
	}
	note := "as it was drawn"
	if !fuzzed() { // a worker of the fuzzer has its input made shorter by that
		until := time.Now().Add(shrinkInGo)
		w.field.Await = shrinkAwait
		forms := play.Shorten(drawn, min(max(a.Steps, 1), len(drawn.Steps)), func(candidate transcript.Transcript) bool {
			again, ok := w.once(context.Background(), candidate, a.breach.kind)
			return ok && again.breach != nil
		}, func() bool { return time.Now().Before(until) })
		w.field.Await = 0
		for n := 0; n < tries && len(forms) > 0; n++ {
			if again, ok := w.once(context.Background(), forms[len(forms)-1], a.breach.kind); ok && again.breach != nil {
				drawn, a, note = forms[len(forms)-1], again, "made shorter"
				break
			}
			forms = forms[:len(forms)*3/4]
		}
	}
	e := &report.Evidence{}
	if a.Trial.Failure != nil {
		e.Want, e.Got = a.Trial.Failure.Want, a.Trial.Failure.Got
	}
	t.Fatalf("reactorspec: %s: %s\n  want %s\n  got  %s\nthe transcript, %s, which `reactorspec replay` plays:\n%s",
		a.breach.clause, report.Clean(a.breach.reason), report.Clean(e.Want), report.Clean(e.Got), note, drawn.Append(nil))
}

// fuzzed reports whether this process is a worker of Go's fuzzer.
func fuzzed() bool {
	worker := flag.Lookup("test.fuzzworker")
	return worker != nil && worker.Value.String() == "true"
}

// Loop has Go's own fuzzing draw what the models of package inproc do to loops.
func Loop(f *testing.F, newLoop inproc.Factory, o judging.Options) {
	f.Helper()
	r, err := judging.OnLoops(context.Background(), newLoop, o)
	if err != nil {
		f.Fatalf("reactorspec: %v", err)
	}
	if len(r.Models) == 0 {
		f.Fatal("reactorspec: the selected families have no model: leave the selection out")
	}
	for i := range r.Models {
		f.Add(append([]byte{byte(i)}, make([]byte, 4<<10)...)) // the least of every draw
	}
	models := make([]func(*testing.T, []byte), len(r.Models))
	for i, model := range r.Models {
		models[i] = rapid.MakeFuzz(func(t *rapid.T) { model.Run(t, r.Vantage.New) })
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			t.Skip("no model is drawn")
		}
		models[int(b[0])%len(models)](t, b[1:])
	})
}
