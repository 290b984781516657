package judging

import (
	"context"

	"github.com/reactorspec/reactorspec/suites/session"
)

// serving says the first words to an instance, and says them again while it may still
// be starting up (target.Instance.Wakes). refused is what was wrong the first time, if
// anything.
func (g *targetGround) serving(ctx context.Context, in *instance, setup session.Setup) (last session.Attempt, refused string) {
	in.Wakes(ctx, func() bool {
		last = g.aside(ctx, in, setup, func(s *session.Session) { s.ServesFresh() })
		if last.Failure != nil && refused == "" {
			refused = last.Failure.Reason
		}
		return last.Failure == nil
	})
	return last, refused
}
