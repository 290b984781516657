package reference

import (
	"cmp"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// Loop is one event loop: a thread that waits for descriptors, and between two
// waits handles what is ready, runs tasks and fires timers (S6). It meets
// contract.Loop and contract.Hooker.
//
// Run owns the loop's thread. From other goroutines only the exported methods
// may be called; everything unexported belongs to the loop's thread, except
// that descriptors may be added before Run.
//
// What the server's side uses (all on the loop's thread):
//
//	add(fd, h, interest) (slot, error)   watch fd; h.ready(events) is called when it is ready
//	modify(slot, interest) error         change the interest
//	remove(slot) error                   EPOLL_CTL_DEL at once, then the caller closes fd, last;
//	                                     events of fd still in this turn's batch are rejected by generation
//	later(slot, events)                  call h.ready(events) again next turn, without an event:
//	                                     a connection whose budget is used up says so (fairness, and with
//	                                     an edge-triggered poller the only way to hear of the rest)
//	edge, index, now()
//	ending                               is called with the reason when the loop ends, to end what it served
//	assertOwner(what), assertTurn(what)  panic on another thread
//
// A handler that panics is told by failed(reason), if it has such a method, and
// else removed; the loop goes on.
type Loop struct {
	poller poll.Poller
	clock  clock
	waker  Waker
	log    *slog.Logger

	index     int                    // of this loop among its server's, from 0
	edge      bool                   // the poller is edge-triggered
	thread    atomic.Int64           // kernel id of the loop's thread; 0 before and after Run
	exit      atomic.Bool            // Stop was called
	asleep    atomic.Bool            // the loop said that it is about to sleep, and nobody woke it yet
	waking    atomic.Int32           // threads between seeing asleep and the end of their write
	woken     atomic.Bool            // Wake was called since the last poll
	state     atomic.Uint32          // fresh, running, ended
	goroutine atomic.Pointer[string] // how traces name Run's goroutine
	stats     loopStats
	pace      pace

	slots  slotTable
	events []poll.Event
	tasks  taskQueue
	shared *TaskSet // may be nil
	timers timers
	hooks  hooks
	ending func(cause error) // called at the loop's end, after its last task, with the error that ended it or ErrCut; may be nil
}

// Run serves until Stop. It is S6 word by word: init; while (!exit) { poll;
// handle I/O; handle other things }; cleanup. The poll is the only step that sleeps, and
// it does: a loop that does not spins (LOOP-1), one that sleeps elsewhere is late for what
// becomes ready (LOOP-9). The hooks come in the order of contract.Positions (TASK-9).
func (l *Loop) Run() error {
	if err := l.init(); err != nil {
		return err
	}
	var err error
	for !l.exit.Load() && err == nil {
		var n int
		l.pass(contract.BeforePoll)
		timeout := l.fallAsleep() // after the hooks: what they posted must not wait (redis PR #12068)
		// A signal ends the poll without an error (LOOP-11), and is an end like any other: what
		// was posted meanwhile is found below, by a loop that says that it is awake (WAKE-9).
		n, err = l.poller.Wait(l.events, timeout)
		l.wakeUp()
		if err != nil {
			err = l.waitFailed(err, timeout)
		}
		l.pass(contract.AfterPoll)
		l.handleIO(l.events[:n])
		l.pass(contract.AfterIO)
		l.runTasks()
		l.runTimers()
		l.pass(contract.AfterTimers)
	}
	return l.cleanup(err)
}

// The states of a loop's life.
const (
	fresh uint32 = iota
	running
	ended
)

// init binds the loop to the thread that it keeps: a connection is served by one
// thread all its life (LOOP-13), tasks run on that thread (TASK-3), and InLoop is a
// comparison of thread ids.
func (l *Loop) init() error {
	if !l.state.CompareAndSwap(fresh, running) {
		return contract.ErrStopped // a loop runs once
	}
	runtime.LockOSThread()
	l.thread.Store(int64(poll.ThreadID()))
	name := goroutineHeader()
	l.goroutine.Store(&name)
	l.stats.busySince.Store(int64(max(1, l.clock.now())))
	return nil
}

// waitPause is how long a loop that could not poll leaves its poller alone: the
// tries must not use up a processor, nor what became ready wait for long.
const waitPause = 5 * time.Millisecond

// waitFailed lives through a poll that failed for want of what may come back, and
// returns the error of one that did not. Tasks and timers go on meanwhile. The
// pause stands where the sleep would have been, and is no longer than that.
func (l *Loop) waitFailed(err error, timeout time.Duration) error {
	if !poll.IsShortage(err) {
		return err
	}
	if l.stats.badPolls.Add(1) == 1 {
		l.log.Warn("the poll failed and is tried again; later failures are only counted", "loop", l.index, "pause", waitPause, "error", err)
	}
	if timeout < 0 || timeout > waitPause {
		timeout = waitPause
	}
	time.Sleep(timeout)
	return nil
}

// Stop ends the loop: Run returns after this turn and after the tasks that were
// posted before. It does not wait.
func (l *Loop) Stop() {
	l.exit.Store(true)
	l.rouse()
}

// cleanup runs the tasks that were posted before Stop (TASK-14), refuses later ones, and
// releases what the loop holds. cause is the error that ended the loop, or nil.
func (l *Loop) cleanup(cause error) error {
	l.lastTasks()
	if l.ending != nil {
		l.ending(cmp.Or(cause, ErrCut))
	}
	l.timers.close()
	l.asleep.Store(false)
	for l.waking.Load() != 0 {
		runtime.Gosched() // a poster is in the middle of its write
	}
	err := l.release()
	l.thread.Store(0)
	l.stats.endTurn(l.clock.now())
	runtime.UnlockOSThread()
	if cause == nil {
		cause = err
	}
	return cause
}

// release closes the loop's own descriptors.
func (l *Loop) release() error {
	l.state.Store(ended)
	err := l.poller.Close()
	if e := l.waker.Close(); err == nil {
		err = e
	}
	return err
}

// InLoop reports whether the caller runs on the loop's own thread.
func (l *Loop) InLoop() bool {
	t := l.thread.Load()
	return t != 0 && t == int64(poll.ThreadID())
}

// Index is the loop's number among its server's, from 0.
func (l *Loop) Index() int { return l.index }

// tid is the kernel's id of the loop's thread, 0 before Run.
func (l *Loop) tid() int { return int(l.thread.Load()) }

// now is the loop's clock.
func (l *Loop) now() time.Duration { return l.clock.now() }
