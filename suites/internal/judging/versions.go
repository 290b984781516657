package judging

import (
	"fmt"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/target"
)

// younger says why a clause does not bind a target that is pinned to a version of
// the spec; "" where it may.
func younger(clause spec.Clause, file target.File) string {
	if !clause.Younger(file.Spec) {
		return ""
	}
	return fmt.Sprintf("it is younger than spec: %s, which the target is judged by (since %s)", file.Spec, clause.Since())
}
