package judging

import (
	"context"

	"github.com/reactorspec/reactorspec/suites/session"
)

// servedWithin is how many awaits the first request may take, its opening included, and
// three times that while bytes come: each of its steps takes one at the most.
const servedWithin = 5

// serving says the first words to an instance, and says them again while it may still
// be starting up (target.Instance.Wakes). refused is what was wrong the first time, if
// anything.
//
// A reply that has not come to its end by then, though bytes keep coming, is given up
// sooner than a check would: most likely the dialect takes something else for its end.
func (g *targetGround) serving(ctx context.Context, in *instance, setup session.Setup) (last session.Attempt, refused string) {
	setup.Budget.Check = min(setup.Budget.Check, servedWithin*setup.Budget.Await)
	in.Wakes(ctx, func() bool {
		last = g.aside(ctx, in, setup, func(s *session.Session) { s.ServesFresh() })
		if last.Failure != nil && refused == "" {
			refused = last.Failure.Reason
		}
		return last.Failure == nil && !last.Hung
	})
	return last, refused
}
