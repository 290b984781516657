package judging

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
)

// A watch goes on until all else is judged, beside it, and no longer.
func TestWatch(t *testing.T) {
	var judgedBefore, seen atomic.Int32
	other := func(s *session.Session) { s.Pause(50 * time.Millisecond); judgedBefore.Add(1) }
	run, err := judged(t, tiny.Target(t, "good"), []session.Check{
		{Clause: "LOOP-1", Study: true, Watch: true, Run: func(s *session.Session) {
			for s.Others() {
				s.Pause(time.Millisecond)
			}
			seen.Store(judgedBefore.Load())
		}},
		{Clause: "CONN-1", Run: other}, {Clause: "CONN-2", Run: other}, {Clause: "LOOP-2", Study: true, Run: other},
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen.Load() != 3 {
		t.Errorf("the watch ended after %d of 3 others", seen.Load())
	}
	for _, r := range run.Results {
		if r.Outcome != report.Pass {
			t.Errorf("%s %s: %s", r.Clause, r.Outcome, r.Reason)
		}
	}
}
