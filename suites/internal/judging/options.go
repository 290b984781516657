package judging

import (
	"fmt"
	"strconv"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/clauses"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Options say what to judge and how. The zero value judges the whole spec.
type Options struct {
	Clauses  []string     // IDs; none: every clause
	Families []string     // names; none: every family
	Levels   []spec.Level // none: both

	// Quick selects, where no clause is named, those that find the most in ten seconds.
	Quick bool
	// Spec is the version of the spec to judge by, whatever the target's file says; ""
	// leaves it to the file.
	Spec string
	// Promise are clauses that bind the target beyond what its dialect promises, by ID,
	// or all of those from which nothing releases it.
	Promise []string
	// Advice looks also at a target that runs already at what it neither promised nor
	// was released from; NoAdvice looks at that on no target.
	Advice, NoAdvice bool

	// Seed makes payloads and, if not 0, the order of the checks. With 0 a
	// seed is drawn and the order is the spec's.
	Seed uint64
	// Timeout bounds the whole run; 0: none.
	Timeout time.Duration
	// Patience multiplies every wait for what must come, for a target that runs in
	// an emulator or under a sanitizer; 0 is 1. It is at most MostPatience.
	Patience float64
	// Soak has the checks that profit from it do many times as much, which takes
	// minutes.
	Soak bool
	// Verbose keeps the evidence of clauses that were kept.
	Verbose bool
	// As describes a value that is judged in this process.
	As target.File
	// Speaks is how the target is spoken to, instead of what its file names.
	Speaks dialect.Dialect
	// Mistake is what is wrong with how an option was used; "" is nothing.
	Mistake string
	// Progress is called when a clause is started and when it is judged, from
	// one goroutine at a time.
	Progress func(Progress)

	// Budget replaces session.DefaultBudget.
	Budget *session.Budget
	// Checks replaces the checks of package clauses.
	Checks []session.Check
	// Rerun words the command that judges one clause again; nil: the
	// reactorspec command.
	Rerun func(clause string, seed uint64) string
	// Replay words the command that plays a transcript's file again; nil: the
	// reactorspec command.
	Replay func(file string) string
	// Version of what judges, for the reports.
	Version string
}

// Progress is one step of a run.
type Progress struct {
	Clause spec.Clause
	Result *report.Result // nil when the clause is being started
	Done   int            // clauses judged so far, this one included
	Total  int
	Note   string // instead of a clause: something the reader should know
}

// MostPatience bounds Options.Patience: a wait of two seconds becomes three minutes.
const MostPatience = 100

// complete fills in what the options leave open.
func (o *Options) complete() {
	if o.Budget == nil {
		budget := session.DefaultBudget
		o.Budget = &budget
	}
	if o.Patience > 1 {
		patient := o.Budget.Times(min(o.Patience, MostPatience))
		o.Budget = &patient
	}
	if o.Checks == nil {
		o.Checks = clauses.All()
		if o.Soak {
			o.Checks = clauses.Soaking()
		}
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Version == "" {
		o.Version = "reactorspec"
	}
}

// Narrowed reports whether the options leave clauses out.
func (o *Options) Narrowed() bool {
	return o.Quick || len(o.Clauses)+len(o.Families)+len(o.Levels) > 0
}

// advises reports whether what was neither promised nor released is looked at.
// What runs already may be of use to somebody, and is not burdened unasked; a quick
// run has no time for it.
func (o *Options) advises(attached bool) bool {
	return !o.NoAdvice && (!attached && !o.Quick || o.Advice)
}

// UsageError is a mistake in what was asked for: exit code 2.
type UsageError struct{ Message string }

func (e *UsageError) Error() string { return e.Message }

func usage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// ParseSeed reads a seed, in Go's notation.
func ParseSeed(text string) (uint64, error) {
	seed, err := strconv.ParseUint(text, 0, 64)
	if err != nil || seed == 0 {
		return 0, usage("%s is not a number from 1 to 2^64-1, such as 42 or 0x5e1f", text)
	}
	return seed, nil
}
