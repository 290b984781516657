package suites_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites"
)

// tasks is an event loop without any I/O: tasks under a lock, a list of timers, and a
// channel to sleep on.
type tasks struct {
	mu      sync.Mutex
	queue   []func()
	timers  []*alarm // by the time of their expiry, equal ones in the order of their creation
	stopped bool
	wake    chan struct{}
	thread  atomic.Int64
}

type alarm struct {
	of    *tasks
	at    time.Time
	every time.Duration
	f     func()
}

func newTasks() (contract.Loop, error) { return &tasks{wake: make(chan struct{}, 1)}, nil }

func (l *tasks) Run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.thread.Store(int64(unix.Gettid()))
	defer l.thread.Store(0)
	for {
		l.mu.Lock()
		turn, over := l.queue, l.stopped
		l.queue = nil
		l.mu.Unlock()
		for _, task := range turn {
			task()
		}
		if over {
			return nil // refused since Stop: nothing comes after the last turn
		}
		select {
		case <-l.wake:
		case <-time.After(l.fire()):
		}
	}
}

// fire runs the timers that are due now, and returns how long the loop may sleep.
func (l *tasks) fire() time.Duration {
	now := time.Now()
	for len(l.timers) > 0 && !l.timers[0].at.After(now) {
		due := l.timers[0]
		l.timers = l.timers[1:]
		if due.every > 0 { // missed expiries are made up for
			l.set(due, due.at.Add(due.every))
		}
		due.f()
	}
	if len(l.timers) == 0 {
		return time.Hour
	}
	return time.Until(l.timers[0].at)
}

func (l *tasks) set(t *alarm, at time.Time) {
	t.at = at
	i := slices.IndexFunc(l.timers, func(other *alarm) bool { return other.at.After(at) })
	if i < 0 {
		i = len(l.timers)
	}
	l.timers = slices.Insert(l.timers, i, t)
}

func (l *tasks) Post(task func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return contract.ErrStopped
	}
	l.queue = append(l.queue, task)
	l.ring()
	return nil
}

func (l *tasks) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	l.ring()
}

func (l *tasks) Wake() error { return l.Post(func() {}) }

func (l *tasks) ring() {
	select {
	case l.wake <- struct{}{}:
	default: // it rings already
	}
}

func (l *tasks) InLoop() bool { return l.thread.Load() == int64(unix.Gettid()) }

func (l *tasks) After(d time.Duration, f func()) (contract.Timer, error) {
	t := &alarm{of: l, f: f}
	l.set(t, time.Now().Add(d))
	return t, nil
}

func (l *tasks) Every(d time.Duration, f func()) (contract.Timer, error) {
	if d <= 0 {
		return nil, errors.New("a period is above 0")
	}
	t := &alarm{of: l, every: d, f: f}
	l.set(t, time.Now().Add(d))
	return t, nil
}

func (t *alarm) Cancel() bool {
	i := slices.Index(t.of.timers, t)
	if i >= 0 {
		t.of.timers = slices.Delete(t.of.timers, i, i+1)
	}
	return i >= 0
}

func (t *alarm) Reset(d time.Duration) bool {
	pending := t.Cancel()
	if pending {
		t.of.set(t, time.Now().Add(d))
	}
	return pending
}

// An event loop is judged inside the test: its tasks, its wakeups and its timers.
func ExampleVerifyLoop() {
	test := func(t *testing.T) { // TestConformance, in your own tests
		suites.VerifyLoop(t, newTasks, suites.Clauses("TASK-1", "TASK-3", "WAKE-2", "TIME-1"))
	}
	fmt.Println(passes(test))
	// Output: true
}
