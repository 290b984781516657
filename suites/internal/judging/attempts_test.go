package judging

import (
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
)

// TestWhichFailuresAreRepeated: only what rests on time, and only where the
// machine stalled; at last it is the target's if enough of the time was its own.
func TestWhichFailuresAreRepeated(t *testing.T) {
	const took = time.Second
	late := func(stalled time.Duration) trial {
		return trial{Attempt: session.Attempt{Took: took, Stalled: stalled, Slack: 1, Failure: &session.Failure{Kind: session.Late, Reason: "late"}}}
	}
	wrong := late(took)
	wrong.Failure = &session.Failure{Kind: session.Wrong, Reason: "wrong"}
	dead := late(took)
	dead.died = "the server exited with 2"
	kept := trial{Attempt: session.Attempt{Took: took}}
	deaf := func(stalled time.Duration) trial {
		silent := late(stalled)
		silent.Failure.Patience = deafFor
		return silent
	}
	const calm, stalled, hopeless = 0, took / 5, took * 3 / 5
	for name, c := range map[string]struct {
		trials []trial
		level  spec.Level
		want   report.Outcome
		tried  int
	}{
		"kept":                     {[]trial{kept}, spec.Must, report.Pass, 1},
		"wrong":                    {[]trial{wrong, kept}, spec.Must, report.Fail, 1},
		"wrong, SHOULD":            {[]trial{wrong, kept}, spec.Should, report.Warn, 1},
		"late, calm":               {[]trial{late(calm), kept}, spec.Must, report.Fail, 1},
		"deaf, then kept":          {[]trial{deaf(stalled), kept}, spec.Must, report.Fail, 1},
		"deaf, hopeless, kept":     {[]trial{deaf(hopeless), kept}, spec.Must, report.Pass, 2},
		"late, then kept":          {[]trial{late(stalled), kept}, spec.Must, report.Pass, 2},
		"late, hopeless, kept":     {[]trial{late(hopeless), late(hopeless), kept}, spec.Must, report.Pass, 3},
		"late, then wrong":         {[]trial{late(stalled), wrong, kept}, spec.Must, report.Fail, 2},
		"late, then late and calm": {[]trial{late(hopeless), late(calm)}, spec.Must, report.Fail, 2},
		"late thrice":              {[]trial{late(stalled), late(stalled), late(stalled)}, spec.Must, report.Fail, 3},
		"late thrice, one worth":   {[]trial{late(hopeless), late(stalled), late(hopeless)}, spec.Must, report.Fail, 3},
		"hopeless thrice":          {[]trial{late(hopeless), late(hopeless), late(hopeless)}, spec.Must, report.Inconclusive, 3},
		"hopeless thrice, SHOULD":  {[]trial{late(hopeless), late(hopeless), late(hopeless)}, spec.Should, report.Inconclusive, 3},
		"dead":                     {[]trial{dead, kept}, spec.Should, report.Fail, 1},
		"our bug":                  {[]trial{{Attempt: session.Attempt{HarnessError: "a bug\nstack"}}}, spec.Must, report.Error, 1},
		"undecided":                {[]trial{{Attempt: session.Attempt{Inconclusive: "no right"}}}, spec.Must, report.Inconclusive, 1},
		"no vantage":               {[]trial{{Attempt: session.Attempt{Untested: "no pid"}}}, spec.Must, report.Untested, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tried, again := 0, true
			var got report.Result
			for again {
				tried++
				got, again = conclude(spec.Clause{ID: "CONN-1", Level: c.level}, false, c.trials[:tried])
			}
			if got.Outcome != c.want || tried != c.tried {
				t.Errorf("%s after %d attempts (%s), want %s after %d", got.Outcome, tried, got.Reason, c.want, c.tried)
			}
			if got.Outcome != report.Pass && (got.Reason == "" || strings.Contains(got.Reason, "\n")) {
				t.Errorf("reason %q", got.Reason)
			}
		})
	}
}

// TestAnExpectedFailureIsNotRepeated: one late trial bears it out, unless the machine
// stalled for half of it.
func TestAnExpectedFailureIsNotRepeated(t *testing.T) {
	late := func(stalled time.Duration) trial {
		return trial{Attempt: session.Attempt{Took: time.Second, Stalled: stalled, Slack: 1, Failure: &session.Failure{Kind: session.Late, Reason: "late"}}}
	}
	clause := spec.Clause{ID: "CONN-1", Level: spec.Must}
	if got, again := conclude(clause, true, []trial{late(time.Second / 5)}); again || got.Outcome != report.Fail {
		t.Errorf("late on a machine that stalled a little: %s, again %t", got.Outcome, again)
	}
	if _, again := conclude(clause, true, []trial{late(time.Second / 2)}); !again {
		t.Error("late on a machine that stalled for half of the time: it is not tried again")
	}
}
