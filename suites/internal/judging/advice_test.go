package judging

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// TestGateOfTheUnpromised: what is neither promised nor released runs for advice,
// and nothing else does.
func TestGateOfTheUnpromised(t *testing.T) {
	for name, c := range map[string]struct {
		clause   string
		dialect  string
		check    session.Check
		change   func(*facts)
		options  Options
		unbound  bool
		outcome  report.Outcome
		says     string
		wordless bool
	}{
		"neither":               {clause: "RES-4", dialect: "echo", unbound: true},
		"neither, --no-advice":  {clause: "RES-4", dialect: "echo", options: Options{NoAdvice: true}, outcome: report.Unsupported, says: "the echo dialect does not promise it"},
		"neither, --promise":    {clause: "RES-4", dialect: "echo", options: Options{Promise: []string{"RES-4"}}},
		"neither, of all":       {clause: "RES-4", dialect: "echo", options: Options{Promise: []string{"all"}}},
		"promised":              {clause: "CONN-1", dialect: "echo"},
		"released":              {clause: "CONN-3", dialect: "http", outcome: report.Unsupported, says: "released: RFC 9112 section 9.5"},
		"released, all":         {clause: "CONN-3", dialect: "http", options: Options{Promise: []string{"all"}}, outcome: report.Unsupported, says: "released: "},
		"released, --promise":   {clause: "CONN-3", dialect: "http", options: Options{Promise: []string{"CONN-3"}}},
		"released for most":     {clause: "CONN-16", dialect: "resp", outcome: report.Unsupported, says: "released: RFC 6093"},
		"promised all the same": {clause: "CONN-16", dialect: "echo"},
		"all, over echo":        {clause: "SIGN-1", dialect: "echo", options: Options{Promise: []string{"all"}}, outcome: report.Unsupported, says: "the words of the target contract", wordless: true},
		"a sign-on":             {clause: "SIGN-1", dialect: "echo", outcome: report.Unsupported, says: "does not promise it"},
		"the contract's words": {clause: "WAKE-3", dialect: "echo", change: func(k *facts) { k.info.Features = []spec.Feature{"post"} },
			outcome: report.Unsupported, says: "does not promise it"},
		"another class":         {clause: "RES-4", dialect: "echo", change: func(k *facts) { k.info.Class = spec.Iterative }, outcome: report.Unsupported, says: "does not promise it"},
		"no pid":                {clause: "RES-4", dialect: "echo", change: func(k *facts) { k.process = false }, outcome: report.Unsupported, says: "does not promise it"},
		"it runs already":       {clause: "RES-4", dialect: "echo", change: runsAlready, outcome: report.Unsupported, says: "does not promise it"},
		"it runs, --advice":     {clause: "RES-4", dialect: "echo", change: runsAlready, options: Options{Advice: true}, unbound: true},
		"it runs, and is own":   {clause: "ACC-9", dialect: "echo", check: session.Check{Own: true}, change: runsAlready, options: Options{Advice: true}, outcome: report.Unsupported, says: "does not promise it"},
		"no check, unpromised":  {clause: "RES-4", dialect: "echo", check: session.Check{Clause: "none"}, outcome: report.Untested, says: "no check is built"},
		"the contract promises": {clause: "RES-4", dialect: "probe"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := dialect.Lookup(c.dialect)
			if err != nil {
				t.Fatal(err)
			}
			known := facts{info: target.File{Dialect: c.dialect, Class: spec.Reactor, Promises: c.options.Promise}, dialect: d, process: true}
			if c.change != nil {
				c.change(&known)
			}
			said := gate(step{clause: clause(c.clause), check: c.check, built: c.check.Clause == ""}, known, &c.options)
			if said.outcome != c.outcome || said.unbound != c.unbound || said.wordless != c.wordless || !strings.Contains(said.reason, c.says) {
				t.Errorf("%+v; want %q: %s (unbound: %t, wordless: %t)", said, c.outcome, c.says, c.unbound, c.wordless)
			}
		})
	}
}

func runsAlready(k *facts) { k.attached = true }

// TestWhatOneLookComesTo: broken is advice, all else is nothing against the target.
func TestWhatOneLookComesTo(t *testing.T) {
	const took = time.Second
	broken := func(kind session.Kind, stalled time.Duration) trial {
		return trial{Attempt: session.Attempt{Took: took, Stalled: stalled, Slack: 1, Failure: &session.Failure{Kind: kind, Reason: "it broke"}}}
	}
	for name, c := range map[string]struct {
		tried trial
		level spec.Level
		want  report.Outcome
		says  string
		doubt string
	}{
		"wrong":         {tried: broken(session.Wrong, took), want: report.Advice, says: "it broke"},
		"wrong, SHOULD": {tried: broken(session.Wrong, 0), level: spec.Should, want: report.Advice, says: "it broke"},
		"late":          {tried: broken(session.Late, 0), want: report.Advice, says: "it broke"},
		"late, stalled": {tried: broken(session.Late, took/5), want: report.Unsupported, says: "looked at, not decided", doubt: "stalled for 200ms of 1s: it broke"},
		"kept":          {tried: trial{Attempt: session.Attempt{Took: took}}, want: report.Unsupported, says: "looked at, nothing found"},
		"not reached":   {tried: trial{Attempt: session.Attempt{Untested: "no room"}}, want: report.Unsupported, says: "looked at, not decided", doubt: "no room"},
		"no right":      {tried: trial{Attempt: session.Attempt{Inconclusive: "no right"}}, want: report.Unsupported, says: "looked at, not decided", doubt: "no right"},
		"our own bug":   {tried: trial{Attempt: session.Attempt{HarnessError: "a bug\nstack"}}, want: report.Unsupported, says: "looked at, not decided", doubt: "a bug"},
		"it ends thereby": {tried: trial{died: "the server exited with 2", Attempt: session.Attempt{Took: took, Stalled: took, Failure: &session.Failure{Kind: session.Late, Reason: "gone"}}},
			level: spec.Should, want: report.Advice, says: "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			concluded, again := conclude(spec.Clause{ID: "RES-4", Level: c.level}, false, []trial{c.tried})
			result, doubt := advised(concluded, c.tried, again)
			if result.Outcome != c.want || !strings.Contains(result.Reason, c.says) || !strings.Contains(doubt, c.doubt) || (c.doubt == "") != (doubt == "") {
				t.Errorf("%s: %s (%s); want %s: %s (%s)", result.Outcome, result.Reason, doubt, c.want, c.says, c.doubt)
			}
			if (result.Evidence != nil) != (c.want == report.Advice) {
				t.Errorf("evidence %+v", result.Evidence)
			}
		})
	}
}

// TestAdviceComesLast judges a server that keeps what binds it and nothing else: each
// check of what does not bind it begins when all else is over, on an instance that
// nobody else has, and the verdict, its counts and its exit know nothing of it.
func TestAdviceComesLast(t *testing.T) {
	var mu sync.Mutex
	var over []string
	ports := make(map[string][]string) // by address of the instance, who was there
	check := func(id string, broken bool) session.Check {
		return session.Check{Clause: id, Run: func(s *session.Session) {
			mu.Lock()
			over = append(over, id)
			at := s.Target.Addr().String()
			ports[at] = append(ports[at], id)
			mu.Unlock()
			if broken {
				s.Failf(session.Wrong, "it is broken", "whole", "broken", "")
			}
		}}
	}
	bound, unbound := []string{"CONN-1", "CONN-2", "LOOP-1", "RES-1"}, []string{"ACC-8", "RES-4", "RES-5", "ACC-9"}
	checks := []session.Check{check("RES-4", true), check("ACC-8", true), check("CONN-1", false), check("LOOP-1", false),
		check("RES-5", false), check("CONN-2", false), check("RES-1", false), check("ACC-9", false)}
	for i := range checks {
		checks[i].Study = strings.HasPrefix(checks[i].Clause, "RES") || checks[i].Clause == "LOOP-1"
		checks[i].Own = checks[i].Clause == "ACC-9"
		checks[i].Long = checks[i].Clause == "RES-4" // the long ones come first, but not before what binds
	}
	judged := tiny.Target(t, "plain")
	judged.File.Dialect, judged.File.Class = "echo", spec.Reactor
	options := Options{Clauses: slices.Concat(unbound, bound), Checks: checks, Budget: &brisk}
	run, err := all(t.Context(), judged, options)
	if err != nil {
		t.Fatal(err)
	}
	if len(over) != 8 || slices.ContainsFunc(over[:4], func(id string) bool { return !slices.Contains(bound, id) }) {
		t.Errorf("the order was %v, want %v first", over, bound)
	}
	for at, ids := range ports {
		if slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(unbound, id) }) && len(ids) > 1 {
			t.Errorf("%v shared the instance at %s", ids, at)
		}
	}
	want := map[string]report.Outcome{"ACC-8": report.Advice, "RES-4": report.Advice, "RES-5": report.Unsupported, "ACC-9": report.Unsupported}
	for id, outcome := range outcomes(run) {
		if outcome != want[id] && (want[id] != "" || outcome != report.Pass) {
			t.Errorf("%s is %s: %s", id, outcome, reason(run, id))
		}
	}
	v := run.Verdict
	if v.Word != report.Conformant || v.Exit != report.ExitConformant || v.Judged != 4 || v.Counts[report.Advice] != 2 || len(v.Reasons) != 0 || run.Problem != nil {
		t.Errorf("verdict %+v, problem %v", v, run.Problem)
	}

	options.Promise = []string{"RES-4"}
	if run, err = all(t.Context(), judged, options); err != nil {
		t.Fatal(err)
	}
	if v := run.Verdict; v.Word != report.NotConformant && outcomes(run)["RES-4"] != report.Warn {
		t.Errorf("with its promise, RES-4 is %s and the verdict %s", outcomes(run)["RES-4"], v.Word)
	}
	over, options.Promise, options.NoAdvice = nil, nil, true
	if run, err = all(t.Context(), judged, options); err != nil {
		t.Fatal(err)
	}
	if len(over) != 4 || run.Verdict.Counts[report.Advice] != 0 {
		t.Errorf("with NoAdvice, %v were judged", over)
	}
}

// TestTheEndOfAdviceIsNoProblem: a run whose time ends amid advice has judged all that
// binds.
func TestTheEndOfAdviceIsNoProblem(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	judged := tiny.Target(t, "plain")
	judged.File.Dialect, judged.File.Class = "echo", spec.Reactor
	run, err := all(ctx, judged, Options{Clauses: []string{"CONN-1", "RES-4"}, Budget: &brisk, Checks: []session.Check{
		{Clause: "CONN-1", Run: func(s *session.Session) {}},
		{Clause: "RES-4", Run: func(s *session.Session) {
			cancel()
			<-s.Context().Done()
			s.ServesFresh()
		}}}})
	if err != nil {
		t.Fatal(err)
	}
	if v := run.Verdict; v.Word != report.Conformant || v.Exit != report.ExitConformant || run.Problem != nil {
		t.Errorf("verdict %+v, problem %v", v, run.Problem)
	}
	if r := reason(run, "RES-4"); !strings.Contains(r, "not decided") || len(run.Notes) == 0 {
		t.Errorf("RES-4: %s; notes %q", r, run.Notes)
	}
}
