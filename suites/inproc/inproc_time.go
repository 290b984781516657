package inproc

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/session"
)

var timing = []check{
	{"TIME-1", neverEarly},
	{"TIME-2", punctualTimers},
	{"TIME-3", inOrderOfDeadlines},
	{"TIME-4", tiesInOrderOfCreation},
	{"TIME-5", cancelledTimers},
	{"TIME-6", cancelInOwnCallback},
	{"TIME-7", resetTimers},
	{"TIME-8", noDrift},
	{"TIME-11", dueAgainAtOnce},
	{"TIME-13", nearerTimerShortens},
}

// alarm is a timer whose first expiry can be awaited.
type alarm struct {
	contract.Timer
	asked time.Time     // before it was set
	delay time.Duration // of its deadline
	watch session.Stopwatch
	fired chan struct{}
	times atomic.Int64
	at    atomic.Int64 // of the first expiry, since asked
}

func (b *bench) newAlarm(d time.Duration) *alarm {
	return &alarm{asked: time.Now(), delay: d, watch: b.Clock(), fired: make(chan struct{})}
}

func (a *alarm) ring() {
	if a.times.Add(1) == 1 {
		a.at.Store(int64(time.Since(a.asked)))
		close(a.fired)
	}
}

// after sets a timer; the caller is where the loop allows that.
func (b *bench) after(d time.Duration) (*alarm, error) {
	a := b.newAlarm(d)
	var err error
	a.Timer, err = b.loop.After(d, a.ring)
	return a, err
}

// set sets a timer on the loop's thread.
func (b *bench) set(d time.Duration) *alarm {
	var a *alarm
	var err error
	b.on(func() { a, err = b.after(d) })
	b.fine("After", err)
	return a
}

// notEarly waits for a timer and fails if it came before its deadline.
func (b *bench) notEarly(a *alarm) {
	b.await(a.fired, a.delay+b.patience(), fmt.Sprintf("a timer of %v", a.delay), "it was lost, or the loop sleeps past it")
	if took := time.Duration(a.at.Load()); took < a.delay {
		b.Failf(session.Wrong, fmt.Sprintf("a timer of %v fired %v early", a.delay, a.delay-took), fmt.Sprintf("not before %v", a.delay), took.String(),
			"the deadline is rounded down, or reckoned from a stale clock")
	}
}

// due waits for a timer and fails if it is early, or late by more than punctual.
func (b *bench) due(a *alarm) {
	b.notEarly(a)
	// The watch is read later than the expiry, so what it says beyond that is ours.
	late := min(a.watch.Elapsed(), time.Duration(a.at.Load())) - a.delay
	b.inTime(fmt.Sprintf("a timer of %v, beyond its deadline,", a.delay), late, punctual, "the poll slept past the deadline")
}

// neverEarly sets timers of -1 s to 50 ms and one that repeats: none may fire before its deadline.
func neverEarly(b *bench) {
	for _, d := range []time.Duration{-time.Second, 0, 1, time.Millisecond, 1999 * time.Microsecond, 3_300_001, 7_777_777, 10 * time.Millisecond, 50 * time.Millisecond} {
		for range 4 {
			b.notEarly(b.set(d))
		}
	}
	const period, count = 2500 * time.Microsecond, 40
	var at []time.Duration
	done := make(chan struct{})
	var start time.Time
	b.on(func() {
		start = time.Now()
		var timer contract.Timer
		timer, _ = b.loop.Every(period, func() {
			if at = append(at, time.Since(start)); len(at) == count {
				timer.Cancel()
				close(done)
			}
		})
	})
	b.await(done, b.patience(), fmt.Sprintf("%d expiries of a periodic timer", count), "")
	for i, took := range at {
		if deadline := time.Duration(i+1) * period; took < deadline {
			b.Failf(session.Wrong, fmt.Sprintf("expiry %d of a periodic timer came %v early", i+1, deadline-took), deadline.String(), took.String(), "")
		}
	}
}

// punctualTimers sets one timer of 1 to 200 ms at a time on a loop that sleeps: none may fire
// early, or more than 250 ms late.
func punctualTimers(b *bench) {
	for _, d := range []time.Duration{time.Millisecond, 200 * time.Millisecond, 20 * time.Millisecond, 75 * time.Millisecond, 5 * time.Millisecond, 130 * time.Millisecond} {
		b.Pause(asleep)
		b.due(b.set(d))
	}
}

// apart is how far two deadlines have to be from each other to be compared:
// loops may round them up to a tick of theirs.
const apart = 2 * time.Millisecond

// inOrderOfDeadlines sets 60 timers, 3 ms apart, in random order: none may fire before one that was
// due more than 2 ms earlier.
func inOrderOfDeadlines(b *bench) {
	// Each deadline is known up to the time that setting the timer took.
	const timers, rounds = 60, 3
	type span struct{ from, to time.Duration }
	for range rounds {
		spans := make([]span, timers)
		var order []int
		var err error
		done := make(chan struct{})
		start := time.Now()
		ranks := b.Rand.Perm(timers)
		b.on(func() {
			for _, rank := range ranks {
				d := 20*time.Millisecond + time.Duration(rank)*3*time.Millisecond
				spans[rank].from = time.Since(start) + d
				_, e := b.loop.After(d, func() {
					if order = append(order, rank); len(order) == timers {
						close(done)
					}
				})
				spans[rank].to = time.Since(start) + d
				if e != nil {
					err = e
				}
			}
		})
		b.fine("After", err)
		b.await(done, b.patience(), fmt.Sprintf("the last of %d timers", timers), "a timer was lost")
		for i, rank := range order {
			for _, earlier := range order[:i] {
				if spans[rank].to+apart < spans[earlier].from {
					b.Failf(session.Wrong, fmt.Sprintf("a timer fired before one that was due %v earlier", spans[earlier].from-spans[rank].to),
						"the order of deadlines", fmt.Sprint(order), "the order in the timer set breaks when it is filled out of order")
				}
			}
		}
	}
}

// tiesInOrderOfCreation sets up to 2,000 timers with the same delay: all must fire, in the order in
// which they were set.
func tiesInOrderOfCreation(b *bench) {
	for _, d := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
		for _, n := range []int{2, 10, 100, 2000} {
			var order []int
			var err error
			done := make(chan struct{})
			b.on(func() {
				for i := range n {
					_, e := b.loop.After(d, func() {
						if order = append(order, i); len(order) == n {
							close(done)
						}
					})
					if e != nil {
						err = e
					}
				}
			})
			b.fine("After", err)
			b.await(done, b.patience(), fmt.Sprintf("the last of %d timers of %v", n, d), "a timer was lost")
			if !slices.IsSorted(order) {
				b.Failf(session.Wrong, fmt.Sprintf("%d timers of %v fired in another order than that of their creation", n, d), "0 1 2 …",
					fmt.Sprint(order[:min(n, 30)]), "deadlines are compared, and ties are left to chance")
			}
		}
	}
}

// cancelledTimers cancels every other of 24 timers, twice: Cancel must say true once, these must
// stay silent, and the others must fire once.
func cancelledTimers(b *bench) {
	const timers, d = 24, 60 * time.Millisecond
	alarms := make([]*alarm, timers)
	var first, second [timers]bool
	var err error
	b.on(func() {
		for i := range alarms {
			if alarms[i], err = b.after(d); err != nil {
				return
			}
		}
		for i := 0; i < timers; i += 2 {
			first[i], second[i] = alarms[i].Cancel(), alarms[i].Cancel()
		}
	})
	b.fine("After", err)
	for i, a := range alarms {
		if i%2 == 0 {
			continue
		}
		b.notEarly(a)
	}
	b.Pause(b.Silence() / 3)
	for i, a := range alarms {
		switch {
		case i%2 == 0 && first[i] && a.times.Load() > 0:
			b.Failf(session.Wrong, "a timer fired after Cancel reported that it was pending", "silence", "it fired", "")
		case i%2 == 0 && !first[i] && a.times.Load() == 0:
			b.Failf(session.Wrong, "Cancel of a pending timer reported false", "true", "false, and it never fired", "")
		case i%2 == 0 && second[i]:
			b.Failf(session.Wrong, "Cancel reported twice that one timer was pending", "false the second time", "true", "")
		case i%2 == 1:
			equal(b, "expiries of a timer that was not cancelled", a.times.Load(), 1, "")
		}
	}
	var again bool
	b.on(func() { again = alarms[1].Cancel() })
	equal(b, "Cancel of a timer that fired long ago", again, false, "")
}

// cancelInOwnCallback has five periodic timers cancel themselves in their first callback: each must
// fire just once.
func cancelInOwnCallback(b *bench) {
	const timers = 5
	var times [timers]atomic.Int64
	var err error
	b.on(func() {
		for i := range timers {
			var timer contract.Timer
			timer, e := b.loop.Every(time.Duration(i+1)*2*time.Millisecond, func() {
				times[i].Add(1)
				timer.Cancel()
			})
			if e != nil {
				err = e
			}
		}
	})
	b.fine("Every", err)
	for i := range times {
		b.Until("the first expiry of a periodic timer", b.patience(), func() bool { return times[i].Load() > 0 })
	}
	b.Pause(b.Silence() / 2)
	for i := range times {
		equal(b, "expiries of a periodic timer that cancelled itself in the first", times[i].Load(), 1, "it is set again after its function, without a second look")
	}
}

// resetTimers resets pending timers to later and nearer times: each must be punctual then; one that
// has fired must not fire again.
func resetTimers(b *bench) {
	for _, move := range []struct{ from, to time.Duration }{
		{30 * time.Millisecond, 90 * time.Millisecond},
		{time.Hour, 20 * time.Millisecond},
		{40 * time.Millisecond, 0},
	} {
		a := b.set(move.from)
		var moved bool
		var asked time.Time
		b.on(func() {
			asked = time.Now()
			moved = a.Reset(move.to)
		})
		if !moved { // it fired before: legal on a machine that stalls
			b.notEarly(a)
			continue
		}
		a.delay = asked.Sub(a.asked) + move.to
		b.due(a)
	}
	fired := b.set(time.Millisecond)
	b.notEarly(fired)
	b.flush()
	var revived bool
	b.on(func() { revived = fired.Reset(time.Millisecond) })
	equal(b, "Reset of a timer that fired long ago", revived, false, "")
	b.Pause(b.Silence() / 3)
	equal(b, "expiries of a timer that was reset after it fired", fired.times.Load(), 1, "Reset revived it")
}

// noDrift holds the loop in the first callback of a periodic timer, for half a period beyond its
// next deadline: later expiries must come back to the grid.
func noDrift(b *bench) {
	// The expiries that follow the delay may be late, and made up for or skipped; but one of them comes
	// near the grid, unless all moved with the delay. Where the machine is late as well, what moved may
	// come round to the grid again; but then each expiry still waits a whole period from the end of the
	// one before.
	const period, later = 120 * time.Millisecond, 6
	var mu sync.Mutex
	var at, ended []time.Time
	var start time.Time
	var timer contract.Timer
	var err error
	b.on(func() {
		start = time.Now()
		timer, err = b.loop.Every(period, func() {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			if len(at) == 1 {
				hold := time.NewTimer(period + period/2)
				<-hold.C
			}
			ended = append(ended, time.Now())
		})
	})
	b.fine("Every", err)
	b.Until(fmt.Sprintf("%d expiries of a periodic timer", later), b.patience(), func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ended) >= later
	})
	b.on(func() { timer.Cancel() })
	mu.Lock()
	defer mu.Unlock()
	nearest := period
	for _, moment := range at[3:later] { // the first ones may make up for what was missed
		nearest = min(nearest, moment.Sub(start)%period)
	}
	if nearest > period/4 {
		b.Failf(session.Late, fmt.Sprintf("after a delay of half a period no expiry of %d came nearer to the grid than %v", later-3, nearest.Round(100*time.Microsecond)),
			fmt.Sprintf("multiples of %v after the call", period), fmt.Sprintf("all %v or more behind", nearest.Round(100*time.Microsecond)),
			"the next deadline is reckoned from now, not from the last deadline")
	}
	soonest := at[1].Sub(ended[0])
	for i := 1; i < later; i++ {
		soonest = min(soonest, at[i].Sub(ended[i-1]))
	}
	if soonest > period*7/8 {
		b.Failf(session.Late, fmt.Sprintf("after a delay of half a period each of %d expiries came a period or more after the one before had ended", later-1),
			fmt.Sprintf("one that comes sooner than the period of %v: it is due on the grid, and the delay is over", period), fmt.Sprintf("all %v or more after", soonest.Round(100*time.Microsecond)),
			"the next deadline is reckoned from now, not from the last deadline")
	}
}

// dueAgainAtOnce keeps 64 timers due again at once for 1.5 s: the loop must go on making turns, one
// in 0.5 s at the least.
func dueAgainAtOnce(b *bench) {
	var over atomic.Bool
	defer over.Store(true) // or a loop that starves would never end
	var again func()
	again = func() {
		if !over.Load() {
			_, _ = b.loop.After(0, again)
		}
	}
	count, stop := b.turns()
	b.on(func() {
		for range 64 {
			_, _ = b.loop.After(0, again)
		}
	})
	b.turnsDuring("timers that set themselves again with no delay", count, "the loop fires timers until none is due")
	over.Store(true)
	stop()
}

// turns counts turns by hooks or, where there are none, by tasks that post
// themselves; timers would not do where timers are what starves.
func (b *bench) turns() (count *atomic.Int64, stop func()) {
	if _, ok := b.loop.(contract.Hooker); ok {
		return b.passes()
	}
	count = new(atomic.Int64)
	var over atomic.Bool
	var link func()
	link = func() {
		count.Add(1)
		if !over.Load() {
			_ = b.loop.Post(link)
		}
	}
	b.post(link)
	return count, func() { over.Store(true) }
}

// nearerTimerShortens sets short timers beside one of an hour, from other threads too where that is
// declared: each must be punctual, and the far one stay pending.
func nearerTimerShortens(b *bench) {
	far := b.set(time.Hour)
	for _, d := range []time.Duration{300 * time.Millisecond, 100 * time.Millisecond, 20 * time.Millisecond} {
		b.Pause(asleep)
		b.due(b.set(d))
	}
	if b.offers("timer-any-thread") {
		for _, d := range []time.Duration{100 * time.Millisecond, 20 * time.Millisecond} {
			b.Pause(asleep)
			a, err := b.after(d)
			b.fine("After from another thread", err)
			b.due(a)
		}
	}
	var pending bool
	b.on(func() { pending = far.Cancel() })
	equal(b, "a timer of an hour is still pending", pending, true, "")
}
