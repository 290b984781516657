package reference

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// ErrFull is what Workers.Submit reports when the queue has no room. The caller
// sees it at once and can shed the work or try again later; a loop never blocks
// on its workers (WORK-1).
var ErrFull = errors.New("worker queue full")

// PanicError is the outcome of work that panicked.
type PanicError struct {
	Value any    // what it panicked with
	Stack string // where
}

func (e *PanicError) Error() string { return fmt.Sprintf("work panicked: %v", e.Value) }

// Workers are a bounded pool of threads for business that blocks (S11). Work
// comes from a loop and its result goes home to that loop, as a task. All
// methods may be called from any goroutine.
type Workers struct {
	threads, room int

	mu      sync.Mutex
	work    sync.Cond // signalled for every job and at the end
	queue   []job
	busy    int // threads that run a job
	stopped bool
	stats   WorkerStats
	ended   chan struct{} // closed when stopped and the last thread is gone
}

type job struct {
	home *Loop
	work func()
	then func(error)
}

// WorkerStats is a snapshot of the pool's counters.
type WorkerStats struct {
	Threads  int    // threads alive
	Queued   int    // jobs that wait for a thread
	Done     uint64 // jobs that ended, by a panic or not
	Panics   uint64 // jobs that panicked
	Refused  uint64 // jobs that found no room
	Homeless uint64 // results whose loop had ended
}

// NewWorkers makes a pool of up to threads threads (1 to 1000), each started
// when work first needs it, with room for that many more jobs that wait (0 to
// 1,000,000).
func NewWorkers(threads, room int) (*Workers, error) {
	if threads < 1 || threads > maxWorkers {
		return nil, &OptionError{"Workers", threads, fmt.Sprintf("want 1 to %d threads", maxWorkers)}
	}
	if room < 0 || room > maxQueue {
		return nil, &OptionError{"WorkQueue", room, fmt.Sprintf("want 0 to %d jobs", maxQueue)}
	}
	w := &Workers{threads: threads, room: room, ended: make(chan struct{})}
	w.work.L = &w.mu
	return w, nil
}

// Submit runs work on a worker's thread and then calls then on home's thread,
// with nil or the *PanicError that ended the work. It reports ErrFull when all
// threads are busy and the queue is full, and contract.ErrStopped after Stop;
// in both cases it calls neither function.
func (w *Workers) Submit(home *Loop, work func(), then func(err error)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return contract.ErrStopped
	}
	// Bounded (WORK-3), by what is so now: room that comes back is used again (WORK-4).
	if len(w.queue) >= w.threads-w.busy+w.room {
		w.stats.Refused++
		return ErrFull
	}
	w.queue = append(w.queue, job{home, work, then})
	if w.stats.Threads < w.threads && w.stats.Threads-w.busy < len(w.queue) {
		w.stats.Threads++
		go w.serve()
	}
	// A worker that is idle takes it up, whatever the others do (WORK-7).
	w.work.Signal() // for every job: signalling only an empty queue strands jobs (libuv PR #493)
	return nil
}

// serve is the life of a worker's thread. It stays locked to its goroutine, so
// a job that changes the thread changes only this one, and the thread ends with it.
func (w *Workers) serve() {
	runtime.LockOSThread()
	w.mu.Lock()
	for {
		for len(w.queue) == 0 && !w.stopped {
			w.work.Wait()
		}
		if len(w.queue) == 0 {
			break
		}
		j := w.queue[0]
		w.queue[0] = job{}
		w.queue = w.queue[1:]
		w.busy++
		w.mu.Unlock()

		err := j.do()
		// Home, as a task: then belongs to the thread that serves the connection (WORK-2).
		homeless := j.home.Post(func() { j.then(err) }) != nil

		w.mu.Lock()
		w.busy--
		w.stats.Done++
		if err != nil {
			w.stats.Panics++
		}
		if homeless {
			w.stats.Homeless++
		}
	}
	w.stats.Threads--
	if w.stats.Threads == 0 {
		close(w.ended)
	}
	w.mu.Unlock()
}

// do contains the job's panic, which would else take the worker with it (WORK-5).
func (j job) do() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: string(debug.Stack())}
		}
	}()
	j.work()
	return nil
}

// Stop refuses new work, lets the threads finish what is queued, and waits for
// their end. When ctx ends first, jobs that no thread has begun come home with
// contract.ErrStopped, and Stop returns ctx's cause without waiting for those
// that are blocked in theirs: a thread cannot be ended from outside.
func (w *Workers) Stop(ctx context.Context) error {
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		if w.stats.Threads == 0 {
			close(w.ended)
		}
		w.work.Broadcast()
	}
	w.mu.Unlock()
	select {
	case <-w.ended:
		return nil
	case <-ctx.Done():
		select {
		case <-w.ended: // as well
			return nil
		default:
		}
	}
	w.mu.Lock()
	left := w.queue
	w.queue = nil
	busy := w.busy
	w.mu.Unlock()
	for _, j := range left {
		_ = j.home.Post(func() { j.then(contract.ErrStopped) })
	}
	return fmt.Errorf("%d workers still blocked: %w", busy, context.Cause(ctx))
}

// Stats takes a snapshot.
func (w *Workers) Stats() WorkerStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Queued = len(w.queue)
	return s
}
