package inproc

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

// TestMain has rapid spend little on faults that are put in on purpose, and keep
// no files of them.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"rapid.shrinktime": "500ms", "rapid.checks": "25", "rapid.nofailfile": "true"} {
		_ = flag.Set(name, value)
	}
	goleak.VerifyTestMain(m)
}

// brisk is a budget for loops that are seen to fail.
var brisk = func() session.Budget {
	b := session.DefaultBudget
	b.Await = 600 * time.Millisecond
	return b
}()

// briskPatience is how long a model waits for a loop that is known to be faulty.
const briskPatience = 400 * time.Millisecond

// everything is what a plain loop offers.
var everything = []spec.Feature{"where", "post", "timer", "hooks", "timer-any-thread"}

// attempt judges one clause on loops with a fault.
func attempt(t *testing.T, clause, fault string) session.Attempt {
	t.Helper()
	v := Vantage{New: newPlain(fault), Features: everything}
	for _, check := range v.Checks() {
		if check.Clause == clause {
			known, ok := spec.Lookup(clause)
			if !ok {
				t.Fatalf("the spec has no %s", clause)
			}
			canary := observe.StartCanary() // or a machine that stalls would be taken for a loop that does
			defer canary.Stop()
			return check.Attempt(context.Background(), session.Setup{Clause: known, Seed: 7, Budget: brisk, Canary: canary})
		}
	}
	t.Fatalf("%s has no check", clause)
	return session.Attempt{}
}

// TestEveryClauseHasACheck compares the spec's vantages with the checks.
func TestEveryClauseHasACheck(t *testing.T) {
	built := map[string]bool{"LIFE-8": true} // of servers, not of loops: suites.VerifyServer
	for _, check := range (Vantage{}).Checks() {
		clause, known := spec.Lookup(check.Clause)
		if !known || !clause.Sees(spec.Inproc) {
			t.Errorf("%s has a check in-process, but does not list that vantage", check.Clause)
		}
		if built[check.Clause] {
			t.Errorf("%s has two checks", check.Clause)
		}
		built[check.Clause] = true
	}
	for _, clause := range spec.Clauses() {
		if clause.Sees(spec.Inproc) && !built[clause.ID] {
			t.Errorf("%s lists the vantage inproc, but no check judges it there", clause.ID)
		}
	}
}

// TestAPlainLoopIsRight: whoever keeps the contract is found to keep it.
func TestAPlainLoopIsRight(t *testing.T) {
	for _, check := range (Vantage{}).Checks() {
		t.Run(check.Clause, func(t *testing.T) {
			if testing.Short() && strings.HasPrefix(check.Clause, "TIME") {
				t.Skip("-short: timers take seconds")
			}
			a := attempt(t, check.Clause, "")
			if a.Failure != nil && (a.Failure.Kind == session.Wrong || a.Steady()) || a.HarnessError != "" || a.Inconclusive != "" || a.Untested != "" {
				t.Errorf("%+v %s%s%s", a.Failure, a.HarnessError, a.Inconclusive, a.Untested)
			}
		})
	}
}

// faults name what is wrong with a plain loop, the clause that it breaks, and
// what the check says then: all that it may say, separated by " | ".
var faults = []struct{ fault, clause, because string }{
	{"posts do not wake", "WAKE-2", "did not come"},
	{lateAnnouncement, "WAKE-3", "did not run within"},
	{lateAnnouncement, "WAKE-4", "threads posted at once"},
	{"a full wakeup is an error", "WAKE-6", "reported an error"},
	{"runs one in a thousand twice", "TASK-1", "runs of task"},
	{"last come, first served", "TASK-2", "ran after its task"},
	{"tasks on any thread", "TASK-3", "InLoop says false"},
	{"loses one in a thousand", "TASK-4", "tasks run"},
	{"tasks until none is left", "TASK-5", "no turn"},
	{"runs its own posts at once", "TASK-6", "before it was over"},
	{"tasks until none is left", "TASK-7", "turns"},
	{"quiet turns skip hooks", "TASK-8", "after-poll"},
	{"hooks out of order", "TASK-9", "was next"},
	{"drops tasks at the end", "TASK-14", "that ran"},
	{lateRefusal, "TASK-14", "that ran"},
	{"takes tasks after its end", "TASK-14", "was accepted"},
	{"rounds down", "TIME-1", "early"},
	{"sleeps by the second", "TIME-2", "beyond its deadline"},
	{"a slot of a wheel in any order", "TIME-3", "due"},
	{"timers by chance", "TIME-4", "another order"},
	{"ties reversed", "TIME-4", "another order"},
	{"cancels in word only", "TIME-5", "fired after Cancel"},
	{"set again after the call", "TIME-6", "cancelled itself"},
	{"resets later only", "TIME-7", "did not come"},
	{"periods from now", "TIME-8", "nearer to the grid | a period or more after"},
	{"timers until none is due", "TIME-11", "no turn"},
	{"timers from outside do not wake", "TIME-13", "did not come"},
}

// Faults that only show while two threads run at once.
const (
	lateAnnouncement = "looks first, then announces its sleep"
	lateRefusal      = "looks for the last time, then begins to refuse"
)

// says reports whether the text holds one of the row's phrases.
func says(text, because string) bool {
	return slices.ContainsFunc(strings.Split(because, " | "), func(phrase string) bool { return strings.Contains(text, phrase) })
}

func needsTwo(t *testing.T, fault string) {
	t.Helper()
	if (fault == lateAnnouncement || fault == lateRefusal) && runtime.NumCPU() < 2 {
		t.Skip("the race needs two processors")
	}
}

// TestFaultsAreFound gives a loop one fault and judges it by the clause that the fault breaks.
func TestFaultsAreFound(t *testing.T) {
	for _, row := range faults {
		t.Run(row.clause+" "+row.fault, func(t *testing.T) {
			needsTwo(t, row.fault)
			if strings.HasPrefix(row.clause, "TIME") && row.clause != "TIME-8" && row.clause != "TIME-11" {
				t.Parallel() // they mostly wait
			}
			a := attempt(t, row.clause, row.fault)
			switch {
			case a.HarnessError != "":
				t.Errorf("the check broke: %s", a.HarnessError)
			case a.Failure == nil:
				t.Error("nothing was found")
			case !says(a.Failure.Reason, row.because):
				t.Errorf("found %q, which does not say %q", a.Failure.Reason, row.because)
			}
		})
	}
}

// found runs a model as a test would and returns what the test would have said.
type found struct {
	testing.TB
	said   strings.Builder
	failed bool
}

func (f *found) Helper()                      {}
func (f *found) Name() string                 { return "TestModel" }
func (f *found) Logf(format string, a ...any) {}
func (f *found) Log(a ...any)                 {}
func (f *found) Errorf(format string, args ...any) {
	f.failed = true
	fmt.Fprintf(&f.said, format+"\n", args...)
}
func (f *found) FailNow()                          { f.failed = true; runtime.Goexit() }
func (f *found) Fatalf(format string, args ...any) { f.Errorf(format, args...); runtime.Goexit() }
func (f *found) Failed() bool                      { return f.failed }

func judgeModel(model Model, fault string) *found {
	f := new(found)
	if fault != "" { // the search ends at the first find; what is rare must not be missed by chance
		was := flag.Lookup("rapid.checks").Value.String()
		_ = flag.Set("rapid.checks", "400")
		defer flag.Set("rapid.checks", was)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		rapid.Check(f, func(t *rapid.T) { model.Run(t, newPlain(fault)) })
	}()
	<-done
	return f
}

// modelFaults are the same for models. A plain loop without a fault stands among
// them: every model accepts it. A model says what it comes across first, and
// what that is the drawn case decides: a timer that is cancelled in word only
// fires, or a second Cancel or a Reset finds it pending.
var modelFaults = []struct{ model, fault, because string }{
	{"tasks", "", ""},
	{"timers", "", ""},
	{"wakeups", "", ""},
	{"tasks", "last come, first served", "in its place"},
	{"tasks", "drops tasks at the end", "after the end"},
	{"tasks", "runs its own posts at once", "inside the task that posted them"},
	{"tasks", "tasks on any thread", "InLoop says false"},
	{"wakeups", "posts do not wake", "did not come"},
	{"wakeups", lateAnnouncement, "did not come"},
	{"wakeups", "timers from outside do not wake", "(timer) did not come"},
	{"timers", "rounds down", "early | before timer"}, // also before one that is due earlier
	{"timers", "timers by chance", "before timer"},
	{"timers", "ties reversed", "before timer"},
	{"timers", "cancels in word only", "not pending | reported true, want false"},
	{"timers", "set again after the call", "not pending | reported true, want false | early"}, // early: moved in its own call, and moved back
	{"timers", "resets later only", "before timer"},
	{"timers", "what is due is not looked at again", "not pending"},
	{"timers", "what is due cannot be moved", "early"},
	{"timers", "timers from outside do not wake", "did not fire"},
}

// TestEveryJudgeHasAFault: a check or a model that no faulty loop is known to
// fail proves nothing.
func TestEveryJudgeHasAFault(t *testing.T) {
	proven := make(map[string]bool)
	for _, row := range faults {
		proven[row.clause] = row.fault != "" && row.because != ""
	}
	for _, row := range modelFaults {
		proven[row.model] = proven[row.model] || row.fault != "" && row.because != ""
	}
	for _, check := range (Vantage{}).Checks() {
		if !proven[check.Clause] {
			t.Errorf("no loop is known that the check of %s finds faulty: add a row to faults", check.Clause)
		}
	}
	for _, model := range (Vantage{}).Models() {
		if !proven[model.Name] {
			t.Errorf("no loop is known that the model %q finds faulty: add a row to modelFaults", model.Name)
		}
	}
}

// TestModels: the models accept the plain loop, and find what is wrong with faulty ones.
func TestModels(t *testing.T) {
	for _, row := range modelFaults {
		t.Run(row.model+" "+row.fault, func(t *testing.T) {
			needsTwo(t, row.fault)
			v := Vantage{Features: everything}
			if row.fault != "" {
				v.Patience = briskPatience
			}
			for _, model := range v.Models() {
				if model.Name != row.model {
					continue
				}
				f := judgeModel(model, row.fault)
				if f.failed != (row.fault != "") || !says(f.said.String(), row.because) {
					t.Errorf("failed: %v, and said %.600q, not %q", f.failed, f.said.String(), row.because)
				}
			}
		})
	}
}
