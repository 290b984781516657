package suites

import (
	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
)

// Saying is how a test says what a clause came to.
type Saying int

// The sayings.
const (
	Fail  Saying = iota // the test fails with the text
	Skip                // the test is skipped with the text
	Log                 // the test passes, and shows the text
	Quiet               // the test passes
)

// sayings is the one table from outcome to what a test says; any other outcome fails.
var sayings = map[report.Outcome]Saying{
	report.Pass:         Quiet,
	report.Warn:         Log,
	report.Advice:       Log,
	report.ExpectedFail: Log,
	report.Unsupported:  Skip,
	report.Untested:     Skip,
}

// Say is how a test says that result, and the text with its evidence. A MUST that
// stays inconclusive fails, since nobody could say that it is kept.
func Say(result report.Result) (Saying, string) {
	saying := sayings[result.Outcome]
	if result.Outcome == report.Inconclusive && result.Level == spec.Should {
		saying = Skip
	}
	return saying, Explain(result)
}

// Explain says a result in plain text, with its evidence if it has any.
func Explain(result report.Result) string { return report.Block(result) }
