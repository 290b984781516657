package proof

import "fmt"

// Chance is a clause whose check finds its fault by chance, and the fault by
// which its detection rate is measured (command rate).
type Chance struct{ Clause, Fault string }

// Stochastic lists them, each with the fault that leaves most to chance.
var Stochastic = []Chance{
	{"CONN-6", "hangup-before-data"},
	{"CONN-11", "hangup-before-data"},
	{"CONN-15", "descriptor-is-closed-twice"},
	{"CONN-19", "half-closed-before-adoption"},
	{"CONN-22", "neighbours-end-clears-half-sign-ons"},
	{"PROBE-13", "timer-of-a-reset-connection-answers-a-neighbour"},
	{"WAKE-3", "looks-before-it-announces"},
	{"WAKE-4", "one-waker-at-a-time"},
	{"WAKE-9", "eintr-sleeps-on"},
	{"TASK-2", "last-in-first-out"},
	{"TASK-4", "append-without-lock"},
	{"TASK-10", "shared-task-stays"},
	{"WORK-6", "results-by-descriptor"},
	{"WORK-7", "signals-only-an-empty-queue"},
}

// Row finds the fault.
func (c Chance) Row() (Fault, error) {
	for _, f := range Faults() {
		if f.Name == c.Fault {
			return f, nil
		}
	}
	return Fault{}, fmt.Errorf("%s: no fault is named %s", c.Clause, c.Fault)
}
