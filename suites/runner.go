package suites

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Runner judges one target once. Clauses may be asked for in any order and from
// any goroutine: ordinary checks take turns on one shared instance; checks that
// do with an instance as they like run beside them with one of their own each;
// so do studies, at most two at a time. On an attached target
// everything takes turns. Finish ends it.
type Runner struct {
	target  target.Target
	dialect dialect.Dialect
	options Options
	seed    uint64
	clauses []spec.Clause            // selected, in the order of running
	checks  map[string]session.Check // by clause ID
	here    inHere                   // what is judged without an instance of the target
	started time.Time

	ctx    context.Context
	cancel context.CancelFunc
	canary *observe.Canary

	begin sync.Once // builds, launches and greets
	known facts
	ready error // why nothing can be judged

	lane    chan struct{} // taken by whoever uses the shared instance
	studies chan struct{} // taken by a study
	shared  *instance     // guarded by lane; nil when it must be started first
	gone    string        // guarded by lane; why there is no shared instance any more

	mu      sync.Mutex
	turns   map[string]*turn
	problem *report.Problem
	notes   []string
	done    int
	address string
	pid     int
	stderr  string
}

// facts are what is known of the target before the first check.
type facts struct {
	class    spec.Class
	features []spec.Feature
	limit    int64
	idle     target.Duration
	process  bool   // its processes can be seen
	distrust string // why its features cannot be believed
}

// turn is one clause on its way to a result.
type turn struct {
	ended  chan struct{}
	result report.Result
}

// studiesAtOnce bounds how many long waits run beside each other: more of them
// would make noise for one another on two cores.
const studiesAtOnce = 2

// NewRunner checks what is asked for; a *UsageError says what is wrong. Nothing
// is started before the first Judge. The end of ctx ends the run early.
func NewRunner(ctx context.Context, t target.Target, o Options) (*Runner, error) {
	d, err := validate(t)
	if err != nil {
		return nil, err
	}
	return newRunner(ctx, t, d, o)
}

// newRunner is NewRunner for a target that is right as it is.
func newRunner(ctx context.Context, t target.Target, d dialect.Dialect, o Options) (*Runner, error) {
	o.complete()
	list, err := o.selected()
	if err != nil {
		return nil, err
	}
	r := &Runner{
		target: t, dialect: d, options: o, seed: o.Seed, clauses: list,
		checks: make(map[string]session.Check), turns: make(map[string]*turn), started: time.Now(),
		lane: make(chan struct{}, 1), studies: make(chan struct{}, studiesAtOnce),
	}
	if r.attached() {
		r.studies = r.lane // a server that runs already is judged serially
	}
	for r.seed == 0 {
		r.seed = uint64(rand.Uint32()) // short enough to type
	}
	for _, check := range o.Checks {
		if _, known := spec.Lookup(check.Clause); !known {
			return nil, fmt.Errorf("a check names the clause %q, which the spec does not have", check.Clause)
		}
		if _, twice := r.checks[check.Clause]; twice {
			return nil, fmt.Errorf("the clause %s has two checks", check.Clause)
		}
		r.checks[check.Clause] = check
	}
	if o.Timeout > 0 {
		r.ctx, r.cancel = context.WithTimeout(ctx, o.Timeout)
	} else {
		r.ctx, r.cancel = context.WithCancel(ctx)
	}
	return r, nil
}

func (r *Runner) attached() bool { return r.target.Addr != "" }

// Clauses lists what is selected, in the order in which it will be judged.
func (r *Runner) Clauses() []spec.Clause { return slices.Clone(r.clauses) }

// Study reports whether the clause's check is a long wait.
func (r *Runner) Study(id string) bool { return r.checks[id].Study }

// Judge returns the clause's result, judging it first if nobody did; a second
// call, or one while it is being judged, waits for the same result.
func (r *Runner) Judge(id string) report.Result {
	r.mu.Lock()
	t, asked := r.turns[id]
	if !asked {
		t = &turn{ended: make(chan struct{})}
		r.turns[id] = t
	}
	r.mu.Unlock()
	if asked {
		<-t.ended
		return t.result
	}
	defer close(t.ended)
	clause, known := spec.Lookup(id)
	if !known {
		panic("suites: Judge of a clause that the spec does not have: " + id)
	}
	started := time.Now()
	result := r.judgeAnywhere(clause)
	if result.Started.IsZero() {
		result.Started = started
	} else {
		result.Took = time.Since(result.Started)
	}
	t.result = r.reportTarget().Settle(result)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if t.result.Reason == neverReady {
		return t.result // one problem, said once, and not a line for each clause
	}
	r.options.Progress(Progress{Clause: clause, Result: &t.result, Done: r.done, Total: len(r.clauses)})
	return t.result
}

// Ahead judges everything selected in the background, so that studies run
// beside the ordinary checks; Judge then only waits. The returned function
// waits until all is judged.
func (r *Runner) Ahead() (wait func()) {
	var workers sync.WaitGroup
	judge := func(ids <-chan string) {
		for id := range ids {
			r.Judge(id)
		}
	}
	shared, own, studies := r.split()
	if r.attached() {
		workers.Go(func() {
			judge(queue(shared))
			judge(queue(own))
			judge(queue(studies))
		})
		return workers.Wait
	}
	waiting, long := queue(own), queue(studies)
	workers.Go(func() { judge(waiting) })
	workers.Go(func() {
		judge(queue(shared))
		judge(waiting)
	})
	for range studiesAtOnce {
		workers.Go(func() {
			judge(long)
			judge(waiting)
		})
	}
	return workers.Wait
}

func queue(ids []string) <-chan string {
	q := make(chan string, len(ids))
	for _, id := range ids {
		q <- id
	}
	close(q)
	return q
}

// split sorts the selected clauses by what their checks run on, each kind in the
// order of running but for the long ones, which come first.
func (r *Runner) split() (shared, own, studies []string) {
	ordered := slices.Clone(r.clauses)
	slices.SortStableFunc(ordered, func(a, b spec.Clause) int {
		switch long := r.checks[a.ID].Long; {
		case long == r.checks[b.ID].Long:
			return 0
		case long:
			return -1
		}
		return 1
	})
	for _, clause := range ordered {
		switch check := r.checks[clause.ID]; {
		case check.Study:
			studies = append(studies, clause.ID)
		case check.Own:
			own = append(own, clause.ID)
		default:
			shared = append(shared, clause.ID)
		}
	}
	return shared, own, studies
}

// Finish stops the target and returns the judged run, with a result for every
// clause that was asked for: what an interruption or a failed start kept from
// running is untested. Nobody asks for clauses any more when it is called.
func (r *Runner) Finish() report.Run {
	if r.ctx.Err() != nil {
		r.interrupted()
	}
	r.cancel()
	r.lane <- struct{}{} // the last check has returned
	if r.shared != nil {
		r.shared.stop()
		r.shared = nil
	}
	r.gone = "the run is over"
	<-r.lane
	if r.canary != nil {
		r.canary.Stop()
	}
	run := report.Run{
		Tool: r.options.Version, Target: r.reportTarget(), Vantages: r.vantages(),
		Seed: r.seed, Started: r.started, Took: time.Since(r.started),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.options.narrowed() || len(r.turns) < len(r.clauses) {
		for _, clause := range r.clauses {
			if r.turns[clause.ID] != nil {
				run.Selected = append(run.Selected, clause.ID)
			}
		}
	}
	run.Problem, run.Notes = r.problem, r.notes
	for _, clause := range r.clauses {
		if t, asked := r.turns[clause.ID]; asked {
			select {
			case <-t.ended:
				run.Results = append(run.Results, t.result)
			default:
			}
		}
	}
	report.Judge(&run)
	return run
}

// interrupted notes why the run ended early.
func (r *Runner) interrupted() {
	message := "interrupted: the clauses left are untested"
	kind := report.Interrupted
	if errors.Is(r.ctx.Err(), context.DeadlineExceeded) && r.options.Timeout > 0 {
		kind = report.Harness
		message = fmt.Sprintf("the run was not over within %s: raise --timeout, or select fewer clauses", r.options.Timeout)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.problem == nil {
		r.problem = &report.Problem{Kind: kind, Message: message}
	}
}

// stopped reports whether the run is to end.
func (r *Runner) stopped() bool { return r.ctx.Err() != nil }

func (r *Runner) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, text)
	r.options.Progress(Progress{Note: text, Done: r.done, Total: len(r.clauses)})
}

// reportTarget is the target as reports show it.
func (r *Runner) reportTarget() report.Target {
	file := r.target.File
	t := report.Target{
		Name: file.Name, Upstream: file.Upstream, Version: file.Version, Language: file.Language,
		Class: file.Class, Dialect: file.Dialect, Features: file.Features, Command: file.Start,
	}
	if r.known.class != "" {
		t.Class = r.known.class
	}
	if len(r.known.features) > 0 {
		t.Features = r.known.features
	}
	r.mu.Lock()
	t.Address, t.Pid, t.Stderr = r.address, r.pid, r.stderr
	r.mu.Unlock()
	if r.attached() {
		t.Command, t.Address = nil, r.target.Addr
	}
	for _, entry := range file.Expected {
		t.Expected = append(t.Expected, report.Expected{Clause: entry.Clause, Reason: entry.Reason,
			Link: entry.Link, Frequency: report.Frequency(entry.Frequency)})
	}
	return t
}
