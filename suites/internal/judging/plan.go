package judging

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// plan is what one run judges, in the order of running, and the seed of it all.
// It is made before anything is started and never changes.
type plan struct {
	steps []step
	seed  uint64
}

// step is one clause of a plan and the check that judges it.
type step struct {
	clause   spec.Clause
	check    session.Check
	built    bool // there is such a check
	here     bool // it judges a value in this process, not the target
	last     bool // it binds nobody here: what is found is advice, and is looked for last
	expected bool // the target's owner expects it to be broken
	own      bool // it is tried on an instance of its own, whatever its check needs
}

// newPlan selects the clauses that the options ask for, and finds each its check:
// one of here's, which judge a value in this process, or one of the options', which
// judge the target that the file describes, unless there is the value only.
func newPlan(o *Options, file target.File, here map[string]session.Check, valueOnly bool) (plan, error) {
	list, err := o.selected()
	if err != nil {
		return plan{}, err
	}
	there := make(map[string]session.Check)
	for _, check := range o.Checks {
		if _, known := spec.Lookup(check.Clause); !known {
			return plan{}, fmt.Errorf("a check names the clause %q, which the spec does not have", check.Clause)
		}
		if _, twice := there[check.Clause]; twice {
			return plan{}, fmt.Errorf("the clause %s has two checks", check.Clause)
		}
		there[check.Clause] = check
	}
	page, _ := file.Page() // one that nobody knows promises nothing, and the gate says so
	p := plan{seed: o.Seed}
	for p.seed == 0 {
		p.seed = uint64(rand.Uint32()) // short enough to type
	}
	for _, clause := range list {
		s := step{clause: clause}
		s.expected = slices.ContainsFunc(file.Expected, func(e target.Expected) bool { return e.Clause == clause.ID })
		if s.check, s.here = here[clause.ID]; s.here || valueOnly {
			s.built, s.here = s.here, true
		} else {
			s.check, s.built = there[clause.ID]
			_, released := page.Released[clause.ID]
			s.last = !released && unbound(clause, file, page) != ""
		}
		p.steps = append(p.steps, s)
	}
	return p, nil
}

// step finds the step of a clause.
func (p plan) step(id string) (step, bool) {
	at := slices.IndexFunc(p.steps, func(s step) bool { return s.clause.ID == id })
	if at < 0 {
		return step{}, false
	}
	return p.steps[at], true
}

// phase is clauses that are judged beside each other, by what their checks run on.
type phase struct{ shared, own, studies, watches []string }

// split sorts the clauses into those that bind the target and those that may come
// to advice, and within them by what their checks run on, each kind in the order
// of running but for the long ones, which come first.
func (p plan) split() (bound, advice phase) {
	ordered := slices.Clone(p.steps)
	slices.SortStableFunc(ordered, func(a, b step) int {
		switch long := a.check.Long; {
		case long == b.check.Long:
			return 0
		case long:
			return -1
		}
		return 1
	})
	for _, s := range ordered {
		into := &bound
		if s.last {
			into = &advice
		}
		switch {
		case s.check.Watch:
			into.watches = append(into.watches, s.clause.ID)
		case s.check.Study:
			into.studies = append(into.studies, s.clause.ID)
		case s.check.Own:
			into.own = append(into.own, s.clause.ID)
		default:
			into.shared = append(into.shared, s.clause.ID)
		}
	}
	return bound, advice
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
	if o.Quick && len(wanted) == 0 {
		for _, id := range quick {
			wanted[id] = true
		}
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

// validate finds mistakes in a target that no launch would show.
func validate(t target.Target) (dialect.Dialect, error) {
	d, err := t.File.Speaker()
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
	for _, id := range t.File.Promises {
		if _, known := spec.Lookup(id); !known && id != target.AllClauses {
			return nil, usage("promise of an unknown clause %q: `reactorspec list` names them all, and %s stands for every one", id, target.AllClauses)
		}
	}
	for _, entry := range t.File.Expected {
		if _, known := spec.Lookup(entry.Clause); !known {
			return nil, usage("expected failure of an unknown clause %q: `reactorspec list` names them all", entry.Clause)
		}
	}
	if t.File.Spec != "" {
		if err := spec.CheckVersion(t.File.Spec); err != nil {
			return nil, usage("spec: %v", err)
		}
	}
	if err := t.File.Fillable(); err != nil {
		return nil, &UsageError{err.Error()}
	}
	if t.Addr != "" {
		if _, err := target.ParseAddr(t.Addr); err != nil {
			return nil, usage("bad address %v", err)
		}
	} else if len(t.File.Start) == 0 {
		return nil, usage("no target: give a start command, or the address of a running server")
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
