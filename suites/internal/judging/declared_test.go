package judging

import (
	"slices"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// A figure in a target's file declares the feature that it is about, once.
func TestAFigureDeclaresItsFeature(t *testing.T) {
	file := target.File{Limit: 1 << 20, IdleTimeout: target.Duration(time.Second)}
	for _, c := range []struct{ before, want []spec.Feature }{
		{nil, []spec.Feature{"limit", "idle-timeout"}},
		{[]spec.Feature{"idle-timeout", "post"}, []spec.Feature{"idle-timeout", "post", "limit"}},
	} {
		if got := declared(c.before, file); !slices.Equal(got, c.want) {
			t.Errorf("declared(%v) is %v, want %v", c.before, got, c.want)
		}
	}
	if got := declared([]spec.Feature{"post"}, target.File{}); !slices.Equal(got, []spec.Feature{"post"}) {
		t.Errorf("nothing is declared by %v", got)
	}
}

// The check of a clause that needs the feature runs, and the report names it.
func TestADeclaredFigureIsJudged(t *testing.T) {
	on := tiny.Target(t, "good")
	on.File.IdleTimeout = target.Duration(time.Second)
	ran := false
	run, err := judged(t, on, []session.Check{{Clause: "LIFE-9", Run: func(*session.Session) { ran = true }}})
	if err != nil || !ran || !slices.Contains(run.Target.Features, spec.Feature("idle-timeout")) {
		t.Errorf("error %v, the check ran: %t, features %v, outcomes %v", err, ran, run.Target.Features, outcomes(run))
	}
}
