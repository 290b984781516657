// Package specs is the door for Ginkgo: it registers the clauses of a target, or of
// a Go value, as a tree of Its. It stands beside package suites so that nobody else
// imports Ginkgo. `go test ./suites/specs -args -target=FILE` goes through it.
package specs

import (
	"context"
	"flag"
	"fmt"
	"slices"

	"github.com/onsi/ginkgo/v2"
	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Covers labels an It with the clauses that it judges: their IDs, levels and
// families, so that --label-filter='WAKE && MUST' works. An unknown ID panics
// while the tree is built, which fails the suite.
func Covers(ids ...string) ginkgo.Labels {
	var labels ginkgo.Labels
	for _, id := range ids {
		clause, known := spec.Lookup(id)
		if !known {
			panic(fmt.Sprintf("Covers(%q): the spec has no such clause", id))
		}
		labels = append(labels, clause.ID, string(clause.Level), clause.Family)
	}
	return labels
}

// Specs registers the checks of a target with Ginkgo: a container for each
// family, an It for each clause, and a last one for what the target did not promise,
// which can come to advice at most. Call it where containers may be declared,
// before RunSpecs. The target is started by the first It that runs and stopped
// after the last. REACTORSPEC_SEED in the environment fixes the seed, as for
// suites.Verify.
func Specs(judged target.Target, opts ...suites.Option) {
	r, err := judging.OnTarget(context.Background(), judged, optionsOf(opts))
	if err != nil {
		panic("reactorspec: " + err.Error())
	}
	register(r, func(report.Run) {})
}

// SpecsLoop is suites.VerifyLoop for Ginkgo: call it where containers may be declared.
func SpecsLoop(newLoop func() (contract.Loop, error), opts ...suites.Option) {
	registerLoops(newLoop, optionsOf(opts))
}

func registerLoops(newLoop func() (contract.Loop, error), o judging.Options) {
	r, err := judging.OnLoops(context.Background(), newLoop, o)
	if err != nil {
		panic("reactorspec: " + err.Error())
	}
	register(r.Run, func(report.Run) {})
	ginkgo.Describe("reactorspec models of "+r.Name(), func() {
		for _, model := range r.Models {
			ginkgo.It(model.Name, func() {
				rapid.Check(ginkgo.GinkgoTB(), func(t *rapid.T) { model.Run(t, r.Vantage.New) })
			})
		}
	})
}

// SpecsServer is suites.VerifyServer for Ginkgo: call it where containers may be
// declared. The server is started at once and stopped after the last It that
// needs it; its loops have containers of their own, as SpecsLoop declares them.
func SpecsServer(newServer func() (contract.Server, error), opts ...suites.Option) {
	o := optionsOf(opts)
	s, err := judging.OnServer(context.Background(), newServer, o)
	if err != nil {
		panic("reactorspec: " + err.Error())
	}
	register(s.Run, func(report.Run) {
		if err := s.Stop(); err != nil {
			ginkgo.Fail("reactorspec: " + err.Error())
		}
	})
	if half, some := s.ForLoops(o); some {
		registerLoops(s.NewLoop, half)
	}
}

func optionsOf(opts []suites.Option) judging.Options {
	var o judging.Options
	for _, option := range opts {
		option(&o)
	}
	if err := o.SeedGiven(); err != nil {
		panic("reactorspec: " + err.Error())
	}
	if o.Rerun == nil {
		o.Rerun = rerun
	}
	return o
}

// rerun words the go test command that judges one clause again. Which test calls RunSpecs
// nobody here knows: it is among those that ran this time.
func rerun(clause string, seed uint64) string {
	ran := ""
	if f := flag.Lookup("test.run"); f != nil {
		ran = f.Value.String()
	}
	return judging.GoTest(seed, ran, "-ginkgo.label-filter="+clause)
}

// register declares the tree of a run; finished gets the judged run after the
// last It.
func register(r *judging.Run, finished func(report.Run)) {
	families := make(map[string][]spec.Clause)
	var order []string
	_, _, last := r.Serially()
	for _, clause := range r.Clauses() {
		if slices.Contains(last, clause.ID) {
			continue
		}
		if families[clause.Family] == nil {
			order = append(order, clause.Family)
		}
		families[clause.Family] = append(families[clause.Family], clause)
	}
	ginkgo.Describe("reactorspec "+r.Name(), ginkgo.Ordered, ginkgo.ContinueOnFailure, func() {
		for _, family := range order {
			ginkgo.Describe(family, func() {
				for _, clause := range families[family] {
					ginkgo.It(clause.ID+" "+clause.Title(), Covers(clause.ID), func() { tell(r.Judge(clause.ID)) })
				}
			})
		}
		if len(last) > 0 {
			ginkgo.Describe("not promised", func() {
				for _, id := range last {
					clause, _ := spec.Lookup(id)
					ginkgo.It(clause.ID+" "+clause.Title(), Covers(clause.ID), func() { tell(r.Judge(clause.ID)) })
				}
			})
		}
		ginkgo.AfterAll(func() { finished(r.Finish()) })
	})
}

// tell turns a result into what an It says.
func tell(result report.Result) {
	ginkgo.AddReportEntry("outcome", string(result.Outcome), ginkgo.ReportEntryVisibilityFailureOrVerbose)
	switch saying, text := suites.Say(result); saying {
	case suites.Quiet:
	case suites.Log:
		ginkgo.AddReportEntry("told", text)
	case suites.Skip:
		ginkgo.Skip(text)
	default:
		ginkgo.Fail(text)
	}
}
