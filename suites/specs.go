package suites

import (
	"context"
	"fmt"

	"github.com/onsi/ginkgo/v2"

	"github.com/reactorspec/reactorspec/spec"
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
// family, an It for each clause. Call it where containers may be declared,
// before RunSpecs. The target is started by the first It that runs and stopped
// after the last.
func Specs(judged target.Target, opts ...Option) {
	r, err := NewRunner(context.Background(), judged, optionsOf(opts))
	if err != nil {
		panic("reactorspec: " + err.Error())
	}
	r.Specs(func(report.Run) {})
}

// Specs is the package's Specs for a runner that exists already; finished gets
// the judged run after the last It.
func (r *Runner) Specs(finished func(report.Run)) {
	families := make(map[string][]spec.Clause)
	var order []string
	for _, clause := range r.clauses {
		if families[clause.Family] == nil {
			order = append(order, clause.Family)
		}
		families[clause.Family] = append(families[clause.Family], clause)
	}
	ginkgo.Describe("reactorspec "+r.target.File.Name, ginkgo.Ordered, ginkgo.ContinueOnFailure, func() {
		for _, family := range order {
			ginkgo.Describe(family, func() {
				for _, clause := range families[family] {
					ginkgo.It(clause.ID+" "+clause.Title(), Covers(clause.ID), func() { r.it(clause.ID) })
				}
			})
		}
		ginkgo.AfterAll(func() { finished(r.Finish()) })
	})
}

// it turns a result into what an It says.
func (r *Runner) it(id string) {
	result := r.Judge(id)
	ginkgo.AddReportEntry("outcome", string(result.Outcome))
	text := Explain(result)
	switch result.Outcome {
	case report.Pass:
	case report.Warn, report.ExpectedFail:
		ginkgo.AddReportEntry("told", text)
	case report.Unsupported, report.Untested:
		ginkgo.Skip(text)
	case report.Inconclusive:
		if result.Level == spec.Should {
			ginkgo.Skip(text)
		}
		ginkgo.Fail(text)
	default:
		ginkgo.Fail(text)
	}
}
