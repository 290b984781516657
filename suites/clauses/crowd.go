package clauses

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

// crowdedShare is the part of all processors, one in so many, that a crowd uses: others
// want their part too.
const crowdedShare = 4

// crowds looks, while the target has no client, whether threads of its own crowd this
// machine for as long as it may be busy after the last byte: a process that spins for
// each client which has left, say. Then every exchange waits for them, and so do the
// checks on other instances; what they do to the clause cannot be told in time. Clauses
// about rest judge the crowd itself. It is empty, at once, for others.
func crowds(s *session.Session) (what string) {
	tree := s.Target.Tree()
	if tree == nil {
		return ""
	}
	cores := runtime.NumCPU()
	before, err := tree.CPU()
	for began := time.Now(); err == nil; s.Pause(settle) {
		var running int
		if running, err = tree.Runnable(); !observe.Crowds(running) {
			return ""
		}
		took := time.Since(began)
		if took < restGrace || err != nil {
			continue
		}
		used, err := tree.CPU()
		if used -= before; err != nil || used*crowdedShare < took*time.Duration(cores) {
			return ""
		}
		return fmt.Sprintf("%d threads of the server itself ran or stood in line for a processor, with no client there, and used %v of the %v that this machine's %d processors had in %v",
			running, used.Round(time.Millisecond), (took * time.Duration(cores)).Round(time.Millisecond), cores, took.Round(time.Millisecond))
	}
	return ""
}

// crowdBeside names what this instance was not let run by, where that is the target itself:
// other instances of it, which the harness has started.
func crowdBeside() string {
	ours, err := observe.OpenTree(os.Getpid())
	if err != nil {
		return ""
	}
	running, err := ours.Runnable()
	if err != nil || !observe.Crowds(running/2) { // the harness has some threads of its own
		return ""
	}
	return fmt.Sprintf(" (%d threads of its own instances, and of those who judge it, ran or stood in line for a processor: does each client that leaves leave one that spins?)", running)
}
