package judging

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/suites/report"
)

// adviceTime bounds what advice adds to a run that is no soak. A correct C server is
// looked at in a few seconds, one that has to be restarted and loaded slowly in
// half a minute.
const adviceTime = 45 * time.Second

// unpromised begins the reason of whatever was looked at and came to no advice.
const unpromised = "not promised; looked at, "

// Unbound reports whether a clause was neither promised nor released, and will be
// looked at: what it comes to is advice or nothing. It makes the target ready first.
func (r *Run) Unbound(id string) bool {
	s, selected := r.plan.step(id)
	if !selected || !s.last || r.stopped() {
		return false
	}
	r.begin.Do(r.beginAll)
	return r.unready == nil && gate(s, r.known, &r.options).unbound
}

// Advise looks at those clauses, which are some of Serially's last. It is called
// once all else is judged.
func (r *Run) Advise(ids []string) {
	_, advice := r.plan.split()
	asked := func(of []string) []string {
		return slices.DeleteFunc(of, func(id string) bool { return !slices.Contains(ids, id) })
	}
	r.judgeAll(phase{asked(advice.shared), asked(advice.own), asked(advice.studies), asked(advice.watches)})
}

// advise looks once at a clause that does not bind the target, on an instance of
// its own, so that nothing it does there touches what the verdict rests on.
func (r *Run) advise(s step) report.Result {
	r.advising.Do(func() {
		if r.adviceCtx = r.ctx; !r.options.Soak {
			r.adviceCtx, r.adviceEnd = context.WithTimeout(r.ctx, adviceTime)
		}
	})
	if turns := r.turnsOf(s); turns != nil {
		if !turns.enter(r.adviceCtx) {
			return r.unadvised(s, "its time was over")
		}
		defer turns.leave()
	}
	started := r.journal.begun(s.clause)
	s.own = true
	tried, err := r.groundOf(s).try(r.adviceCtx, s, r.setup(s.clause))
	switch {
	case r.adviceCtx.Err() != nil || tried.Cancelled:
		return r.unadvised(s, "its time was over")
	case err != nil:
		return r.unadvised(s, "no instance of the target could be started for it: "+err.Error())
	}
	concluded, again := conclude(s.clause, false, []trial{tried})
	result, doubt := advised(concluded, tried, again)
	if doubt != "" {
		r.journal.note("advice: %s is not decided: %s", s.clause.ID, doubt)
	}
	if result.Started = started; result.Evidence != nil {
		result.Evidence.Rerun = r.rerun(s.clause.ID)
	}
	return result
}

// advised is what one trial of a clause that does not bind comes to: advice where it
// is broken, else nothing against the target, with the doubt if there is one.
// again: the trial was late on a machine that stalled.
func advised(concluded report.Result, tried trial, again bool) (result report.Result, doubt string) {
	result = concluded
	switch {
	case again:
		doubt = fmt.Sprintf("this machine stalled for %s of %s: %s", tried.Stalled.Round(time.Millisecond), tried.Took.Round(time.Millisecond), tried.Failure.Reason)
	case result.Outcome == report.Fail || result.Outcome == report.Warn:
		result.Outcome = report.Advice
		return result, ""
	case result.Outcome != report.Pass:
		doubt = result.Reason
	}
	result.Outcome, result.Reason, result.Evidence = report.Unsupported, unpromised+"nothing found", nil
	if doubt != "" {
		result.Reason = unpromised + "not decided"
	}
	return result, doubt
}

// unadvised is a clause that was to be looked at, and was not to the end.
func (r *Run) unadvised(s step, why string) report.Result {
	r.journal.note("advice: %s is not decided: %s", s.clause.ID, why)
	result := report.NewResult(s.clause)
	result.Outcome, result.Reason = report.Unsupported, unpromised+"not decided"
	return result
}
