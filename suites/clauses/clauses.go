// Package clauses holds the checks: one function for each clause, and one or more files
// for each family, named like the files of spec/.
//
// Users reach them through the doors: there is no compatibility promise.
package clauses

import (
	"slices"

	"github.com/reactorspec/reactorspec/suites/session"
)

// All returns the checks of all families.
func All() []session.Check {
	return slices.Concat(
		model,
		sign,
		acc,
		conn,
		flow,
		probeFamily,
		loop,
		wake,
		task,
		timing,
		work,
		life,
		resources,
		handshakes,
	)
}

// soaking are the clauses whose checks do many times as much in a soak, and take
// minutes for it: their pages say how much.
var soaking = []string{"ACC-4", "ACC-5", "CONN-22", "LOOP-18", "WAKE-3", "RES-1", "RES-2", "RES-3", "RES-5", "RES-7", "RES-8", "RES-9", "RES-10", "LIFE-9", "LIFE-10", "LIFE-22", "PROBE-13"}

// Soaking returns the checks of all families as a soak runs them: those that do
// more then are given the time for it.
func Soaking() []session.Check {
	checks := All()
	for i, check := range checks {
		checks[i].Soak = slices.Contains(soaking, check.Clause)
	}
	return checks
}
