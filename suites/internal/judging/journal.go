package judging

import (
	"fmt"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
)

// journal is what a run has to tell beside its results, and who listens while it
// goes on. Any goroutine may write into it.
type journal struct {
	listener func(Progress)
	total    int // clauses

	mu      sync.Mutex
	done    int
	notes   []string
	problem *report.Problem // the first one stays
	address string
	pid     int
	stderr  string // of the target, when the problem is its start or its end
}

// note tells something that the reader should know.
func (j *journal) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(j.notes, text)
	j.listener(Progress{Note: text, Done: j.done, Total: j.total})
}

// hindered notes why not all can be judged, unless something else did before.
func (j *journal) hindered(kind report.ProblemKind, message, stderr string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.problem == nil {
		j.problem, j.stderr = &report.Problem{Kind: kind, Message: message}, stderr
	}
}

// at notes where the target answered.
func (j *journal) at(address string, pid int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.address, j.pid = address, pid
}

// begun tells that a clause is being judged from now on, which it returns.
func (j *journal) begun(clause spec.Clause) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.listener(Progress{Clause: clause, Done: j.done, Total: j.total})
	return time.Now()
}

// judged tells what a clause came to.
func (j *journal) judged(clause spec.Clause, result *report.Result) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done++
	if result.Reason == neverReady {
		return // one problem, said once, and not a line for each clause
	}
	j.listener(Progress{Clause: clause, Result: result, Done: j.done, Total: j.total})
}
