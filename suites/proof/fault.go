// Package proof tests the checks: it builds servers that break the spec on
// purpose and shows that exactly the clauses they break are called broken.
//
// A fault is one edit of the reference, built with `go build -overlay` so that
// no shipped code carries a switch, or a small server of its own for what a
// reactor in Go cannot get wrong. A row names the whole set of clauses that
// the fault breaks: a clause that fails and is not named is as much a defect
// of the suites as one that is named and passes. Faults that the suites do not
// see yet have rows too, marked as missed.
//
// It is for this project alone: there is no compatibility promise.
package proof

import (
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

// undeclared is the class of a server about which nobody says one.
const undeclared = "undeclared"

// Edit replaces one piece of a source file of the reference.
type Edit struct {
	File string // from the module's root: reference/loop.go
	Old  string // must occur exactly once
	New  string
}

// Fault is one way to break the spec, and the clauses that it breaks.
type Fault struct {
	// Name is unique, in words joined by hyphens, and says what is wrong.
	Name string
	// Why says in a sentence how the edit breaks the clauses.
	Why string
	// File, Old and New are the edit; More holds further ones.
	File, Old, New string
	More           []Edit
	// Server, where set, takes the place of an edit: a directory below
	// suites/proof/servers that holds main.go, main.c, main.py, main.js or main.sh.
	Server string
	// Args follow the server's command; for an edited reference they are flags
	// of serve. {port} is replaced, and for an edited reference
	// --listen 127.0.0.1:{port} is given already.
	Args []string
	// Env is added to the server's environment.
	Env map[string]string `json:",omitzero"`
	// Control are a Server's arguments without its fault. It is judged by the same
	// clauses and has to pass them, or they would say nothing of the fault.
	Control []string `json:",omitzero"`
	// Dialect and Class are the target's, "probe" and "multi-reactor" if empty; nobody
	// says an undeclared class.
	Dialect, Class string
	// TLS has a Server spoken to over TLS; its certificate vouches for itself.
	TLS bool `json:",omitzero"`
	// HTTP is what the http dialect asks of a Server; nil is an echo.
	HTTP *dialect.HTTP `json:",omitzero"`
	// Features are declared for a Server; an edited reference says them itself.
	Features []string
	// Promises are clauses that the target file promises beyond what the dialect does.
	Promises []string `json:",omitzero"`
	// Idle is the declared idle timeout of a Server, 0 for none.
	Idle time.Duration `json:",omitzero"`
	// MaxClients is how many clients at a time the target says that it has room for.
	MaxClients int `json:",omitzero"`
	// Payload bounds what a request to a Server carries, in bytes.
	Payload target.Payload `json:",omitzero"`
	// Limit is the declared limit of unread output, in bytes, of a Server; Memory
	// what the target file declares for a heap that is collected late, in bytes.
	Limit, Memory int64 `json:",omitzero"`
	// Breaks is the exact set of clauses that fail (MUST) or warn (SHOULD).
	Breaks []string
	// Sometimes lists clauses that the fault may or may not break, each a
	// matter of chance or timing, with no say in the verdict of the self-test, and
	// Neighbours says what the chance is.
	Sometimes  []string
	Neighbours string `json:",omitzero"`
	// Missed says why the suites do not see the fault. Such a row breaks nothing,
	// and Near names the clauses that come nearest to it, whose families judge it.
	// As soon as one of them is broken the row fails: then it takes Breaks instead.
	Missed string   `json:",omitzero"`
	Near   []string `json:",omitzero"`
	// Beside are clauses that are judged too, because the fault shows only in the time
	// that they take. They have no other say.
	Beside []string `json:",omitzero"`
	// Because is a phrase that the reason of each broken clause contains; with
	// several clauses, one of the phrases separated by " | ".
	Because string
	// Shares says why another fault may break the same set.
	Shares string
	// Slow says why the whole spec cannot judge the fault in reasonable time; its
	// row of the matrix comes from its families then. A plain run judges no variant
	// that is slow.
	Slow string `json:",omitzero"`
	// Timing marks the faults that stay recognisable beside a load (make stress).
	Timing bool
}

// Sentinels are judged under every fault, whatever it breaks: a broken server
// must not be blamed for what it still does right.
var Sentinels = []string{"CONN-1", "SIGN-1", "PROBE-1", "LOOP-1", "ACC-1"}

// Wide lists the clauses about whatever clients do. They hold the promises of
// the others together, and whether their random sequences come across a fault is
// chance: they have a say in the rows that name them, and in no other.
var Wide = []string{"CONN-22", "PROBE-13"}

// Faults lists every row, in the order of the families.
func Faults() []Fault {
	return slices.Concat(
		modelFaults,
		signFaults,
		accFaults,
		connFaults,
		flowFaults,
		probeFaults,
		loopFaults,
		wakeFaults,
		taskFaults,
		timeFaults,
		workFaults,
		lifeFaults,
		resFaults,
		playFaults,
		fieldFaults,
		httpFaults,
		tlsFaults,
	)
}

// edits gives all edits of the row.
func (f Fault) edits() []Edit {
	if f.File == "" {
		return f.More
	}
	return append([]Edit{{f.File, f.Old, f.New}}, f.More...)
}
