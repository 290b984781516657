// Package suites judges a server by the spec, through four doors: Specs
// registers the checks with Ginkgo, Verify runs them in a Go test, Check runs
// them in any program, and `go test ./suites -args -target=FILE` judges a
// server in any language. The command is a fifth, built of Specs. VerifyLoop and
// VerifyServer (SpecsLoop, SpecsServer) take a Go value of spec/contract instead
// of a target, and judge it in this process.
package suites

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
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

	// Seed makes payloads and, if not 0, the order of the checks. With 0 a
	// seed is drawn and the order is the spec's.
	Seed uint64
	// Timeout bounds the whole run; 0: none.
	Timeout time.Duration
	// Soak has the checks that profit from it do many times as much, which takes
	// minutes.
	Soak bool
	// Verbose keeps the evidence of clauses that were kept.
	Verbose bool
	// Budget replaces session.DefaultBudget.
	Budget *session.Budget
	// As describes a value that is judged in this process.
	As target.File
	// Checks replaces the checks of package clauses.
	Checks []session.Check
	// Rerun words the command that judges one clause again; nil: the
	// reactorspec command.
	Rerun func(clause string, seed uint64) string
	// Replay words the command that plays a transcript's file again; nil: the
	// reactorspec command.
	Replay func(file string) string
	// Progress is called when a clause is started and when it is judged, from
	// one goroutine at a time.
	Progress func(Progress)
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

// An Option changes Options.
type Option func(*Options)

// Clauses selects clauses by ID.
func Clauses(ids ...string) Option {
	return func(o *Options) { o.Clauses = append(o.Clauses, ids...) }
}

// Families selects whole families by name.
func Families(names ...string) Option {
	return func(o *Options) { o.Families = append(o.Families, names...) }
}

// Seed fixes payloads and the order of the checks.
func Seed(seed uint64) Option { return func(o *Options) { o.Seed = seed } }

// With replaces all options.
func With(options Options) Option { return func(o *Options) { *o = options } }

// ParseSeed reads a seed, in Go's notation.
func ParseSeed(text string) (uint64, error) {
	seed, err := strconv.ParseUint(text, 0, 64)
	if err != nil || seed == 0 {
		return 0, usage("%s is no number from 1 to 2^64-1, such as 42 or 0x5e1f", text)
	}
	return seed, nil
}

func optionsOf(opts []Option) Options {
	var o Options
	for _, option := range opts {
		option(&o)
	}
	return o
}

// UsageError is a mistake in what was asked for: exit code 2.
type UsageError struct{ Message string }

func (e *UsageError) Error() string { return e.Message }

func usage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// complete fills in what the options leave open.
func (o *Options) complete() {
	if o.Budget == nil {
		budget := session.DefaultBudget
		o.Budget = &budget
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

// selected lists the clauses that the options select, in the spec's order or,
// with a seed, shuffled by it.
func (o *Options) selected() ([]spec.Clause, error) {
	wanted := make(map[string]bool)
	for _, id := range o.Clauses {
		if _, known := spec.Lookup(id); !known {
			return nil, usage("unknown clause %q: `reactorspec list` names them all", id)
		}
		wanted[id] = true
	}
	var names []string
	for _, family := range spec.Families() {
		names = append(names, family.Name)
	}
	for _, name := range o.Families {
		if !slices.Contains(names, name) {
			return nil, usage("unknown family %q: use one of %s", name, strings.Join(names, " "))
		}
	}
	for _, level := range o.Levels {
		if level != spec.Must && level != spec.Should {
			return nil, usage("unknown level %q: use MUST or SHOULD", level)
		}
	}
	var list []spec.Clause
	for _, family := range spec.Families() {
		for _, clause := range family.Clauses {
			switch {
			case len(wanted) > 0 && !wanted[clause.ID]:
			case clause.Withdrawn && !wanted[clause.ID]:
			case len(o.Families) > 0 && !slices.Contains(o.Families, clause.Family):
			case len(o.Levels) > 0 && !slices.Contains(o.Levels, clause.Level):
			default:
				list = append(list, clause)
			}
		}
	}
	if len(list) == 0 {
		return nil, usage("no clause is selected: the clause, family and level given exclude each other")
	}
	if o.Seed != 0 {
		random := rand.New(rand.NewPCG(o.Seed, 0))
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list, nil
}

// narrowed reports whether the options leave clauses out.
func (o *Options) narrowed() bool {
	return len(o.Clauses)+len(o.Families)+len(o.Levels) > 0
}

// validate finds mistakes in a target that no launch would show.
func validate(t target.Target) (dialect.Dialect, error) {
	d, err := dialect.Lookup(t.File.Dialect)
	if err != nil {
		return nil, &UsageError{err.Error()}
	}
	if t.File.Class != "" && !slices.Contains(spec.Classes(), t.File.Class) {
		return nil, usage("unknown class %q: use one of %s", t.File.Class, join(spec.Classes()))
	}
	for _, feature := range t.File.Features {
		if !slices.Contains(spec.Features(), feature) {
			return nil, usage("unknown feature %q: use some of %s", feature, join(spec.Features()))
		}
	}
	for _, entry := range t.File.Expected {
		if _, known := spec.Lookup(entry.Clause); !known {
			return nil, usage("expected failure of an unknown clause %q: `reactorspec list` names them all", entry.Clause)
		}
	}
	if t.Addr != "" {
		if _, err := target.ParseAddr(t.Addr); err != nil {
			return nil, usage("bad address %v", err)
		}
	} else if len(t.File.Start) == 0 {
		return nil, usage("no target: give a start command, or the address of a server that runs")
	}
	return d, nil
}

func join[T ~string](words []T) string {
	plain := make([]string, len(words))
	for i, word := range words {
		plain[i] = string(word)
	}
	return strings.Join(plain, ", ")
}
