// Package judging is the engine behind every door. It plans what is judged, asks gates
// what can be judged, tries each check on its ground (a target behind a socket, or a
// Go value in this process), and turns the attempts into results.
package judging

import (
	"context"
	"errors"
	"fmt"
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

// Run judges once what one plan names. Clauses may be asked for in any order and
// from any goroutine: ordinary checks take turns on one shared instance; checks that
// do with an instance as they like run beside them on own instances;
// so do studies, at most two at a time. On an attached target
// everything takes turns. Finish ends it.
type Run struct {
	target  target.Target
	options Options
	plan    plan
	grounds []ground
	journal journal
	started time.Time

	ctx    context.Context
	cancel context.CancelFunc

	begin   sync.Once       // makes the grounds ready, and sets the next three
	canary  *observe.Canary // nil until then
	known   facts
	unready error // why nothing can be judged

	shared  turns         // of checks on the shared instance
	others  chan struct{} // closed once all that binds is judged but watches; nil where nobody waits
	studies turns

	advising  sync.Once          // sets the next two
	adviceCtx context.Context    // ends when advice has had its time
	adviceEnd context.CancelFunc // nil while nothing was looked at for advice

	findings session.Findings

	mu      sync.Mutex
	answers map[string]*answer // by clause ID
}

// answer is one clause on its way to a result.
type answer struct {
	ready  chan struct{}
	result report.Result
}

// studiesAtOnce bounds how many long waits run beside each other: more of them
// would make noise for one another on two cores.
const studiesAtOnce = 2

// OnTarget checks what is asked for; a *UsageError says what is wrong. Nothing
// is started before the first Judge. The end of ctx ends the run early.
func OnTarget(ctx context.Context, t target.Target, o Options) (*Run, error) {
	if o.Speaks != nil {
		t.File.Dialect, t.File.Speaks = o.Speaks.Name(), o.Speaks
	}
	if o.Spec != "" {
		t.File.Spec = o.Spec
	}
	if o.Patience > 1 && t.File.ReadyTimeout == 0 {
		t.File.ReadyTimeout = target.Duration(float64(target.DefaultReadyTimeout) * min(o.Patience, MostPatience))
	}
	return newRun(ctx, t, o, nil)
}

// newRun is OnTarget with checks that judge a value in this process beside the
// target; where nothing can be started or reached there is the value only.
func newRun(ctx context.Context, t target.Target, o Options, here map[string]session.Check) (*Run, error) {
	if o.Mistake != "" {
		return nil, usage("%s", o.Mistake)
	}
	valueOnly := here != nil && t.Addr == "" && len(t.File.Start) == 0
	var d dialect.Dialect
	t.File.Promises = slices.Concat(t.File.Promises, o.Promise)
	if !valueOnly {
		var err error
		if d, err = validate(t); err != nil {
			return nil, err
		}
	}
	o.complete()
	p, err := newPlan(&o, t.File, here, valueOnly)
	if err != nil {
		return nil, err
	}
	r := &Run{
		target: t, options: o, plan: p, started: time.Now(), known: facts{info: t.File},
		journal: journal{listener: o.Progress, total: len(p.steps)},
		shared:  make(turns, 1), studies: make(turns, studiesAtOnce),
		answers: make(map[string]*answer),
	}
	if !valueOnly {
		r.grounds = append(r.grounds, &targetGround{target: t, dialect: d, journal: &r.journal})
	}
	if here != nil {
		r.grounds = append(r.grounds, valueGround{})
	}
	if o.Timeout > 0 {
		r.ctx, r.cancel = context.WithTimeout(ctx, o.Timeout)
	} else {
		r.ctx, r.cancel = context.WithCancel(ctx)
	}
	return r, nil
}

// Name is what the reports call what is judged.
func (r *Run) Name() string { return r.target.File.Name }

// Clauses lists what is selected, in the order in which it will be judged.
func (r *Run) Clauses() []spec.Clause {
	list := make([]spec.Clause, len(r.plan.steps))
	for i, s := range r.plan.steps {
		list[i] = s.clause
	}
	return list
}

// Serially lists the clauses as they are best judged one after the other, those
// whose long waits are best judged beside each other once the rest is, and those
// that may come to advice, which is looked for once all else is judged.
func (r *Run) Serially() (first, beside, last []string) {
	bound, advice := r.plan.split()
	return slices.Concat(bound.shared, bound.own), slices.Concat(bound.watches, bound.studies), slices.Concat(advice.shared, advice.own, advice.watches, advice.studies)
}

// Judge returns the clause's result, judging it first if nobody did; a second
// call, or one while it is being judged, waits for the same result.
func (r *Run) Judge(id string) report.Result {
	s, selected := r.plan.step(id)
	if !selected {
		panic("judging: " + id + " is asked for, but is not selected")
	}
	r.mu.Lock()
	a, asked := r.answers[id]
	if !asked {
		a = &answer{ready: make(chan struct{})}
		r.answers[id] = a
	}
	r.mu.Unlock()
	if asked {
		<-a.ready
		return a.result
	}
	defer close(a.ready)
	started := time.Now()
	result := r.judge(s)
	if result.Started.IsZero() {
		result.Started = started
	} else {
		result.Took = time.Since(result.Started)
	}
	a.result = Expecting(r.target.File).Settle(result)
	r.journal.judged(s.clause, &a.result)
	return a.result
}

// All judges everything selected, studies beside the rest, and finishes. The error
// is what kept it from judging at all.
func (r *Run) All() (report.Run, error) {
	wait := r.Ahead()
	wait()
	return r.Finish(), r.unready
}

// neverReady is the reason of every clause where one problem kept all from being judged.
const neverReady = "the target never became ready"

// judge brings one clause to its outcome.
func (r *Run) judge(s step) report.Result {
	if r.stopped() {
		return untested(s.clause, interrupted)
	}
	r.begin.Do(r.beginAll)
	switch {
	case r.stopped():
		return untested(s.clause, interrupted)
	case r.unready != nil:
		return untested(s.clause, neverReady)
	}
	said := gate(s, r.known, &r.options)
	switch {
	case said.unbound:
		return r.advise(s)
	case said.outcome != "":
		result := report.NewResult(s.clause)
		result.Outcome, result.Reason, result.Wordless = said.outcome, said.reason, said.wordless
		return result
	}
	if turns := r.turnsOf(s); turns != nil {
		if !turns.enter(r.ctx) {
			return untested(s.clause, interrupted)
		}
		defer turns.leave()
	}
	started := r.journal.begun(s.clause)
	result := r.tryOut(s)
	result.Started = started
	return result
}

// beginAll makes the grounds ready; the first that cannot be keeps all from being judged.
func (r *Run) beginAll() {
	r.canary = observe.StartCanary()
	for _, g := range r.grounds {
		if r.unready = g.begin(r.ctx, r.setup(spec.Clause{}), &r.known); r.unready != nil {
			return
		}
	}
}

// tryOut has a check tried until its trials come to a result.
func (r *Run) tryOut(s step) report.Result {
	var trials []trial
	for {
		tried, err := r.groundOf(s).try(r.ctx, s, r.setup(s.clause))
		switch {
		case r.stopped() || tried.Cancelled:
			return untested(s.clause, interrupted)
		case errors.As(err, new(*goneError)):
			return untested(s.clause, err.Error())
		case err != nil:
			result := report.NewResult(s.clause)
			result.Outcome, result.Reason = report.Error, "an instance of the target for this check could not be started: "+err.Error()
			if launch := (*target.LaunchError)(nil); errors.As(err, &launch) && launch.Stderr != "" {
				result.Evidence = &report.Evidence{Want: "a target that starts", Got: launch.Cause.Error(), Stderr: launch.Stderr, Rerun: r.rerun(s.clause.ID)}
			}
			return result
		}
		trials = append(trials, tried)
		result, again := conclude(s.clause, s.expected, trials)
		if again {
			continue
		}
		if result.Evidence.Rerun = r.rerun(s.clause.ID); result.Outcome == report.Pass && len(trials) == 1 && !r.options.Verbose {
			result.Evidence = nil
		}
		return result
	}
}

// groundOf is where a step is judged: the target comes first, the value last.
func (r *Run) groundOf(s step) ground {
	if s.here {
		return r.grounds[len(r.grounds)-1]
	}
	return r.grounds[0]
}

// setup is what an attempt at a clause gets to see on any ground.
func (r *Run) setup(clause spec.Clause) session.Setup {
	return session.Setup{Info: r.known.info, Clause: clause, Seed: r.plan.seed, Budget: *r.options.Budget,
		Canary: r.canary, Soak: r.options.Soak, Quick: r.options.Quick, Others: r.others, Replay: r.replay, Findings: &r.findings}
}

const interrupted = "interrupted"

func untested(clause spec.Clause, reason string) report.Result {
	result := report.NewResult(clause)
	result.Outcome, result.Reason = report.Untested, reason
	return result
}

// stopped reports whether the run is to end.
func (r *Run) stopped() bool { return r.ctx.Err() != nil }

// Finish stops the target and returns the judged run, with a result for every
// clause that was asked for: what an interruption or a failed start kept from
// running is untested. Nobody asks for clauses any more when it is called.
func (r *Run) Finish() report.Run {
	if r.stopped() && r.cutShort() {
		r.interrupted()
	}
	if r.adviceEnd != nil {
		r.adviceEnd()
	}
	r.cancel()
	_ = r.shared.enter(context.Background()) // the last check has returned
	for _, g := range r.grounds {
		g.end()
	}
	r.shared.leave()
	if r.canary != nil {
		r.canary.Stop()
	}
	run := report.Run{
		Tool: r.options.Version, Target: described(r.known.info, r.target.Addr), Vantages: r.vantages(),
		Seed: r.plan.seed, Started: r.started, Took: time.Since(r.started),
	}
	if looks := r.known.looks; looks.Seen != "" {
		run.Target.Looks = &report.Looks{Class: looks.Class, Seen: looks.Seen}
	}
	r.journal.mu.Lock()
	run.Problem, run.Notes = r.journal.problem, r.journal.notes
	run.Target.Pid, run.Target.Stderr = r.journal.pid, r.journal.stderr
	if r.target.Addr == "" {
		run.Target.Address = r.journal.address
	}
	r.journal.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	partly := r.options.Narrowed() || len(r.answers) < len(r.plan.steps)
	for _, s := range r.plan.steps {
		a, asked := r.answers[s.clause.ID]
		if !asked {
			continue
		}
		if partly {
			run.Selected = append(run.Selected, s.clause.ID)
		}
		select {
		case <-a.ready:
			run.Results = append(run.Results, a.result)
		default:
		}
	}
	report.Judge(&run)
	return run
}

// cutShort reports whether the end of the run kept anything that binds the target
// from being judged. Advice is no part of the verdict, and its end is no problem.
func (r *Run) cutShort() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.plan.steps {
		a, asked := r.answers[s.clause.ID]
		if s.last || !asked {
			continue
		}
		select {
		case <-a.ready:
			if a.result.Reason == interrupted {
				return true
			}
		default:
			return true
		}
	}
	return len(r.answers) == 0
}

// interrupted notes why the run ended early.
func (r *Run) interrupted() {
	if errors.Is(r.ctx.Err(), context.DeadlineExceeded) && r.options.Timeout > 0 {
		r.journal.hindered(report.Harness, fmt.Sprintf("the run was not over within %s: raise --timeout, or select fewer clauses", r.options.Timeout), "")
		return
	}
	r.journal.hindered(report.Interrupted, "interrupted: the clauses left are untested", "")
}
