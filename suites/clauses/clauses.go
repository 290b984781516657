// Package clauses holds the checks: one function a clause, one file or a few
// a family, named as the files of spec/.
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
	)
}
