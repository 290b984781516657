package fuzzing

import (
	"testing"

	"github.com/reactorspec/reactorspec/suites/transcript"
)

// A form that fails by luck alone gives way to a longer one that stands its replays; if none
// does, the transcript stays as it was found, and is kept apart.
func TestStanding(t *testing.T) {
	of := func(steps int) transcript.Transcript {
		return transcript.Transcript{Steps: make([]transcript.Step, steps)}
	}
	forms := []transcript.Transcript{of(9), of(6), of(3), of(1)}
	for name, c := range map[string]struct {
		least int // steps that a form needs to fail
		want  int
		apart bool
	}{
		"the shortest":    {1, 1, false},
		"a longer one":    {4, 6, false},
		"the first alone": {12, 12, false},
		"none":            {13, 12, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := &Finding{Apart: true}
			form := standing(of(12), forms, g, func(form transcript.Transcript) {
				g.replay(t.Context(), func() bool { return len(form.Steps) >= c.least })
			})
			if len(form.Steps) != c.want || g.Apart != c.apart || (g.Failed >= enough) == c.apart {
				t.Errorf("the form has %d steps, want %d; apart %v; it failed in %d of %d", len(form.Steps), c.want, g.Apart, g.Failed, g.Of)
			}
		})
	}
}
