package reference

import (
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// How a loop falls asleep, and how another thread ends its sleep (S8).
//
// Who has something for the loop puts it in place first (a task into the queue, a timer
// into the wheel, exit) and calls rouse second. Three fields of Loop tell where both are:
//
//	field   is set                        is cleared                      says
//	asleep  by fallAsleep, before it      by whoever wakes the loop; by   that somebody has to write to
//	        looks a last time             fallAsleep, if the look found   the waker
//	                                      something; by wakeUp
//	waking  up by each rouse that saw     down when its write, if it has  that the waker may not be
//	        asleep                        one, is made                    closed yet
//	woken   by Wake                       by wakeUp                       that the next poll may not sleep
//
// The states that they make:
//
//	asleep  waking  woken  state                                           what rouse does
//	no      0       no     awake: in its turn, it will look once more      nothing
//	no      0       yes    awake, and will not sleep at this turn's end    nothing
//	yes     0       any    lying down (looking a last time), or asleep     clears asleep, and writes
//	yes     n       any    the same, and n threads have seen it            clears asleep and writes, unless another has
//	no      n       any    being woken, or awake already and a write late  nothing: the write is on its way
//
// asleep is cleared by compare-and-swap, so of n threads one writes. A write that comes
// late finds the loop awake, or asleep anew: that costs an empty turn and loses nothing,
// for a write says no more than "look", and a loop looks before each sleep.

// fallAsleep announces the sleep and then, not before, looks at everything that
// could be due; the answer is the poll's timeout. Whoever posts appends first and
// looks at the announcement second, so one of the two sees the other (WAKE-3).
func (l *Loop) fallAsleep() time.Duration {
	l.yield()
	l.asleep.Store(true)
	timeout, now := l.look()
	if timeout == 0 {
		l.asleep.Store(false) // not going to: spare the posters their writes
	}
	l.stats.endTurn(now)
	return timeout
}

// look is how long there is nothing to do but I/O, and when that was found. The
// clock is read in the middle of the look, so that a script's clock can let others
// act there (testdata/scripts).
func (l *Loop) look() (timeout, now time.Duration) {
	busy := l.busy()
	now = l.clock.now()
	if !busy {
		timeout = l.idleTime(now)
	}
	return timeout, now
}

// busy reports whether there is something to do now.
func (l *Loop) busy() bool {
	return l.slots.resuming() || l.tasks.waiting() || l.shared.waiting() || l.woken.Load() || l.exit.Load()
}

// idleTime is how long there is no timer to fire. It is computed anew before each poll, as
// timers come and go (TIME-13): not later than the nearest, which would be late (TIME-2),
// nor for a fixed time, which would wake an idle loop for nothing (LOOP-8). What is
// farther than a poll can wait is waited for in parts (TIME-9).
func (l *Loop) idleTime(now time.Duration) time.Duration {
	next, ok := l.timers.next()
	if !ok {
		return poll.Forever
	}
	return min(max(0, next-now), poll.MaxTimeout)
}

// wakeUp opens a turn. From here to the next fallAsleep nobody needs to write to
// the waker: the queue is looked at again before the loop sleeps.
func (l *Loop) wakeUp() {
	l.asleep.Store(false)
	l.woken.Store(false)
	l.stats.beginTurn(l.clock.now())
}

// Wake makes a sleeping poll return, nothing more; the poll of a loop that is
// not asleep returns at once the next time.
func (l *Loop) Wake() error {
	if l.state.Load() == ended {
		return contract.ErrStopped
	}
	l.woken.Store(true)
	l.rouse()
	return nil
}

// rouse ends the loop's sleep, if it sleeps: of all that call it during one
// sleep exactly one writes (WAKE-5), and is told so. It is called after what the loop is
// to find is in place.
func (l *Loop) rouse() (wrote bool) {
	if !l.asleep.Load() {
		return
	}
	// That another thread is waking the loop is no reason to leave it to that one: the loop
	// may have run and lain down again since (WAKE-4).
	l.waking.Add(1) // cleanup closes the descriptor only at 0
	if l.asleep.CompareAndSwap(true, false) {
		wrote = true
		l.stats.wakes.Add(1)
		if err := l.waker.Wake(); err != nil {
			l.log.Error("waking the loop failed; it sees its tasks when something else wakes it", "loop", l.index, "waker", l.waker.Name(), "error", err)
		}
	}
	l.waking.Add(-1)
	return wrote
}

// wakeHandler drains the waker, or it would stay readable and every poll return at once
// (WAKE-7). Draining comes before the turn's tasks are taken, so a wakeup that it swallows
// is of a task that this turn sees (WAKE-3).
type wakeHandler struct{ l *Loop }

func (h wakeHandler) ready(poll.Events) {
	if err := h.l.waker.Drain(); err != nil {
		h.l.log.Error("draining the waker failed", "loop", h.l.index, "waker", h.l.waker.Name(), "error", err)
	}
}
