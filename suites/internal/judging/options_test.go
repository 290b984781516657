package judging

import (
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Patience reaches the checks and the start, unless the target's file says how long
// that may take.
func TestPatienceIsEverywhere(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: 3 * target.DefaultReadyTimeout, time.Second: time.Second} {
		on := tiny.Target(t, "good")
		on.File.ReadyTimeout = target.Duration(given)
		run, err := judged(t, on, []session.Check{{Clause: "CONN-1", Run: func(s *session.Session) {
			if s.Budget.Await != 3*brisk.Await || s.Budget.Silence != brisk.Silence {
				t.Errorf("budget %+v, of %+v", s.Budget, brisk)
			}
			if ready := time.Duration(s.Info.ReadyTimeout); ready != want {
				t.Errorf("the start may take %v, want %v", ready, want)
			}
		}}}, func(o *Options) { o.Patience = 3 })
		if err != nil || len(run.Results) != 1 {
			t.Errorf("%v, %v", err, outcomes(run))
		}
	}
}
