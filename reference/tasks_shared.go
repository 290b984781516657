package reference

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// TaskSet is a set of tasks that several loops share and consume like a pool of
// threads (S9): each task is run by exactly one of them. A loop takes a bounded
// batch a turn, so that one loop does not take the work of all, nor neglect its I/O.
type TaskSet struct {
	batch int // tasks a loop takes in one turn at most

	mu     sync.Mutex
	tasks  []func()
	loops  []*Loop
	next   int // the loop to try first when one is to be woken
	closed bool

	length   atomic.Int64
	greatest atomic.Int64
}

// NewTaskSet makes a set whose loops take up to batch tasks a turn, 1 to 1024.
func NewTaskSet(batch int) (*TaskSet, error) {
	if batch < 1 || batch > maxShared {
		return nil, &OptionError{"Shared", batch, fmt.Sprintf("want 1 to %d", maxShared)}
	}
	return &TaskSet{batch: batch}, nil
}

// Post adds a task from any goroutine and wakes a loop if one sleeps. It reports
// contract.ErrStopped when no loop is left to run it.
func (s *TaskSet) Post(task func()) error {
	s.mu.Lock()
	if s.closed || len(s.loops) == 0 {
		s.mu.Unlock()
		return contract.ErrStopped
	}
	s.tasks = append(s.tasks, task)
	s.length.Store(int64(len(s.tasks)))
	sleeper := s.sleeper()
	s.mu.Unlock()
	if sleeper != nil {
		sleeper.rouse()
	}
	return nil
}

// sleeper is a loop that sleeps, in turn, or nil: a loop that is awake looks at
// the set before it sleeps. mu is held.
func (s *TaskSet) sleeper() *Loop {
	for range s.loops {
		s.next = (s.next + 1) % len(s.loops)
		if l := s.loops[s.next]; l.asleep.Load() {
			return l
		}
	}
	return nil
}

// GreatestBatch is the most that a loop has taken at once.
func (s *TaskSet) GreatestBatch() int { return int(s.greatest.Load()) }

func (s *TaskSet) waiting() bool { return s != nil && s.length.Load() > 0 }

func (s *TaskSet) attach(l *Loop) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.loops = append(s.loops, l)
	s.mu.Unlock()
}

// take moves up to n tasks into buf: under one lock they leave the set and become this
// loop's, so that no other runs them too (TASK-10). When it leaves some, another sleeping
// loop is woken to help.
func (s *TaskSet) take(buf []func(), n int) []func() {
	s.mu.Lock()
	n = min(n, len(s.tasks))
	buf = append(buf, s.tasks[:n]...)
	clear(s.tasks[:n])
	s.tasks = s.tasks[n:]
	if len(s.tasks) == 0 {
		s.tasks = nil
	}
	s.length.Store(int64(len(s.tasks)))
	var sleeper *Loop
	if len(s.tasks) > 0 {
		sleeper = s.sleeper()
	}
	s.mu.Unlock()
	if sleeper != nil {
		sleeper.rouse()
	}
	if int64(n) > s.greatest.Load() {
		s.greatest.Store(int64(n))
	}
	return buf
}

// run takes a batch and runs it on l's thread.
func (s *TaskSet) run(l *Loop) {
	if !s.waiting() {
		return
	}
	// A batch and no more: the rest is for the other loops, and for later turns (TASK-11).
	l.runShared(s.take(nil, s.batch))
}

func (l *Loop) runShared(batch []func()) {
	for len(batch) > 0 {
		batch = l.runOneShared(batch)
	}
}

// runOneShared runs tasks up to the end, or up to one that panics, and returns
// the rest.
func (l *Loop) runOneShared(batch []func()) (rest []func()) {
	defer l.contain("shared task")
	for len(batch) > 0 {
		task := batch[0]
		batch = batch[1:]
		rest = batch
		l.stats.tasks.add(1)
		task()
	}
	return nil
}

// detach takes a loop that ends out of the set. The last one runs what is left
// and closes the set, so no task is stranded.
func (s *TaskSet) detach(l *Loop) {
	if s == nil {
		return
	}
	s.mu.Lock()
	for i := range s.loops {
		if s.loops[i] == l {
			s.loops = append(s.loops[:i:i], s.loops[i+1:]...)
			break
		}
	}
	var rest []func()
	var heir *Loop
	if len(s.loops) == 0 {
		rest, s.tasks, s.closed = s.tasks, nil, true
		s.length.Store(0)
	} else if len(s.tasks) > 0 {
		heir = s.loops[0]
	}
	s.mu.Unlock()
	if heir != nil {
		heir.rouse() // it may sleep, counting on the wakeup that went to l
	}
	l.runShared(rest)
}
