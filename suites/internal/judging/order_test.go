package judging

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
)

// TestVerdictsDoNotDependOnTheOrder judges one server, which keeps some clauses
// and breaks others, by the real checks in three orders.
func TestVerdictsDoNotDependOnTheOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("judges three times; left out by -short")
	}
	selected := []string{"CONN-1", "CONN-2", "CONN-3", "CONN-6", "CONN-12", "CONN-14", "ACC-3", "SIGN-1", "SIGN-2", "SIGN-3", "SIGN-6",
		"PROBE-1", "PROBE-2", "PROBE-3", "PROBE-11"}
	var first map[string]report.Outcome
	orders := make(map[string]bool)
	for _, seed := range []uint64{1, 2, 3} {
		run, err := all(t.Context(), tiny.Target(t, "garbles"), Options{Clauses: selected, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, result := range run.Results {
			order = append(order, result.Clause)
		}
		orders[strings.Join(order, " ")] = true
		if first == nil {
			first = outcomes(run)
			continue
		}
		for id, outcome := range outcomes(run) {
			if outcome != first[id] {
				t.Errorf("%s is %s in the order of seed %d, and was %s before: %s", id, outcome, seed, first[id], reason(run, id))
			}
		}
	}
	if len(orders) != 3 {
		t.Errorf("the seeds made %d orders", len(orders))
	}
	came := slices.Collect(maps.Values(first))
	if len(first) != len(selected) || !slices.Contains(came, report.Pass) || !slices.Contains(came, report.Fail) {
		t.Errorf("outcomes %v", first)
	}
	t.Log(first)
}
