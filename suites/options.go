// Package suites judges a server by the spec. Verify judges a target in a Go test,
// Check judges one in any program, and `go test ./suites -args -target=FILE` judges a
// server in any language. VerifyLoop and VerifyServer take a Go value of spec/contract
// instead of a target, and judge it in this process. Package specs does the same for
// Ginkgo, and the command reactorspec for the shell. All of these are only doors:
// package judging does the judging.
package suites

import (
	"reflect"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// An Option says what to judge, or how. Without any, the whole spec is judged.
type Option func(*judging.Options)

// Clauses selects clauses by ID.
func Clauses(ids ...string) Option {
	return func(o *judging.Options) { o.Clauses = append(o.Clauses, ids...) }
}

// Families selects whole families by name.
func Families(names ...string) Option {
	return func(o *judging.Options) { o.Families = append(o.Families, names...) }
}

// Levels selects clauses by their level.
func Levels(levels ...spec.Level) Option {
	return func(o *judging.Options) { o.Levels = append(o.Levels, levels...) }
}

// Promise binds the target by clauses beyond those that its dialect promises, by ID, or
// by target.AllClauses.
func Promise(ids ...string) Option {
	return func(o *judging.Options) { o.Promise = append(o.Promise, ids...) }
}

// Advice also looks, at a target that is already running, at what it neither promised nor was
// released from (spec/verdicts.md); a target that is started is looked at anyway.
func Advice() Option { return func(o *judging.Options) { o.Advice = true } }

// NoAdvice leaves out what the target neither promised nor was released from.
func NoAdvice() Option { return func(o *judging.Options) { o.NoAdvice = true } }

// Seed fixes payloads and the order of the checks; 0 draws one, and leaves the
// order to the spec.
func Seed(seed uint64) Option { return func(o *judging.Options) { o.Seed = seed } }

// Timeout bounds the whole run.
func Timeout(limit time.Duration) Option { return func(o *judging.Options) { o.Timeout = limit } }

// Soak has the checks of chance and of numbers do many times as much, which takes
// minutes.
func Soak() Option { return func(o *judging.Options) { o.Soak = true } }

// Quick judges, where no clause is named, those that find the most in ten seconds.
func Quick() Option { return func(o *judging.Options) { o.Quick = true } }

// Patience multiplies every wait for what must come, for a server that runs under a
// sanitizer or in an emulator; it is at most 100.
func Patience(times float64) Option { return func(o *judging.Options) { o.Patience = times } }

// SpecVersion judges by that version of the spec, such as "0.1": younger clauses do not bind.
func SpecVersion(version string) Option { return func(o *judging.Options) { o.Spec = version } }

// Verbose keeps the evidence of clauses that were kept.
func Verbose() Option { return func(o *judging.Options) { o.Verbose = true } }

// As describes a value that is judged in this process, as a target file does a
// program: its name, class, dialect and limit, the features that its methods
// cannot show, and the failures that are known.
func As(file target.File) Option { return func(o *judging.Options) { o.As = file } }

// Speaking has the target spoken to in that dialect, whatever its file names: any
// Go type that can say one request with a payload, and read the reply. It promises
// what every server does (spec/dialects/common.md), and what its traits say.
func Speaking(d dialect.Dialect) Option {
	return func(o *judging.Options) {
		if v := reflect.ValueOf(d); d == nil || v.Kind() == reflect.Pointer && v.IsNil() {
			o.Mistake = "suites.Speaking(nil): give it a dialect.Dialect, or leave it out and name one in the target file"
			return
		}
		o.Speaks = d
	}
}

// Progress is one step of a run.
type Progress struct {
	Clause spec.Clause
	Result *report.Result // nil when the clause is being started
	Done   int            // clauses judged so far, this one included
	Total  int
	Note   string // instead of a clause: something the reader should know
}

// Watch has f called when a clause is started and when it is judged, from one
// goroutine at a time.
func Watch(f func(Progress)) Option {
	return func(o *judging.Options) { o.Progress = func(p judging.Progress) { f(Progress(p)) } }
}

func optionsOf(opts []Option) judging.Options {
	var o judging.Options
	for _, option := range opts {
		option(&o)
	}
	return o
}
