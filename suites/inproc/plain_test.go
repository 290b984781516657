package inproc

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// plain is a loop as plain as can be: a queue under a lock, a list of timers, a
// channel to sleep on. It is right, but for the one fault that a test gives it.
type plain struct {
	fault string

	mu      sync.Mutex
	queue   []func()
	timers  []*plainTimer
	created int
	posted  int
	hooks   []*plainHook
	stopped bool
	ended   bool
	wake    chan struct{}
	full    chan struct{} // a wakeup descriptor that takes little
	asleep  atomic.Bool
	tid     atomic.Int64
}

type plainTimer struct {
	l       *plain
	f       func()
	when    time.Time
	period  time.Duration
	serial  int
	pending bool
}

type plainHook struct {
	at contract.Position
	f  func()
}

func newPlain(fault string) Factory {
	return func() (contract.Loop, error) {
		return &plain{fault: fault, wake: make(chan struct{}, 1), full: make(chan struct{}, 300)}, nil
	}
}

func (l *plain) Run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.tid.Store(int64(unix.Gettid()))
	defer l.tid.Store(0)
	for !l.over() {
		l.pass(contract.BeforePoll)
		quiet := l.sleep()
		if l.fault != "quiet turns skip hooks" || !quiet {
			l.pass(contract.AfterPoll)
		}
		if l.fault == "hooks out of order" {
			l.pass(contract.AfterTimers)
		}
		l.pass(contract.AfterIO)
		l.runTasks()
		l.runTimers()
		if l.fault != "hooks out of order" {
			l.pass(contract.AfterTimers)
		}
	}
	if l.fault == "drops tasks at the end" {
		l.mu.Lock()
		l.queue = nil
		l.mu.Unlock()
	}
	l.runTasks()
	if l.fault == lateRefusal {
		spin(20_000)
	}
	l.mu.Lock()
	rest := l.queue
	l.queue, l.ended, l.timers = nil, true, nil
	l.mu.Unlock()
	if l.fault == lateRefusal {
		rest = nil
	}
	for _, task := range rest {
		task()
	}
	return nil
}

func (l *plain) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}

func (l *plain) pass(at contract.Position) {
	l.mu.Lock()
	hooks := slices.Clone(l.hooks)
	l.mu.Unlock()
	for _, h := range hooks {
		if h.at == at {
			h.f()
		}
	}
}

// sleep waits for the next thing to do and reports whether there was no task.
func (l *plain) sleep() (quiet bool) {
	l.mu.Lock()
	timeout := time.Hour
	for _, tm := range l.timers {
		timeout = min(timeout, time.Until(l.moment(tm)))
	}
	if len(l.queue) > 0 || l.stopped {
		timeout = 0
	}
	l.mu.Unlock()
	if l.fault == lateAnnouncement {
		spin(3000)
		l.asleep.Store(true)
		defer l.asleep.Store(false)
	}
	if l.fault == "sleeps by the second" && timeout > 0 {
		timeout = max(timeout, time.Second)
	}
	timer := time.NewTimer(max(0, timeout))
	defer timer.Stop()
	select {
	case <-l.wake:
	case <-timer.C:
	}
	for len(l.full) > 0 {
		<-l.full
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) == 0
}

func (l *plain) runTasks() {
	for {
		l.mu.Lock()
		batch := l.queue
		l.queue = nil
		l.mu.Unlock()
		if l.fault == "last come, first served" {
			slices.Reverse(batch)
		}
		for _, task := range batch {
			if l.fault == "tasks on any thread" {
				done := make(chan struct{})
				go func() { task(); close(done) }()
				<-done
				continue
			}
			task()
		}
		if l.fault != "tasks until none is left" || len(batch) == 0 {
			return
		}
	}
}

func (l *plain) runTimers() {
	now := time.Now()
	for {
		l.mu.Lock()
		var due []*plainTimer
		for _, tm := range l.timers {
			if !l.moment(tm).After(now) {
				due = append(due, tm)
			}
		}
		slices.SortStableFunc(due, func(a, b *plainTimer) int {
			switch l.fault {
			case "a slot of a wheel in any order":
				return rand.IntN(3) - 1
			case "timers by chance":
				return b.when.Compare(a.when)
			case "ties reversed":
				if c := a.when.Truncate(20 * time.Millisecond).Compare(b.when.Truncate(20 * time.Millisecond)); c != 0 {
					return c
				}
				return b.serial - a.serial
			}
			return a.when.Compare(b.when)
		})
		l.mu.Unlock()
		for _, tm := range due {
			l.fire(tm)
		}
		if l.fault != "timers until none is due" || len(due) == 0 {
			return
		}
		now = time.Now()
	}
}

func (l *plain) fire(tm *plainTimer) {
	l.mu.Lock()
	// What was due with it may have cancelled or moved it since.
	if !tm.pending && l.fault != "what is due is not looked at again" || tm.when.After(time.Now()) && l.fault != "what is due cannot be moved" {
		l.mu.Unlock()
		return
	}
	if tm.period == 0 {
		l.drop(tm)
	} else if l.fault != "set again after the call" && l.fault != "periods from now" {
		tm.when = tm.when.Add(tm.period)
	}
	l.mu.Unlock()
	tm.f()
	if tm.period > 0 && (l.fault == "set again after the call" || l.fault == "periods from now" && tm.pending) {
		l.mu.Lock()
		l.drop(tm)
		tm.when, tm.pending = time.Now().Add(tm.period), true
		l.timers = append(l.timers, tm)
		l.mu.Unlock()
	}
}

// moment is when a timer is due.
func (l *plain) moment(tm *plainTimer) time.Time {
	if slot := 50 * time.Millisecond; l.fault == "a slot of a wheel in any order" {
		return tm.when.Truncate(slot).Add(slot) // when its slot is over
	}
	return tm.when
}

// drop forgets a timer; mu is held.
func (l *plain) drop(tm *plainTimer) {
	tm.pending = false
	l.timers = slices.DeleteFunc(l.timers, func(o *plainTimer) bool { return o == tm })
}

func (l *plain) Stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.rouse()
}

func (l *plain) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *plain) Post(task func()) error {
	if l.fault == "runs its own posts at once" && l.InLoop() {
		task()
		return nil
	}
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		if l.fault == "takes tasks after its end" {
			return nil
		}
		return contract.ErrStopped
	}
	l.posted++
	switch {
	case l.fault == "loses one in a thousand" && l.posted%1000 == 0:
	case l.fault == "runs one in a thousand twice" && l.posted%1000 == 0:
		l.queue = append(l.queue, task, task)
	default:
		l.queue = append(l.queue, task)
	}
	l.mu.Unlock()
	switch l.fault {
	case "posts do not wake":
		return nil
	case lateAnnouncement:
		if !l.asleep.CompareAndSwap(true, false) {
			return nil
		}
	case "a full wakeup is an error":
		select {
		case l.full <- struct{}{}:
		default:
			return errors.New("resource temporarily unavailable")
		}
	}
	l.rouse()
	return nil
}

func (l *plain) Wake() error { l.rouse(); return nil }

func (l *plain) InLoop() bool { return l.tid.Load() == int64(unix.Gettid()) }

func (l *plain) After(d time.Duration, f func()) (contract.Timer, error) { return l.set(d, 0, f) }
func (l *plain) Every(d time.Duration, f func()) (contract.Timer, error) { return l.set(d, d, f) }

func (l *plain) set(d, period time.Duration, f func()) (contract.Timer, error) {
	if l.fault == "rounds down" {
		d = d.Truncate(5 * time.Millisecond)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, contract.ErrStopped
	}
	l.created++
	tm := &plainTimer{l: l, f: f, when: time.Now().Add(max(0, d)), period: period, serial: l.created, pending: true}
	l.timers = append(l.timers, tm)
	if l.fault != "timers from outside do not wake" {
		l.rouse()
	}
	return tm, nil
}

func (tm *plainTimer) Cancel() bool {
	tm.l.mu.Lock()
	defer tm.l.mu.Unlock()
	was := tm.pending
	if tm.l.fault != "cancels in word only" {
		tm.l.drop(tm)
	}
	return was
}

func (tm *plainTimer) Reset(d time.Duration) bool {
	tm.l.mu.Lock()
	defer tm.l.mu.Unlock()
	if !tm.pending {
		return false
	}
	if tm.l.fault == "resets later only" {
		tm.when = maxTime(tm.when, time.Now().Add(d))
	} else {
		tm.when = time.Now().Add(d)
	}
	tm.l.rouse()
	return true
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (l *plain) Hook(at contract.Position, f func()) (func(), error) {
	h := &plainHook{at, f}
	l.mu.Lock()
	l.hooks = append(l.hooks, h)
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		l.hooks = slices.DeleteFunc(l.hooks, func(o *plainHook) bool { return o == h })
		l.mu.Unlock()
	}, nil
}
