package judging

import (
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// TestGate asks the gates without a run: nothing is started for them.
func TestGate(t *testing.T) {
	probe, err := dialect.Lookup("probe")
	if err != nil {
		t.Fatal(err)
	}
	reactor := facts{info: target.File{Dialect: "probe", Class: spec.Reactor, Features: []spec.Feature{"post"}}, dialect: probe, process: true}
	with := func(change func(*facts)) facts {
		known := reactor
		change(&known)
		return known
	}
	bytes, wakeups, tree, timers := clause("CONN-1"), clause("WAKE-3"), clause("LOOP-1"), clause("TIME-1")
	for name, c := range map[string]struct {
		step  step
		known facts
		want  report.Outcome
		says  string
	}{
		"nothing is in the way": {step{clause: bytes, built: true}, reactor, "", ""},
		"no check":              {step{clause: bytes}, reactor, report.Untested, "no check is built"},
		"a soak":                {step{clause: bytes, built: true, check: session.Check{Soak: true}}, reactor, report.Untested, "give --soak"},
		"another class": {step{clause: wakeups, built: true}, with(func(k *facts) { k.info.Class = spec.Iterative }), report.Unsupported,
			"the target is iterative"},
		"no class":   {step{clause: wakeups, built: true}, with(func(k *facts) { k.info.Class = "" }), report.Unsupported, "declares no class"},
		"no feature": {step{clause: timers, built: true}, reactor, report.Unsupported, "it needs timer"},
		"distrust": {step{clause: wakeups, built: true}, with(func(k *facts) { k.distrust = "it says yes to everything" }), report.Untested,
			"says yes"},
		"no pid": {step{clause: tree, built: true}, with(func(k *facts) { k.process = false }), report.Untested, "give --pid"},
		"an own instance of one that runs": {step{clause: bytes, built: true, check: session.Check{Own: true}}, with(func(k *facts) { k.attached = true }),
			report.Untested, "let reactorspec start it"},
		"a value":                    {step{clause: wakeups, built: true, here: true}, reactor, "", ""},
		"a value without the method": {step{clause: timers, built: true, here: true}, reactor, report.Unsupported, "which is not offered"},
		"a value and bytes":          {step{clause: bytes, here: true}, reactor, report.Untested, "by the methods of spec/contract alone"},
	} {
		t.Run(name, func(t *testing.T) {
			said := gate(c.step, c.known, new(Options))
			if said.outcome != c.want || !strings.Contains(said.reason, c.says) || (said.outcome == "") != (said.reason == "") || said.unbound {
				t.Errorf("%+v; want %q: %s", said, c.want, c.says)
			}
		})
	}
}

func clause(id string) spec.Clause {
	found, _ := spec.Lookup(id)
	return found
}
