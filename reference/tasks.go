package reference

import (
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// taskQueue is a loop's own set of tasks (S9): producers append under the lock,
// the loop swaps the whole out under the lock and runs it outside. There is one
// queue and one way through it, so the order of each producer is kept.
type taskQueue struct {
	mu     sync.Mutex
	posted []func()    // appended to by anyone, under mu
	closed bool        // no more posts, under mu
	total  uint64      // posts accepted, under mu
	some   atomic.Bool // posted is not empty, for a look without the lock

	// The loop's own half, on a cache line of its own: the loop writes it with
	// every task, and a flood of posts would wait for it.
	_     [cacheLine]byte
	batch []func() // swapped out, being run
	done  int      // how far
	share int      // how many tasks one turn runs at most
}

// cacheLine is what two cores pass to each other, in bytes; twice 64, because
// processors fetch lines in pairs.
const cacheLine = 128

// retained is the capacity up to which an emptied queue keeps its memory: a
// burst should not cost for ever.
const retained = 1 << 16

// Post appends a task that the loop's thread runs once (TASK-1), never inside this call,
// not even on that thread: who posts counts on going on first (TASK-6). After the loop's
// end it reports contract.ErrStopped, and the task does not run.
func (l *Loop) Post(task func()) error {
	q := &l.tasks
	// Producers that append without the lock overwrite each other (TASK-4).
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return contract.ErrStopped
	}
	q.posted = append(q.posted, task)
	if len(q.posted) == 1 {
		q.some.Store(true)
	}
	q.total++
	q.mu.Unlock()
	// Behind the append: a loop that sleeps is to find the task (WAKE-2).
	if l.rouse() {
		l.stats.postWakes.Add(1)
	}
	return nil
}

// waiting reports whether a task is to be run.
func (q *taskQueue) waiting() bool { return q.done < len(q.batch) || q.some.Load() }

// swap swaps the posted tasks out when the last batch is done. What the tasks of
// a batch post comes with the next one, in a later turn (TASK-7).
func (q *taskQueue) swap(last bool) {
	if q.done < len(q.batch) || !q.some.Load() && !last {
		return
	}
	empty := q.batch[:0]
	if cap(empty) > retained {
		empty = nil
	}
	q.mu.Lock()
	q.batch, q.posted, q.done = q.posted, empty, 0
	q.some.Store(false)
	q.closed = q.closed || last
	q.mu.Unlock()
}

// runTasks runs this turn's share of the loop's own tasks and of the shared set.
// What is left over keeps the loop from sleeping and waits behind one round of
// I/O, which a storm of tasks cannot starve (TASK-5).
func (l *Loop) runTasks() {
	if l.tasks.waiting() {
		l.tasks.swap(false)
		l.runBatch(l.tasks.share)
	}
	l.shared.run(l)
}

// runBatch runs at most n tasks of the batch.
func (l *Loop) runBatch(n int) {
	q := &l.tasks
	end := min(len(q.batch), q.done+n)
	before := q.done
	for q.done < end {
		l.runUntil(end)
	}
	l.stats.tasks.add(uint64(q.done - before))
}

// runUntil runs tasks up to end, or up to one that panics.
func (l *Loop) runUntil(end int) {
	defer l.contain("task")
	q := &l.tasks
	// From the front, the order of each producer (TASK-2).
	for q.done < end {
		task := q.batch[q.done]
		q.batch[q.done] = nil // for the collector
		q.done++
		task()
	}
}

// contain is deferred around what others wrote: its panic is counted and
// logged, and the loop goes on with what is behind it (TASK-12, TIME-15).
func (l *Loop) contain(what string) {
	if reason := recover(); reason != nil {
		l.stats.panics.Add(1)
		l.log.Error("a "+what+" panicked", "loop", l.index, "panic", reason, "stack", string(debug.Stack()))
	}
}

// lastTasks runs all that was posted before the end, and refuses what is posted
// from then on: also by the tasks themselves, or a chain of them would never end.
func (l *Loop) lastTasks() {
	l.runBatch(len(l.tasks.batch))
	l.tasks.swap(true)
	l.runBatch(len(l.tasks.batch))
	l.shared.detach(l)
}
