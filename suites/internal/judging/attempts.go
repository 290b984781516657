package judging

import (
	"fmt"
	"slices"
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

// conclude brings the trials of a clause's check, none of which was cut short, to a
// result, or asks for another one: the outcome stands at once, unless a failure
// rests on time and the machine stalled. A failure that is expected blames nobody anew:
// one late trial bears it out, if the machine stalled for less than half of it.
func conclude(clause spec.Clause, expected bool, trials []trial) (result report.Result, again bool) {
	result = report.NewResult(clause)
	tried, late := trials[len(trials)-1], trials[:len(trials)-1]
	result.Evidence = evidence(clause, tried, len(trials))
	switch {
	case tried.HarnessError != "":
		reason, stack, _ := strings.Cut(tried.HarnessError, "\n")
		result.Outcome, result.Reason = report.Error, reason
		if stack != "" {
			result.Evidence.Notes = append(result.Evidence.Notes, stack)
		}
	case tried.Untested != "":
		result.Outcome, result.Reason = report.Untested, tried.Untested
	case tried.Inconclusive != "":
		result.Outcome, result.Reason = report.Inconclusive, tried.Inconclusive
	case tried.Failure == nil:
		result.Outcome = report.Pass
		for i, l := range late {
			result.Evidence.Notes = append(result.Evidence.Notes, fmt.Sprintf("attempt %d was late while the machine stalled for %s of %s: %s",
				i+1, l.Stalled.Round(time.Millisecond), l.Took.Round(time.Millisecond), l.Failure.Reason))
		}
	case tried.Failure.Kind == session.Wrong || tried.died != "" || tried.Steady() || tried.deaf() || expected && !tried.hopeless():
		result = breach(result, tried)
	case len(trials) == maxAttempts:
		result = thrice(result, trials)
	default:
		return result, true
	}
	return result, false
}

// deafFor is a wait without stalls that needs no second one: whoever says nothing for so
// long does not say more for being asked again, and each time costs as much.
const deafFor = 30 * time.Second

// deaf reports whether the failure rests on such a wait, on a machine that did not stall
// for most of the time.
func (t trial) deaf() bool {
	return t.Failure.Patience >= deafFor && !t.hopeless()
}

// hopeless reports whether the machine stalled too much to believe any timing.
func (t trial) hopeless() bool { return t.Stalled >= t.Took/hopelessShare }

// breach is the outcome of a broken clause; whoever kills the server breaks more
// than a SHOULD.
func breach(result report.Result, tried trial) report.Result {
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
		if !tried.hopeless() {
			result.Evidence.Notes = append(result.Evidence.Notes,
				fmt.Sprintf("late in %d of %d attempts, with the machine's stalls subtracted", len(late), len(late)))
			return breach(result, tried)
		}
	}
	last := late[len(late)-1]
	result.Outcome = report.Inconclusive
	result.Reason = fmt.Sprintf("this machine stalled for %s of %s in the last of %d attempts, all late: %s",
		last.Stalled.Round(time.Millisecond), last.Took.Round(time.Millisecond), len(late), last.Failure.Reason)
	return result
}

// crashes are signals that no check sends: who ends by one in the check of a stop has died
// all the same.
var crashes = []string{"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGPIPE"}

// evidence is what a trial leaves to the reader.
func evidence(clause spec.Clause, tried trial, attempts int) *report.Evidence {
	died := tried.died
	if died == "" && slices.ContainsFunc(crashes, func(signal string) bool { return strings.Contains(tried.ended, signal) }) {
		died = tried.ended
	}
	e := &report.Evidence{Sent: tried.Events, Source: tried.Source, Died: died, Stderr: tried.stderr, Notes: tried.Notes,
		Slack: tried.Slack, Attempts: attempts}
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
