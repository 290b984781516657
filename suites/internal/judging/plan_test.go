package judging

import (
	"errors"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

func TestASeedFixesTheOrder(t *testing.T) {
	order := func(seed uint64) string {
		o := Options{Seed: seed}
		clauses, err := o.selected()
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, clause := range clauses {
			ids = append(ids, clause.ID)
		}
		return strings.Join(ids, " ")
	}
	if first, again := order(7), order(7); first != again || order(7) == order(8) || order(7) == order(0) {
		t.Error("the order does not follow the seed")
	}
	var none Options
	none.Clauses = []string{"CONN-1"}
	none.Levels = []spec.Level{spec.Should}
	if _, err := none.selected(); !errors.As(err, new(*UsageError)) {
		t.Errorf("an empty selection is %v", err)
	}
}
