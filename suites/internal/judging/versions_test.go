package judging

import (
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/target"
)

// A clause that came after the version that a target is pinned to does not bind it;
// one of that version does.
func TestAYoungerClauseDoesNotBind(t *testing.T) {
	young := spec.Clause{ID: "CONN-999", Family: "CONN", Level: spec.Must, Kind: spec.Deterministic, Vantages: []spec.Vantage{spec.Wire}, Classes: spec.Classes()}
	old, _ := spec.Lookup("CONN-1")
	known := facts{info: target.File{Dialect: "echo", Spec: "0.1"}}
	page := spec.Dialect{Name: "echo", Promises: map[string]string{"CONN-1": "RFC 862", "CONN-999": "RFC 862"}}
	if why := unbound(young, known.info, page); !strings.Contains(why, "younger than spec: 0.1") {
		t.Errorf("a younger clause: %q", why)
	}
	if why := unbound(old, known.info, page); why != "" {
		t.Errorf("a clause of that version: %s", why)
	}
	known.info.Promises = []string{"CONN-999"}
	if why := unbound(young, known.info, page); why != "" {
		t.Errorf("a younger clause that the target promises by name: %s", why)
	}
	known.info.Promises, known.info.Spec = nil, spec.Writing
	if why := unbound(young, known.info, page); why != "" {
		t.Errorf("a clause of the version being written, for a target pinned to it: %s", why)
	}
}
