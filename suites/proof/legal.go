package proof

import (
	"slices"

	"github.com/reactorspec/reactorspec/spec"
)

// Variant is a server that breaks nothing and is odd: an edit of the reference, or
// a small server, that does something which a correct server may do in another way.
type Variant struct {
	Fault
	// Clauses are those that blamed, or might blame, a server for it.
	Clauses []string
	// Rules are those of spec/verdicts.md that a check would break by blaming it.
	Rules []spec.Rule
	// Untested are those of the clauses that may be untested, each with a phrase of
	// the reason: what the server does keeps the check from the state it is about.
	Untested map[string]string
	// True are clauses that it breaks all the same, whatever else it is innocent of.
	True []string
	// Whole has the variant judged by the whole spec, where time allows (-every).
	Whole bool
	// Wrap is a command that runs the server's, which follows it.
	Wrap []string
	// Attached has the server running beforehand, and nobody says its pid.
	Attached bool
}

// Legal lists the variants. A check that fails one of them is wrong.
var Legal = slices.Concat(edited, scarce, kernels, unseen, classes, closing, trees, stops, heaps, restless, paced, quitting, handshakes)

// edited are edits of the reference.
var edited = []Variant{
	{
		Fault: Fault{
			Name: "missed-expiries-at-once",
			Why:  "a periodic timer makes up in one turn for all expiries that it missed before it",
			File: "reference/timers.go",
			Old: `	for !l.fire() {
	}
`,
			New: `	for again := true; again; {
		for !l.fire() {
		}
		t.mu.Lock()
		again = false
		for tm := t.wheel.expire(now); tm != nil; tm = t.wheel.expire(now) {
			tm.in, tm.at = inReady, int32(len(t.ready))
			t.ready = append(t.ready, tm)
			again = true
		}
		t.mu.Unlock()
	}
`,
		},
		Clauses: []string{"TIME-1", "TIME-3", "TIME-4", "TIME-8", "TIME-10", "TIME-11"},
		Rules:   []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{
			Name: "coarse-tick",
			Why:  "timers are looked at where a clock of 200 ms ticks",
			File: "reference/loop_sleep.go",
			Old:  "return min(max(0, next-now), poll.MaxTimeout)",
			New: `if next <= now {
		return 0
	}
	const tick = 200 * time.Millisecond
	return min((next+tick-1)/tick*tick-now, poll.MaxTimeout)`,
		},
		Clauses: []string{"TIME-1", "TIME-2", "TIME-3", "TIME-4", "TIME-8", "TIME-12", "TIME-13"},
		Rules:   []spec.Rule{spec.Slow},
	},
	{
		Fault: Fault{
			Name: "closes-beyond-its-limit",
			Why:  "a connection with more unread output than the limit is closed",
			File: "reference/conn.go",
			Old: `			c.congested = true
`,
			New: `			c.congested = true
			c.Abort(ErrClosed)
`,
		},
		Clauses:  []string{"FLOW-1", "FLOW-2", "FLOW-3", "FLOW-4", "FLOW-5", "FLOW-9", "CONN-4", "CONN-5", "CONN-7", "CONN-12", "CONN-13", "CONN-18", "LOOP-3", "LOOP-4", "LOOP-12", "LIFE-22"},
		Rules:    []spec.Rule{spec.Scarce},
		Untested: map[string]string{"LIFE-22": "had read nothing"},
	},
}

// UntriedClauses gives the reason for each clause that no variant can be judged by.
var UntriedClauses = map[string]string{
	"TASK-14": "seen in-process only, where there is no server to be odd",
	"CONN-21": "the reference sends no greeting; the pair g1 of suites/proof/regress does",
}

// judgedBy reports whether the clause is among those that the variant is judged by.
func (v Variant) judgedBy(clause spec.Clause) bool {
	return slices.Contains(v.Clauses, clause.ID) || v.Whole && v.binds(clause)
}

// notOfTheReference are the features that it does not offer unless a flag asks for them.
var notOfTheReference = []spec.Feature{"greeting", "idle-timeout"}

// binds reports whether the clause binds the variant's dialect, class and features.
func (v Variant) binds(clause spec.Clause) bool {
	t := v.Target(nil).File
	page, _ := t.Page()
	class := t.Class
	if class == "" {
		class = spec.MultiReactor
		if at := slices.Index(v.Args, "--class"); at >= 0 {
			class = spec.Class(v.Args[at+1])
		}
	}
	if _, promised := page.Bound(v.Promises, "").Promises[clause.ID]; !promised || !clause.Binds(class) {
		return false
	}
	for _, feature := range clause.Needs {
		asked := feature == "idle-timeout" && (slices.Contains(v.Args, "--idle-timeout") || v.Idle > 0) || feature == "tls" && v.TLS
		offered := v.Server == "" && !slices.Contains(notOfTheReference, feature)
		if !asked && !offered && !slices.Contains(t.Features, feature) && !slices.Contains(page.Features, feature) {
			return false
		}
	}
	return true
}
