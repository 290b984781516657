package judging

import (
	"context"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// waking is for how long a target that names no ready_timeout may accept connections
	// before it serves them. What will never serve, for a dialect that is not its own, is
	// told so that much later.
	waking = 2 * time.Second
	// knocks is the pause between two requests to a target that does not serve yet.
	knocks = 100 * time.Millisecond
)

// serving says the first words to an instance, and says them again for as long as it may
// take to be ready: some accept connections before they serve, and say so (PostgreSQL: the
// database system is starting up). One that runs already is asked once.
func (g *targetGround) serving(ctx context.Context, in *instance, setup session.Setup) session.Attempt {
	ask := func() session.Attempt {
		return g.aside(ctx, in, setup, func(s *session.Session) { s.ServesFresh() })
	}
	first := ask()
	if first.Failure == nil || !in.Owned() {
		return first
	}
	patience := time.Duration(g.target.File.ReadyTimeout)
	if patience <= 0 {
		patience = waking
	}
	for began := time.Now(); time.Since(began) < patience && in.died() == ""; {
		select {
		case <-time.After(knocks):
		case <-ctx.Done():
			return first
		}
		again := ask()
		if again.Failure == nil {
			if !g.wakes {
				g.journal.note("the target accepted connections %v before it served the first: %s", time.Since(began).Round(knocks), first.Failure.Reason)
				g.wakes = true
			}
			return again
		}
		first = again
	}
	return first
}
