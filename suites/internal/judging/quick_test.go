package judging

import (
	"slices"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/clauses"
	"github.com/reactorspec/reactorspec/suites/session"
)

// shortened are the checks that wait for seconds, but not in a quick run.
var shortened = []string{"ACC-5"}

// A quick run has checks of clauses in force, each once, and none that takes its time.
func TestQuick(t *testing.T) {
	checks := make(map[string]session.Check)
	for _, check := range clauses.All() {
		checks[check.Clause] = check
	}
	seen := make(map[string]bool)
	for _, id := range quick {
		clause, known := spec.Lookup(id)
		check, built := checks[id]
		long := check.Long && !slices.Contains(shortened, id)
		if !known || clause.Withdrawn || !built || long || check.Soak || seen[id] {
			t.Errorf("%s: known %t, withdrawn %t, has a check %t, long %t, a soak %t, seen before %t", id, known, clause.Withdrawn, built, long, check.Soak, seen[id])
		}
		seen[id] = true
	}
	o := Options{Quick: true, Families: []string{"CONN"}}
	list, err := o.selected()
	if err != nil || len(list) == 0 || !o.Narrowed() {
		t.Fatalf("%d clauses, %v", len(list), err)
	}
	for _, clause := range list {
		if clause.Family != "CONN" || !seen[clause.ID] {
			t.Errorf("%s is selected", clause.ID)
		}
	}
}
