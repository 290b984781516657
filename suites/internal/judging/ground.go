package judging

import (
	"context"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// ground is where clauses are judged: a target behind a socket, or a Go value in
// this process. The run asks it once to begin, then any number of times to try,
// and once to end.
type ground interface {
	// begin makes the ground ready, and adds to known what it finds out. The error
	// says why nothing can be judged on it.
	begin(ctx context.Context, setup session.Setup, known *facts) error
	// try runs a step's check once. Steps whose turns are the shared ones are tried
	// one at a time, others beside them. The error is why the check could not even
	// be tried: a *goneError where no check can be any more.
	try(ctx context.Context, s step, setup session.Setup) (trial, error)
	// end gives back what the ground holds. Nobody tries any more.
	end()
}

// facts are what is known of what is judged before the first check.
type facts struct {
	info     target.File     // as it was declared, completed by what HELLO says
	dialect  dialect.Dialect // as it speaks it, within the bounds it was found to have; nil for a Go value
	process  bool            // its processes can be seen
	attached bool            // it runs already, and goes on afterwards
	looks    session.Looks   // what it looks like, where nobody said its class
	distrust string          // why its features cannot be believed; often ""
}

// goneError is a ground that is no more.
type goneError struct{ cause error }

func (e *goneError) Error() string { return e.cause.Error() }
func (e *goneError) Unwrap() error { return e.cause }
