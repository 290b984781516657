package reference

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// timers are a loop's timers (S10). They are a hierarchical wheel for the far
// ones and a small heap for those of the current tick, see timers_wheel.go: setting and
// cancelling a timer that never comes near costs a list operation, and those
// that fire are still in exact order.
//
// A mutex guards them, because timers may be set, cancelled and reset from any
// thread; callbacks run without it. It is almost never contended and costs a
// tenth of what posting every operation to the loop would.
type timers struct {
	loop *Loop

	mu      sync.Mutex
	wheel   wheel
	ready   []*timer // due and about to run, in order; nil where one was cancelled
	run     int      // how far
	count   int      // pending: in the wheel or ready
	created uint64
	closed  bool
}

// timer is one timer, 48 bytes. All fields but f and set are
// guarded by set.mu.
type timer struct {
	set    *timers
	f      func()
	when   int64  // next expiry on the loop's clock, ns
	period int64  // 0: one shot
	serial uint64 // order of creation, for ties

	at         int32 // index in the heap, in a slot of the wheel, or in ready
	in         timerPlace
	ring, slot uint8 // of the wheel
}

// timerPlace is where a timer is: expired or cancelled, in the wheel's heap, in a
// slot of one of its rings, or among the ready ones.
type timerPlace uint8

const (
	inNone timerPlace = iota
	inHeap
	inRing
	inReady
)

func (t *timers) init(l *Loop) {
	t.loop = l
	t.wheel.init(int64(l.clock.now()))
}

// After runs f once on the loop's thread, not before d has passed. It may be
// called from any goroutine.
func (l *Loop) After(d time.Duration, f func()) (contract.Timer, error) {
	return l.timers.create(d, 0, f)
}

// Every runs f at d, 2d, 3d … after the call. A turn that comes late runs f
// once; the expiries it missed follow, one a turn, so none is dropped and none
// moves. It may be called from any goroutine.
func (l *Loop) Every(d time.Duration, f func()) (contract.Timer, error) {
	if d <= 0 {
		return nil, errors.New("a periodic timer's period must be above 0")
	}
	return l.timers.create(d, d, f)
}

func (t *timers) create(d, period time.Duration, f func()) (*timer, error) {
	return t.createAt(t.deadline(d), period, f)
}

// createAt sets a timer for a moment of the loop's clock.
func (t *timers) createAt(when int64, period time.Duration, f func()) (*timer, error) {
	tm := &timer{set: t, f: f, when: when, period: int64(period)}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil, contract.ErrStopped
	}
	t.created++
	tm.serial = t.created
	t.count++
	t.wheel.insert(tm)
	t.mu.Unlock()
	// A loop that sleeps for a later one must shorten its sleep (TIME-13).
	t.loop.rouse() // it looks at its deadlines after it announced the sleep, so a loop that is awake needs no wakeup
	return tm, nil
}

// deadline is d from now; what is beyond the end of the clock is at its end.
func (t *timers) deadline(d time.Duration) int64 {
	now := int64(t.loop.clock.now())
	if d <= 0 {
		return now
	}
	return later(now, int64(d))
}

// later is d after t, at most the end of the clock.
func later(t, d int64) int64 {
	if d > math.MaxInt64-t {
		return math.MaxInt64
	}
	return t + d
}

// Cancel reports whether the timer was pending; then its function is not called
// again (TIME-5). Any goroutine may call it, also the timer's own function or that of
// another timer that is due in the same turn.
func (tm *timer) Cancel() bool {
	t := tm.set
	t.mu.Lock()
	defer t.mu.Unlock()
	if tm.in == inNone {
		return false
	}
	t.remove(tm)
	t.count--
	return true
}

// Reset moves a pending timer's next expiry to d from now, sooner or later than it was
// (TIME-7), and reports whether it was pending; a periodic timer goes on from there. It keeps its place among
// timers of the same deadline.
func (tm *timer) Reset(d time.Duration) bool {
	t := tm.set
	t.mu.Lock()
	if tm.in == inNone {
		t.mu.Unlock()
		return false
	}
	t.remove(tm)
	tm.when = t.deadline(d)
	t.wheel.insert(tm)
	t.mu.Unlock()
	t.loop.rouse()
	return true
}

// remove takes a pending timer out of where it is. mu is held.
func (t *timers) remove(tm *timer) {
	if tm.in == inReady {
		t.ready[tm.at] = nil
		tm.in = inNone
		return
	}
	t.wheel.remove(tm)
}

// next is a moment before which no timer is due.
func (t *timers) next() (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	when, ok := t.wheel.next()
	return time.Duration(when), ok
}

func (t *timers) pending() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// runTimers fires what is due. All that is due is moved to the ready list first,
// and then run: a callback's new timer, however short, waits for the next turn, with I/O
// in between (TIME-11), and a callback may cancel what is due with it (libuv PR #4250).
func (l *Loop) runTimers() {
	t := &l.timers
	t.mu.Lock()
	if t.wheel.size == 0 {
		t.mu.Unlock()
		return
	}
	now := int64(l.clock.now())
	for tm := t.wheel.expire(now); tm != nil; tm = t.wheel.expire(now) {
		tm.in, tm.at = inReady, int32(len(t.ready))
		t.ready = append(t.ready, tm)
	}
	t.mu.Unlock()
	for !l.fire() {
	}
}

// fire runs the ready timers up to the end, which it reports, or up to one that
// panics: the rest of them is due all the same (TIME-15).
func (l *Loop) fire() (end bool) {
	defer l.contain("timer")
	for tm := l.timers.pop(); tm != nil; tm = l.timers.pop() {
		l.stats.fired.add(1)
		tm.f()
	}
	return true
}

// pop takes the first of the ready timers; a periodic one is pending again before
// its function runs, so that the function may cancel it for good (TIME-6) or reset it.
func (t *timers) pop() *timer {
	t.mu.Lock()
	for t.run < len(t.ready) {
		tm := t.ready[t.run]
		t.ready[t.run] = nil
		t.run++
		if tm == nil {
			continue
		}
		tm.in = inNone
		if tm.period == 0 {
			t.count--
		} else {
			// A turn that was late moves nothing (TIME-8).
			tm.when = later(tm.when, tm.period) // from the deadline, not from now: no drift
			t.wheel.insert(tm)
		}
		t.mu.Unlock()
		return tm
	}
	t.ready, t.run = t.ready[:0], 0
	if cap(t.ready) > retained {
		t.ready = nil
	}
	t.mu.Unlock()
	return nil
}

// close forgets all timers at the loop's end.
func (t *timers) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for tm := t.wheel.any(); tm != nil; tm = t.wheel.any() {
		t.wheel.remove(tm)
	}
	t.count = 0
}
