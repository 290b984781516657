package judging

import (
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// A clause that came after the version that a target is pinned to does not bind it;
// one of that version does.
func TestAYoungerClauseDoesNotBind(t *testing.T) {
	young := spec.Clause{ID: "CONN-999", Family: "CONN", Level: spec.Must, Kind: spec.Deterministic, Vantages: []spec.Vantage{spec.Wire}, Classes: spec.Classes()}
	old, _ := spec.Lookup("CONN-1")
	known := facts{info: target.File{Dialect: "echo", Spec: "0.1"}}
	outcome, why, _ := gate(step{clause: young, built: true}, known, false)
	if outcome != report.Unsupported || !strings.Contains(why, "younger than spec: 0.1") {
		t.Errorf("a younger clause is %q: %s", outcome, why)
	}
	if outcome, why, _ := gate(step{clause: old, built: true}, known, false); strings.Contains(why, "younger") {
		t.Errorf("a clause of that version is %q: %s", outcome, why)
	}
	known.info.Spec = spec.Writing
	if _, why, _ := gate(step{clause: young, built: true}, known, false); strings.Contains(why, "younger") {
		t.Errorf("a clause of the version being written, for a target pinned to it: %s", why)
	}
}
