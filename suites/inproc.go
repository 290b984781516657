package suites

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/inproc"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// As describes a value that is judged in this process, as a target file does a
// program: its name, class, dialect and limit, the features that its methods
// cannot show, and the failures that are known.
func As(file target.File) Option { return func(o *Options) { o.As = file } }

// VerifyLoop judges event loops in a Go test. Each clause that a loop can be
// judged by in-process is a subtest named by its ID, as Verify has them; then
// the models of package inproc, drawn by rapid, are subtests of "model"; where clauses are
// selected, those of the families that are selected too. A loop is used up by
// its Run, so newLoop makes another for every check. Every loop that is made is run.
func VerifyLoop(t *testing.T, newLoop func() (contract.Loop, error), opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	v, r, err := loopRunner(context.WithoutCancel(t.Context()), newLoop, o.rerunIn(t))
	if err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	verifyEach(t, r)
	models := v.models(o)
	if len(models) == 0 {
		return
	}
	t.Run("model", func(t *testing.T) {
		for _, model := range models {
			t.Run(model.Name, rapid.MakeCheck(func(t *rapid.T) { model.Run(t, v.New) }))
		}
	})
}

// SpecsLoop is VerifyLoop for Ginkgo: call it where containers may be declared.
func SpecsLoop(newLoop func() (contract.Loop, error), opts ...Option) {
	o := optionsOf(opts)
	v, r, err := loopRunner(context.Background(), newLoop, o)
	if err != nil {
		panic("reactorspec: " + err.Error())
	}
	r.Specs(func(report.Run) {})
	ginkgo.Describe("reactorspec models of "+r.target.File.Name, func() {
		for _, model := range v.models(o) {
			ginkgo.It(model.Name, func() {
				rapid.Check(ginkgo.GinkgoTB(), func(t *rapid.T) { model.Run(t, v.New) })
			})
		}
	})
}

// loops is the vantage of a run on loops.
type loops struct{ inproc.Vantage }

// loopRunner makes a runner of the clauses that a loop can be judged by.
func loopRunner(ctx context.Context, newLoop inproc.Factory, o Options) (loops, *Runner, error) {
	file := o.As
	if file.Name == "" {
		file.Name = "loop"
	}
	if file.Class == "" {
		file.Class = spec.Reactor
	}
	loop, err := newLoop()
	if err != nil {
		return loops{}, nil, fmt.Errorf("the loop cannot be made: %w", err)
	}
	file.Features = inproc.Offered(loop, file.Features)
	loop.Stop()
	if err := loop.Run(); err != nil {
		return loops{}, nil, fmt.Errorf("a Stop before Run is to make Run return nil at once, but it returned %w", err)
	}
	v := loops{inproc.Vantage{New: newLoop, Features: file.Features, Soak: o.Soak}}
	here := make(map[string]session.Check)
	for _, check := range v.Checks() {
		here[check.Clause] = check
	}
	r, err := newInproc(ctx, target.Target{File: file}, o, here)
	return v, r, err
}

// models are those that the options select.
func (v loops) models(o Options) []inproc.Model {
	return slices.DeleteFunc(v.Models(), func(model inproc.Model) bool {
		return o.narrowed() && !slices.Contains(o.Families, model.Family)
	})
}

// newInproc makes a runner that judges with checks of its own, without a target
// to start or to reach.
func newInproc(ctx context.Context, t target.Target, o Options, checks map[string]session.Check) (*Runner, error) {
	if len(o.Clauses) == 0 { // families and levels narrow it further
		for _, clause := range spec.Clauses() {
			if _, ok := checks[clause.ID]; ok && clause.Sees(spec.Inproc) {
				o.Clauses = append(o.Clauses, clause.ID)
			}
		}
	}
	o.Checks = []session.Check{}
	r, err := newRunner(ctx, t, nil, o)
	if err != nil {
		return nil, err
	}
	r.here = inHere{checks: checks, alone: true}
	return r, nil
}

// inHere are the checks that need no instance of a target, because they make
// what they judge themselves.
type inHere struct {
	checks map[string]session.Check // by clause ID
	alone  bool                     // there is no target beside them
}

// judgeAnywhere brings one clause to its outcome, on the target or in here.
func (r *Runner) judgeAnywhere(clause spec.Clause) report.Result {
	check, here := r.here.checks[clause.ID]
	if !here && !r.here.alone {
		return r.judge(clause)
	}
	result := report.NewResult(clause)
	if r.stopped() {
		return untested(result, "interrupted")
	}
	if r.here.alone {
		r.begin.Do(func() {
			r.canary = observe.StartCanary()
			r.known.class, r.known.features = r.target.File.Class, r.target.File.Features
		})
	} else {
		r.begin.Do(r.start)
	}
	if r.ready != nil {
		return untested(result, neverReady)
	}
	if outcome, reason := r.gateHere(clause, here); outcome != "" {
		result.Outcome, result.Reason = outcome, reason
		return result
	}
	if !r.take(r.lane) {
		return untested(result, "interrupted")
	}
	defer func() { <-r.lane }()
	result.Started = r.announce(clause)
	return r.repeat(clause, result, func() (trial, error) {
		info := r.target.File
		info.Class, info.Features = r.known.class, r.known.features
		return trial{Attempt: check.Attempt(r.ctx, session.Setup{Info: info, Clause: clause, Seed: r.seed,
			Budget: *r.options.Budget, Canary: r.canary})}, nil
	})
}

// gateHere is gate for what is judged in here: a value promises what spec/contract says by
// meeting it, so there is no dialect to ask.
func (r *Runner) gateHere(clause spec.Clause, built bool) (report.Outcome, string) {
	switch {
	case clause.Withdrawn:
		return report.Untested, "withdrawn: " + clause.Sentence
	case !clause.Sees(spec.Inproc) || !built:
		return report.Untested, "it cannot be judged by the methods of spec/contract alone"
	case !clause.Binds(r.known.class):
		return report.Unsupported, fmt.Sprintf("it binds %s; the value is %s", join(clause.Classes), r.known.class)
	}
	for _, feature := range clause.Needs {
		if !slices.Contains(r.known.features, feature) {
			return report.Unsupported, fmt.Sprintf("it needs %s, which is not offered", feature)
		}
	}
	return "", ""
}

func union(a, b []spec.Feature) []spec.Feature {
	all := append([]spec.Feature(nil), a...)
	for _, feature := range b {
		if !slices.Contains(all, feature) {
			all = append(all, feature)
		}
	}
	return all
}
