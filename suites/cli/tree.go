package cli

import (
	"flag"
	"io"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/report"
)

// runTree runs the runner's clauses as a Ginkgo tree, without Ginkgo's own
// console output and without its signal handling.
func runTree(r *suites.Runner, signals *signals) report.Run {
	// rapid asks package testing for its flags; outside `go test` nobody has
	// registered or parsed them.
	testing.Init()
	if !flag.Parsed() {
		_ = flag.CommandLine.Parse(nil)
	}
	formatter.ColorableStdOut = io.Discard

	var run report.Run
	ginkgo.BeforeSuite(func() {
		signals.retake() // Ginkgo has just asked for them
		r.Ahead()        // the Its only wait, so that studies run beside the rest
	})
	r.Specs(func(finished report.Run) { run = finished })

	suite, reporter := ginkgo.GinkgoConfiguration()
	suite.Timeout = 0 // the runner has its own
	reporter.Succinct, reporter.NoColor = true, true
	ginkgo.RunSpecs(silent{}, "reactorspec", suite, reporter)
	return run
}

// silent is Ginkgo's testing.T: the verdict is the report's, not Ginkgo's.
type silent struct{}

func (silent) Fail() {}
