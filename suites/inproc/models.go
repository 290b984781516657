package inproc

import (
	"pgregory.net/rapid"
)

// Model is a state machine that compares a loop with a plain model under drawn
// operations. Run draws one case, on a loop of its own that it runs to its end;
// it serves rapid.Check and rapid.MakeFuzz alike.
type Model struct {
	Name   string
	Family string // of the clauses that it is about
	Run    func(t *rapid.T, newLoop Factory)
}

// Models lists the models that bind every loop of the contract.
func (v Vantage) Models() []Model {
	return []Model{
		{"tasks", "TASK", Tasks},
		{"wakeups", "WAKE", Wakeups},
		{"timers", "TIME", Timers},
	}
}
