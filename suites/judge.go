package suites

import (
	"fmt"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
)

// maxAttempts is how often a check is tried that a stalled machine made late.
const maxAttempts = 3

// hopelessShare is the part of an attempt, one in so many, from which on a
// machine stalled too much to believe any timing. Below it the stalls are
// subtracted, and what is late three times in a row is the target's.
const hopelessShare = 2

// trial is one attempt at a check and what it left behind.
type trial struct {
	session.Attempt
	died   string // how the target ended, where no check may end it
	ended  string // how it ended, for the evidence
	stderr string
}

// judge brings one clause to its outcome.
func (r *Runner) judge(clause spec.Clause) report.Result {
	result := report.NewResult(clause)
	if r.stopped() {
		return untested(result, "interrupted")
	}
	r.begin.Do(r.start)
	switch {
	case r.stopped():
		return untested(result, "interrupted")
	case r.ready != nil:
		return untested(result, neverReady)
	}
	check, built := r.checks[clause.ID]
	if outcome, reason := r.gate(clause, check, built); outcome != "" {
		result.Outcome, result.Reason = outcome, reason
		return result
	}
	if (check.Study || check.Own) && !r.attached() {
		return r.alone(clause, check, result)
	}
	return r.together(clause, check, result)
}

// neverReady is the reason of every clause where one problem kept all from being judged.
const neverReady = "the target never became ready"

func untested(result report.Result, reason string) report.Result {
	result.Outcome, result.Reason = report.Untested, reason
	return result
}

// together judges on the shared instance. The instance must serve a fresh
// connection afterwards; if it does not, this check is what broke it.
func (r *Runner) together(clause spec.Clause, check session.Check, result report.Result) report.Result {
	if !r.take(r.lane) {
		return untested(result, "interrupted")
	}
	defer func() { <-r.lane }()
	result.Started = r.announce(clause)
	return r.repeat(clause, result, func() (trial, error) {
		in, err := r.sharedInstance()
		if err != nil {
			return trial{}, err
		}
		tried := trial{Attempt: r.opened(check).Attempt(r.ctx, r.setup(in, clause))}
		r.aftermath(in, &tried)
		if tried.Failure != nil || tried.died != "" {
			tried.ended, tried.stderr = tried.died, in.Stderr()
			r.spent(clause.ID)
		}
		return tried, nil
	})
}

// alone judges on an instance of its own: the check may do with it as it likes.
// Studies wait for one of their two places.
func (r *Runner) alone(clause spec.Clause, check session.Check, result report.Result) report.Result {
	if check.Study {
		if !r.take(r.studies) {
			return untested(result, "interrupted")
		}
		defer func() { <-r.studies }()
	}
	result.Started = r.announce(clause)
	return r.repeat(clause, result, func() (trial, error) {
		in, err := r.launch()
		if err != nil {
			return trial{}, err
		}
		defer in.stop()
		tried := trial{Attempt: r.opened(check).Attempt(r.ctx, r.setup(in, clause))}
		if tried.Failure != nil {
			tried.ended, tried.stderr = in.dying(), in.Stderr()
		}
		return tried, nil
	})
}

// opened is the check with the sanity exchange that every check opens with:
// what follows then says something about the clause.
func (r *Runner) opened(check session.Check) session.Check {
	inner := check.Run
	check.Run = func(s *session.Session) {
		s.ServesFresh()
		inner(s)
	}
	return check
}

// aftermath finds out whether the shared instance outlived the check, and
// charges the check if it did not.
func (r *Runner) aftermath(in *instance, tried *trial) {
	if tried.Cancelled {
		return
	}
	if tried.Failure == nil && tried.HarnessError == "" && in.died() == "" {
		after := r.aside(in, func(s *session.Session) { s.ServesFresh() })
		if after.Cancelled || after.Failure == nil {
			return
		}
		tried.Failure = after.Failure
		tried.Failure.Reason = "once the check was over, " + after.Failure.Reason
		tried.Failure.Conn = 0 // its number is another attempt's
		tried.Source = after.Source
		tried.Events = append(tried.Events, after.Events...)
		tried.Stalled, tried.Took = tried.Stalled+after.Stalled, tried.Took+after.Took
		if tried.died = in.dying(); tried.died != "" {
			tried.Failure = nil
		}
	} else {
		tried.died = in.dying()
	}
	if tried.died != "" && tried.Failure == nil {
		tried.Failure = &session.Failure{Reason: "the check was the server's end: " + tried.died,
			Want: "the server goes on", Got: tried.died}
	}
}

// repeat tries until the outcome stands: at once, unless a failure rests on
// time and the machine stalled.
func (r *Runner) repeat(clause spec.Clause, result report.Result, try func() (trial, error)) report.Result {
	var late []trial
	for {
		tried, err := try()
		switch {
		case r.stopped() || tried.Cancelled:
			return untested(result, "interrupted")
		case err != nil && r.gone != "":
			return untested(result, err.Error())
		case err != nil:
			result.Outcome, result.Reason = report.Error, "an instance of the target for this check could not be started: "+err.Error()
			return result
		}
		result.Evidence = r.evidence(clause, tried, len(late)+1)
		switch {
		case tried.HarnessError != "":
			reason, stack, _ := strings.Cut(tried.HarnessError, "\n")
			result.Outcome, result.Reason = report.Error, reason
			if stack != "" {
				result.Evidence.Notes = append(result.Evidence.Notes, stack)
			}
			return result
		case tried.Untested != "":
			return untested(result, tried.Untested)
		case tried.Inconclusive != "":
			result.Outcome, result.Reason = report.Inconclusive, tried.Inconclusive
			return result
		case tried.Failure == nil:
			result.Outcome = report.Pass
			for i, l := range late {
				result.Evidence.Notes = append(result.Evidence.Notes, fmt.Sprintf("attempt %d was late while the machine stalled for %s of %s: %s",
					i+1, l.Stalled.Round(time.Millisecond), l.Took.Round(time.Millisecond), l.Failure.Reason))
			}
			if len(late) == 0 && !r.options.Verbose {
				result.Evidence = nil
			}
			return result
		case tried.Failure.Kind == session.Wrong || tried.died != "" || tried.Steady():
			return broken(result, tried)
		}
		if late = append(late, tried); len(late) == maxAttempts {
			return thrice(result, late)
		}
	}
}

// broken is the outcome of a broken clause; whoever kills the server breaks more
// than a SHOULD.
func broken(result report.Result, tried trial) report.Result {
	result.Outcome, result.Reason = report.Fail, tried.Failure.Reason
	if result.Level == spec.Should && tried.died == "" {
		result.Outcome = report.Warn
	}
	return result
}

// thrice decides about a check that was late in every attempt on a machine that
// stalled in every attempt.
func thrice(result report.Result, late []trial) report.Result {
	for _, tried := range late {
		if tried.Stalled < tried.Took/hopelessShare {
			result.Evidence.Notes = append(result.Evidence.Notes,
				fmt.Sprintf("late in %d of %d attempts, with the machine's stalls subtracted", len(late), len(late)))
			return broken(result, tried)
		}
	}
	last := late[len(late)-1]
	result.Outcome = report.Inconclusive
	result.Reason = fmt.Sprintf("this machine stalled for %s of %s in the last of %d attempts, all late: %s",
		last.Stalled.Round(time.Millisecond), last.Took.Round(time.Millisecond), len(late), last.Failure.Reason)
	return result
}

func (r *Runner) evidence(clause spec.Clause, tried trial, attempts int) *report.Evidence {
	e := &report.Evidence{Sent: tried.Events, Source: tried.Source, Stderr: tried.stderr, Notes: tried.Notes,
		Slack: tried.Slack, Attempts: attempts, Rerun: r.rerun(clause.ID)}
	if f := tried.Failure; f != nil {
		e.Want, e.Got, e.Why, e.Conn = f.Want, f.Got, f.Why, f.Conn
		if e.Why == "" {
			e.Why = clause.Intent
		}
		if tried.ended != "" && !strings.Contains(e.Got, tried.ended) {
			e.Got = strings.TrimPrefix(e.Got+"; "+tried.ended, "; ")
		}
	}
	return e
}

// announce says that a clause is being judged now, which it returns.
func (r *Runner) announce(clause spec.Clause) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.options.Progress(Progress{Clause: clause, Done: r.done, Total: len(r.clauses)})
	return time.Now()
}

// take waits for a place; false when the run is to end.
func (r *Runner) take(place chan struct{}) bool {
	select {
	case place <- struct{}{}:
		return !r.giveBack(place)
	case <-r.ctx.Done():
		return false
	}
}

// giveBack leaves the place again if the run ended while it was being taken.
func (r *Runner) giveBack(place chan struct{}) bool {
	if !r.stopped() {
		return false
	}
	<-place
	return true
}
