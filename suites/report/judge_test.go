package report

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

// result is a result of a clause, of one the spec knows or of one that is core nowhere, such as X-1.
func result(clause string, outcome Outcome) Result {
	known, _ := spec.Lookup(clause)
	r := NewResult(known)
	r.Clause, r.Outcome, r.Reason = clause, outcome, "because"
	if r.Level == "" {
		r.Level = spec.Must
	}
	return r
}

func should(clause string, outcome Outcome) Result {
	r := result(clause, outcome)
	r.Level = spec.Should
	return r
}

func TestJudge(t *testing.T) {
	known := Expected{Clause: "CONN-1", Reason: "upstream 12", Frequency: Always}
	sometimes := Expected{Clause: "CONN-1", Reason: "upstream 12", Frequency: Sometimes}
	many := func(n int, r Result) (results []Result) {
		for range n {
			results = append(results, r)
		}
		return results
	}
	tests := []struct {
		name     string
		results  []Result
		expected []Expected
		selected []string
		problem  *Problem
		word     Word
		exit     int
		reason   string
	}{
		{name: "all kept", results: []Result{result("CONN-1", Pass), result("CONN-2", Pass)}, word: Conformant},
		{name: "a SHOULD is broken", results: []Result{result("CONN-1", Pass), should("CONN-17", Warn)}, word: Conformant, reason: "CONN-17 warn: because"},
		{name: "a MUST is broken", results: []Result{result("CONN-1", Pass), result("CONN-2", Fail)}, word: NotConformant, exit: 1, reason: "CONN-2 fail: because"},
		{name: "skips are no failures", results: []Result{result("CONN-1", Pass), result("X-2", Unsupported), result("X-3", Untested)}, word: Conformant},
		{name: "only skips", results: []Result{result("X-2", Unsupported), result("X-3", Untested)}, word: Undecided, exit: 3, reason: "none of the selected clauses"},
		{name: "nothing selected", word: Misused, exit: 2, reason: "no clause is selected"},
		{name: "a MUST is inconclusive", results: []Result{result("CONN-1", Pass), result("CONN-2", Inconclusive)}, word: Undecided, exit: 3, reason: "CONN-2 inconclusive"},
		{name: "one SHOULD is inconclusive", results: []Result{result("CONN-1", Pass), should("CONN-17", Inconclusive)}, word: Conformant},
		{name: "two SHOULDs of few are inconclusive", results: append(many(2, should("CONN-17", Inconclusive)), result("CONN-1", Pass)), word: Undecided, exit: 3, reason: "2 SHOULD clauses are inconclusive; 1 may be"},
		{name: "two SHOULDs of a hundred are inconclusive", results: append(many(2, should("CONN-17", Inconclusive)), many(100, result("CONN-1", Pass))...), word: Conformant},
		{name: "fail over inconclusive", results: []Result{result("CONN-1", Fail), result("CONN-2", Inconclusive)}, word: NotConformant, exit: 1, reason: "CONN-1"},
		{name: "error over fail", results: []Result{result("CONN-1", Fail), result("CONN-2", Error)}, word: Broken, exit: 3, reason: "CONN-2 error"},
		{name: "unknown outcome", results: []Result{result("CONN-1", Pass), result("CONN-2", "great")}, word: Broken, exit: 3, reason: `no known outcome but "great"`},
		{name: "no outcome", results: []Result{result("CONN-1", Pass), result("CONN-2", "")}, word: Broken, exit: 3},

		{name: "expected failure", results: []Result{result("CONN-1", Fail), result("CONN-2", Pass)}, expected: []Expected{known}, word: AsExpected},
		{name: "expected warning", results: []Result{should("CONN-1", Warn)}, expected: []Expected{known}, word: AsExpected},
		{name: "expected failure is gone", results: []Result{result("CONN-1", Pass)}, expected: []Expected{known}, word: NotConformant, exit: 1, reason: "CONN-1 unexpected-pass"},
		{name: "occasional failure shows", results: []Result{result("CONN-1", Fail)}, expected: []Expected{sometimes}, word: AsExpected},
		{name: "occasional failure does not show", results: []Result{result("CONN-1", Pass)}, expected: []Expected{sometimes}, word: Conformant},
		{name: "expectation says nothing of another clause", results: []Result{result("CONN-1", Fail), result("CONN-2", Fail)}, expected: []Expected{known}, word: NotConformant, exit: 1, reason: "CONN-2 fail"},
		{name: "expectation does not excuse an error", results: []Result{result("CONN-1", Error)}, expected: []Expected{known}, word: Broken, exit: 3},
		{name: "expectation does not decide", results: []Result{result("CONN-1", Inconclusive)}, expected: []Expected{known}, word: Undecided, exit: 3},
		{name: "expectation matches nothing", results: []Result{result("CONN-2", Pass)}, expected: []Expected{known}, word: NotConformant, exit: 1, reason: "CONN-1 is listed as an expected failure but is no clause of this run"},
		{name: "expectation of an unselected clause", results: []Result{result("CONN-2", Pass)}, expected: []Expected{known}, selected: []string{"CONN-2"}, word: Conformant},
		{name: "expectation of a clause that does not bind", results: []Result{result("CONN-1", Unsupported), result("CONN-2", Pass)}, expected: []Expected{known}, word: NotConformant, exit: 1, reason: "CONN-1"},
		{name: "expectation of a clause nobody saw", results: []Result{result("CONN-1", Untested), result("CONN-2", Pass)}, expected: []Expected{known}, word: Conformant},

		{name: "bad flag", problem: &Problem{Usage, "no such clause WAKE-99"}, word: Misused, exit: 2, reason: "no such clause"},
		{name: "usage over everything", results: []Result{result("CONN-1", Error)}, problem: &Problem{Usage, "x"}, word: Misused, exit: 2},
		{name: "never ready", problem: &Problem{Start, "nobody listens after 10 s"}, word: NotConformant, exit: 1, reason: "nobody listens"},
		{name: "harness broke", problem: &Problem{Harness, "cannot read /proc"}, results: []Result{result("CONN-1", Fail)}, word: Broken, exit: 3, reason: "cannot read /proc"},
		{name: "interrupted", problem: &Problem{Interrupted, "SIGINT"}, results: []Result{result("CONN-1", Pass)}, expected: []Expected{{Clause: "CONN-2"}}, word: Broken, exit: 3, reason: "SIGINT"},
		{name: "error over a start that failed", problem: &Problem{Start, "died"}, results: []Result{result("CONN-1", Error)}, word: Broken, exit: 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			run := &Run{
				Target: Target{Name: "x", Dialect: "echo", Expected: test.expected}, Vantages: []spec.Vantage{spec.Wire},
				Results: test.results, Selected: test.selected, Problem: test.problem,
			}
			verdict := Judge(run)
			if verdict.Word != test.word || verdict.Exit != test.exit {
				t.Errorf("%s, exit %d, because %q; want %s, exit %d", verdict.Word, verdict.Exit, verdict.Reasons, test.word, test.exit)
			}
			if !strings.Contains(strings.Join(verdict.Reasons, "\n"), test.reason) {
				t.Errorf("reasons %q lack %q", verdict.Reasons, test.reason)
			}
			if verdict.Exit != 0 && len(verdict.Reasons) == 0 {
				t.Error("no reason is given")
			}
			if again := Judge(run); again.Sentence != verdict.Sentence || again.Exit != verdict.Exit {
				t.Errorf("judged again it is %q", again.Sentence)
			}
		})
	}
}

func TestJudgeCore(t *testing.T) {
	core := spec.Core(spec.Reactor)
	probe, _ := spec.LookupDialect("probe")
	echo, _ := spec.LookupDialect("echo")
	if len(core) == 0 {
		t.Fatal("the class reactor has no core set")
	}
	for _, id := range core {
		run := &Run{Target: Target{Dialect: "probe", Class: spec.Reactor}, Results: []Result{result("X-1", Pass), result(id, Unsupported)}}
		if verdict := Judge(run); probe.Promises[id] == "" || verdict.Word != NotConformant || !strings.Contains(verdict.Reasons[0], id+" unsupported, but it is core for the class reactor") {
			t.Errorf("%s unsupported: %s, %q", id, verdict.Word, verdict.Reasons)
		}
		run.Target.Dialect = "echo"
		want := Conformant
		if echo.Promises[id] != "" {
			want = NotConformant
		}
		if verdict := Judge(run); verdict.Word != want {
			t.Errorf("%s unsupported over echo: %s, want %s", id, verdict.Word, want)
		}
	}
}

func TestSentence(t *testing.T) {
	run := &Run{
		Target:   Target{Name: "srv\x1b[31m", Dialect: "probe", Class: spec.Reactor, Features: []spec.Feature{"post", "timer"}},
		Vantages: []spec.Vantage{spec.Wire, spec.Process},
		Results:  []Result{result("CONN-1", Pass), result("CONN-2", Fail), should("CONN-17", Warn), result("X-1", Untested)},
	}
	want := `srv\x1b[31m: not conformant; class reactor, vantages wire, process, features post, timer; 3 of 4 clauses judged: 1 fail, 1 warn, 1 pass, 1 untested`
	if verdict := Judge(run); verdict.Sentence != want || run.Verdict.Sentence != want || verdict.Judged != 3 || verdict.Total != 4 {
		t.Errorf("got  %s\nwant %s", verdict.Sentence, want)
	}
	run.Target.Class, run.Vantages, run.Target.Features = "", nil, nil
	run.Selected = []string{"CONN-1", "CONN-2", "CONN-17", "X-1"}
	if verdict := Judge(run); !strings.Contains(verdict.Sentence, "3 of 4 selected clauses judged") {
		t.Error(verdict.Sentence)
	}
	if verdict := Judge(run); !strings.Contains(verdict.Sentence, "class undeclared, vantages none, features none") {
		t.Error(verdict.Sentence)
	}
}

// Whatever judges knows every outcome that the views know, and the views show
// each in a way of its own without colour.
func TestOutcomesAreComplete(t *testing.T) {
	symbols := make(map[string]Outcome)
	for _, look := range looks {
		verdict := Judge(&Run{Results: []Result{result("CONN-1", look.Outcome)}})
		if verdict.Word == Broken && look.Outcome != Error {
			t.Errorf("outcome %s is unknown to Judge: %v", look.Outcome, verdict.Reasons)
		}
		if other, taken := symbols[look.Symbol]; taken {
			t.Errorf("%s and %s look alike", look.Outcome, other)
		}
		symbols[look.Symbol] = look.Outcome
		if look.Short == "" || look.Class == "" || look.Heading == "" || look.About == "" {
			t.Errorf("%s lacks a word: %+v", look.Outcome, look)
		}
		if look.Apart && (look.Broken || look.Shown) {
			t.Errorf("%s is folded away and told", look.Outcome)
		}
	}
	for _, outcome := range []Outcome{Pass, Fail, Warn, Advice, Unsupported, ExpectedFail, UnexpectedPass, Inconclusive, Untested, Error} {
		if lookOf(outcome).Outcome != outcome || len(symbols) != len(looks) {
			t.Errorf("%s has no look", outcome)
		}
	}
}

// TestAdviceIsNoPartOfTheVerdict: with it or without it a run comes to the same word,
// exit and number of judged clauses, and an entry for what does not bind is stale.
func TestAdviceIsNoPartOfTheVerdict(t *testing.T) {
	for _, kept := range []Outcome{Pass, Warn, Fail, Inconclusive, Error} {
		without := Judge(&Run{Results: []Result{result("CONN-1", kept)}})
		run := &Run{Results: []Result{result("CONN-1", kept), result("RES-4", Advice)}}
		with := Judge(run)
		if with.Word != without.Word || with.Exit != without.Exit || with.Judged != without.Judged || len(with.Reasons) != len(without.Reasons) {
			t.Errorf("beside %s, advice makes %s (exit %d, %d judged, %q) of %s", kept, with.Word, with.Exit, with.Judged, with.Reasons, without.Word)
		}
		if with.Counts[Advice] != 1 || !strings.Contains(with.Sentence, "1 advice") {
			t.Errorf("the verdict does not name it: %s", with.Sentence)
		}
	}
	if alone := Judge(&Run{Results: []Result{result("RES-4", Advice)}}); alone.Word != Undecided {
		t.Errorf("advice alone is %s", alone.Word)
	}
	listed := &Run{Target: Target{Expected: []Expected{{Clause: "RES-4", Reason: "known", Frequency: Always}}}, Results: []Result{result("CONN-1", Pass), result("RES-4", Advice)}}
	if verdict := Judge(listed); verdict.Word != NotConformant || !strings.Contains(strings.Join(verdict.Reasons, ""), "does not bind this target") || listed.Results[1].Outcome != Advice {
		t.Errorf("listed advice makes %s, %q", verdict.Word, verdict.Reasons)
	}
}

// TestAdviceIsTold: each view has it with its evidence, and none calls it a failure.
func TestAdviceIsTold(t *testing.T) {
	advice := result("RES-4", Advice)
	advice.Reason, advice.Evidence = "an idle connection costs 512 KiB of memory", &Evidence{Want: "at most 128 KiB", Got: "a lot"}
	run := &Run{Target: Target{Name: "server"}, Results: []Result{result("CONN-1", Pass), advice}}
	Judge(run)
	views := map[string]func(io.Writer) error{
		"console": func(w io.Writer) error {
			p := NewPrinter(w, 2, false, "")
			for _, r := range run.Results {
				p.Done(r)
			}
			return p.Finish(run)
		},
		"JSON":     func(w io.Writer) error { return WriteJSON(w, run) },
		"JUnit":    func(w io.Writer) error { return WriteJUnit(w, run) },
		"Markdown": func(w io.Writer) error { return WriteMarkdown(w, &Matrix{Runs: []*Run{run}}) },
		"HTML":     func(w io.Writer) error { return WriteHTML(w, run) },
	}
	for name, view := range views {
		var b strings.Builder
		if err := view(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		for _, want := range []string{"advice", "512 KiB", "at most 128 KiB"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "<failure") || strings.Contains(text, "<skipped") {
			t.Errorf("%s calls it a failure:\n%s", name, text)
		}
		if line := "advice, no part of the verdict, as nobody promised it: RES-4"; (name == "console" || name == "Markdown") && !strings.Contains(strings.ToLower(text), line[:40]) {
			t.Errorf("%s has no line of it in the summary:\n%s", name, text)
		}
	}
}

// A pass that is listed as a failure that comes sometimes stays a pass, and is noted where
// passes are listed.
func TestAPassThatIsExpectedToFailSometimes(t *testing.T) {
	for frequency, lucky := range map[Frequency]bool{Sometimes: true, Always: false} {
		run := &Run{Target: Target{Name: "x", Expected: []Expected{{Clause: "CONN-1", Reason: "a race", Frequency: frequency}}}, Results: []Result{result("CONN-1", Pass), result("CONN-2", Pass)}}
		verdict := Judge(run)
		Judge(run) // again changes nothing
		if (verdict.Word == Conformant) != lucky || (Lucky(run) == "expected to fail sometimes, passed this time: CONN-1") != lucky {
			t.Errorf("%s: %s, %q", frequency, verdict.Word, Lucky(run))
		}
		if noted := strings.Contains(Line(run.Results[0]), "expected to fail sometimes, passed this time: "); noted != lucky || strings.Contains(Line(run.Results[1]), "sometimes") {
			t.Errorf("%s: %s", frequency, Line(run.Results[0]))
		}
		var page bytes.Buffer
		if err := WriteHTML(&page, run); err != nil || strings.Contains(page.String(), "passed this time:</b> a race") != lucky {
			t.Errorf("%s: %v, the page does not say it, or should not", frequency, err)
		}
	}
}
