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
// database system is starting up). One that runs already is asked once. refused is what
// was wrong the first time, if anything.
func (g *targetGround) serving(ctx context.Context, in *instance, setup session.Setup) (last session.Attempt, refused string) {
	ask := func() session.Attempt {
		return g.aside(ctx, in, setup, func(s *session.Session) { s.ServesFresh() })
	}
	if last = ask(); last.Failure == nil {
		return last, ""
	}
	refused = last.Failure.Reason
	patience := time.Duration(g.target.File.ReadyTimeout)
	if patience <= 0 {
		patience = waking
	}
	for began := time.Now(); last.Failure != nil && in.Owned() && time.Since(began) < patience && in.died() == ""; {
		select {
		case <-time.After(knocks):
		case <-ctx.Done():
			return last, refused
		}
		last = ask()
	}
	return last, refused
}
