package judging

import (
	"context"
	"fmt"
	"slices"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/inproc"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// valueGround is the ground of a Go value in this process. Its checks make what they
// judge themselves, so there is nothing to begin, to share or to end.
type valueGround struct{}

func (valueGround) begin(context.Context, session.Setup, *facts) error { return nil }

func (valueGround) try(ctx context.Context, s step, setup session.Setup) (trial, error) {
	return trial{Attempt: s.check.Attempt(ctx, setup)}, nil
}

func (valueGround) end() {}

// Loops is the run of the clauses that event loops can be judged by in this
// process, and what is judged beside the clauses: the models.
type Loops struct {
	*Run
	Vantage inproc.Vantage
	Models  []inproc.Model // those that the options select
}

// OnLoops checks what is asked for of the loops that newLoop makes.
func OnLoops(ctx context.Context, newLoop inproc.Factory, o Options) (*Loops, error) {
	file := o.As
	if file.Name == "" {
		file.Name = "loop"
	}
	if file.Class == "" {
		file.Class = spec.Reactor
	}
	loop, err := newLoop()
	if err != nil {
		return nil, fmt.Errorf("the loop cannot be made: %w", err)
	}
	file.Features = inproc.Offered(loop, file.Features)
	loop.Stop()
	if err := loop.Run(); err != nil {
		return nil, fmt.Errorf("a Stop before Run is to make Run return nil at once, but it returned %w", err)
	}
	v := inproc.Vantage{New: newLoop, Features: file.Features, Soak: o.Soak}
	models := slices.DeleteFunc(v.Models(), func(model inproc.Model) bool {
		return o.Narrowed() && !slices.Contains(o.Families, model.Family)
	})
	here := make(map[string]session.Check)
	for _, check := range v.Checks() {
		here[check.Clause] = check
	}
	if len(o.Clauses) == 0 { // families and levels narrow it further
		for _, clause := range spec.Clauses() {
			if _, ok := here[clause.ID]; ok && clause.Sees(spec.Inproc) {
				o.Clauses = append(o.Clauses, clause.ID)
			}
		}
	}
	file.Start = nil
	r, err := newRun(ctx, target.Target{File: file}, o, here)
	return &Loops{Run: r, Vantage: v, Models: models}, err
}
