package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/target"
)

// runLimit is how long a run may take that names no --timeout: ten times what
// the whole spec takes on a busy machine.
const runLimit = 15 * time.Minute

// judgingFlags say which clauses are judged and how, as given.
type judgingFlags struct {
	clauses, families, levels []string
	promise                   []string
	advice, noAdvice          bool
	version                   string
	seed                      string
	timeout                   time.Duration
	patience                  float64
	quick, soak, verbose      bool
}

func (f *judgingFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.clauses, "clause", nil, "judge only these clauses, by `ID`; comma-separated or repeated")
	flags.StringSliceVar(&f.families, "family", nil, "judge only these families")
	flags.StringSliceVar(&f.levels, "level", nil, "judge only MUST or only SHOULD clauses")
	flags.StringSliceVar(&f.promise, "promise", nil, "make these clauses bind the server too, by `ID`, comma-separated, or all; otherwise what is neither promised nor released is advice")
	flags.BoolVar(&f.advice, "advice", false, "with --addr, give advice too: look at clauses that the server neither promised nor was released from")
	flags.BoolVar(&f.noAdvice, "no-advice", false, "leave out advice: do not look at clauses that the server neither promised nor was released from")
	flags.BoolVar(&f.quick, "quick", false, "judge only the clauses that find the most in ten seconds: for every push")
	flags.StringVar(&f.version, "spec-version", "", "judge by that `version` of the spec: younger clauses do not bind (spec/versions.md)")
	flags.StringVar(&f.seed, "seed", "", "fix payloads, and shuffle the order of checks, by this `number`")
	flags.DurationVar(&f.timeout, "timeout", runLimit, "give up after this time; 0: never")
	flags.BoolVar(&f.soak, "soak", false, "do many times as much in checks that rest on chance or on large numbers: minutes instead of seconds")
	f.bindPatience(flags)
}

// bindPatience binds the one flag that replay has too.
func (f *judgingFlags) bindPatience(flags *pflag.FlagSet) {
	flags.Float64Var(&f.patience, "patience", 1, "wait this many `times` as long for what must come: under valgrind, a sanitizer or an emulator")
}

// options makes options of the flags.
func (f *judgingFlags) options(cmd *cobra.Command) (judging.Options, error) {
	o := judging.Options{Timeout: f.timeout, Soak: f.soak, Quick: f.quick, Verbose: f.verbose, Patience: f.patience, Spec: f.version, Version: Version(), Advice: f.advice, NoAdvice: f.noAdvice}
	if err := blankless(cmd.Flags(), "clause", "family", "level", "promise"); err != nil {
		return o, err
	}
	for _, id := range f.clauses {
		o.Clauses = append(o.Clauses, strings.ToUpper(strings.TrimSpace(id)))
	}
	for _, id := range f.promise {
		if id = strings.TrimSpace(id); strings.EqualFold(id, target.AllClauses) {
			o.Promise = append(o.Promise, target.AllClauses)
			continue
		}
		o.Promise = append(o.Promise, strings.ToUpper(id))
	}
	for _, name := range f.families {
		o.Families = append(o.Families, strings.ToUpper(strings.TrimSpace(name)))
	}
	for _, level := range f.levels {
		o.Levels = append(o.Levels, spec.Level(strings.ToUpper(strings.TrimSpace(level))))
	}
	if f.seed != "" {
		seed, err := judging.ParseSeed(f.seed)
		if err != nil {
			return o, fmt.Errorf("--seed %w", err)
		}
		o.Seed = seed
	}
	if f.version != "" {
		if err := spec.CheckVersion(f.version); err != nil {
			return o, fmt.Errorf("--spec-version: %w", err)
		}
	}
	switch {
	case f.advice && f.noAdvice:
		return o, errors.New("both --advice and --no-advice: give one of them")
	case f.quick && len(f.clauses) > 0:
		return o, errors.New("both --quick and --clause: each chooses the clauses: give one of them")
	case f.quick && f.soak:
		return o, errors.New("both --quick and --soak: one takes seconds, the other minutes")
	case f.patience != 0 && (f.patience < 1 || f.patience > judging.MostPatience):
		return o, fmt.Errorf("--patience %v is not between 1 and %d", f.patience, judging.MostPatience)
	case f.timeout < 0:
		return o, fmt.Errorf("--timeout %s is below 0", f.timeout)
	case cmd.Flags().Changed("timeout"):
	case f.soak:
		o.Timeout = 0
	case f.patience > 1:
		o.Timeout = time.Duration(float64(o.Timeout) * f.patience)
	}
	return o, nil
}

// blankless refuses a list that was given and holds nothing, as that of a
// variable that is not set does: without it everything would be judged.
func blankless(flags *pflag.FlagSet, names ...string) error {
	for _, name := range names {
		flag := flags.Lookup(name)
		if flag == nil || !flag.Changed {
			continue
		}
		words := flag.Value.(pflag.SliceValue).GetSlice()
		for _, word := range words {
			if strings.TrimSpace(word) == "" {
				words = nil
				break
			}
		}
		if len(words) == 0 {
			return fmt.Errorf("--%s names nothing: give it a value, or leave it out", name)
		}
	}
	return nil
}
