package suites

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
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
		"late, then kept":          {[]trial{late(stalled), kept}, spec.Must, report.Pass, 2},
		"late, hopeless, kept":     {[]trial{late(hopeless), late(hopeless), kept}, spec.Must, report.Pass, 3},
		"late, then wrong":         {[]trial{late(stalled), wrong, kept}, spec.Must, report.Fail, 2},
		"late, then late and calm": {[]trial{late(hopeless), late(calm)}, spec.Must, report.Fail, 2},
		"late thrice":              {[]trial{late(stalled), late(stalled), late(stalled)}, spec.Must, report.Fail, 3},
		"late thrice, one worth":   {[]trial{late(hopeless), late(stalled), late(hopeless)}, spec.Must, report.Fail, 3},
		"hopeless thrice":          {[]trial{late(hopeless), late(hopeless), late(hopeless)}, spec.Must, report.Inconclusive, 3},
		"hopeless thrice, SHOULD":  {[]trial{late(hopeless), late(hopeless), late(hopeless)}, spec.Should, report.Inconclusive, 3},
		"dead":                     {[]trial{dead, kept}, spec.Should, report.Fail, 1},
		"broken":                   {[]trial{{Attempt: session.Attempt{HarnessError: "a bug\nstack"}}}, spec.Must, report.Error, 1},
		"undecided":                {[]trial{{Attempt: session.Attempt{Inconclusive: "no right"}}}, spec.Must, report.Inconclusive, 1},
		"blind":                    {[]trial{{Attempt: session.Attempt{Untested: "no pid"}}}, spec.Must, report.Untested, 1},
		"cancelled":                {[]trial{{Attempt: session.Attempt{Cancelled: true}}}, spec.Must, report.Untested, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Runner{ctx: context.Background()}
			tried := 0
			got := r.repeat(spec.Clause{ID: "CONN-1"}, report.Result{Clause: "CONN-1", Level: c.level}, func() (trial, error) {
				tried++
				return c.trials[tried-1], nil
			})
			if got.Outcome != c.want || tried != c.tried {
				t.Errorf("%s after %d attempts (%s), want %s after %d", got.Outcome, tried, got.Reason, c.want, c.tried)
			}
			if got.Outcome != report.Pass && (got.Reason == "" || strings.Contains(got.Reason, "\n")) {
				t.Errorf("reason %q", got.Reason)
			}
		})
	}
}

// TestWhatHelloAdds: it fills in what the target file leaves open; where they
// disagree, the file wins and the run says so.
func TestWhatHelloAdds(t *testing.T) {
	hello := map[string]string{"class": "reactor", "features": "post,timer,flying", "limit": "4096", "idle-timeout": "5000000000"}
	for name, c := range map[string]struct {
		file  target.File
		class spec.Class
		feats []spec.Feature
		limit int64
		idle  time.Duration
		notes int
	}{
		"silent file":   {target.File{}, spec.Reactor, []spec.Feature{"post", "timer"}, 4096, 5 * time.Second, 0},
		"same":          {target.File{Class: "reactor", Features: []spec.Feature{"timer", "post"}, Limit: 4096, IdleTimeout: target.Duration(5 * time.Second)}, spec.Reactor, []spec.Feature{"timer", "post"}, 4096, 5 * time.Second, 0},
		"disagreeing":   {target.File{Class: "iterative", Features: []spec.Feature{"where"}, Limit: 1, IdleTimeout: 1}, spec.Iterative, []spec.Feature{"where"}, 1, 1, 4},
		"none declared": {target.File{Features: []spec.Feature{}}, spec.Reactor, []spec.Feature{}, 4096, 5 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Runner{target: target.Target{File: c.file}}
			r.options.complete()
			r.known.class, r.known.features, r.known.limit, r.known.idle = c.file.Class, c.file.Features, c.file.Limit, c.file.IdleTimeout
			r.adopt(hello)
			if r.known.class != c.class || !slices.Equal(r.known.features, c.feats) || r.known.limit != c.limit || time.Duration(r.known.idle) != c.idle {
				t.Errorf("known %+v", r.known)
			}
			if len(r.notes) != c.notes {
				t.Errorf("notes %q", r.notes)
			}
		})
	}
}
