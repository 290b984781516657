package reference

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

var (
	_ contract.Loop   = (*Loop)(nil)
	_ contract.Hooker = (*Loop)(nil)
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// within is how long a test waits for what must happen.
const within = 10 * time.Second

// await waits for a channel to be closed or to give a value.
func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(within):
		t.Fatalf("waited %v in vain for %s", within, what)
	}
	return v
}

// runLoop runs a loop on a goroutine of its own until the test's end.
func runLoop(t testing.TB, o LoopOptions) *Loop {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet()
	}
	l, err := NewLoop(o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := await(t, "Run to return", ended); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	return l
}

// do runs f on the loop's thread and waits for it.
func do(t testing.TB, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := l.Post(func() { defer close(done); f() }); err != nil {
		t.Fatal(err)
	}
	await(t, "a task", done)
}

// eachKind runs a test with every poller and every waker.
func eachKind(t *testing.T, f func(t *testing.T, o LoopOptions)) {
	for _, p := range poll.Kinds {
		for _, w := range Wakeups {
			t.Run(p+"/"+w, func(t *testing.T) { f(t, LoopOptions{Poller: p, Wakeup: w}) })
		}
	}
}

func TestIdleLoopSleeps(t *testing.T) {
	eachKind(t, func(t *testing.T, o LoopOptions) {
		l := runLoop(t, o)
		do(t, l, func() {})
		fired := make(chan struct{})
		before := l.Stats().Turns
		l.After(100*time.Millisecond, func() { close(fired) })
		await(t, "the timer", fired)
		if n := l.Stats().Turns - before; n > 10 {
			t.Errorf("%d turns while idle for 100 ms, want a few", n)
		}
	})
}

func TestOptionsOutOfRange(t *testing.T) {
	before := openFiles(t)
	for _, x := range []struct {
		o    LoopOptions
		want []string
	}{
		{LoopOptions{Poller: "kqueue"}, []string{"Poller", "kqueue", "epoll, epollet, poll, select"}},
		{LoopOptions{Wakeup: "signal"}, []string{"Wakeup", "signal", "eventfd, pipe, socketpair"}},
		{LoopOptions{TaskShare: -1}, []string{"TaskShare", "-1", "1,000,000"}},
		{LoopOptions{TaskShare: 2_000_000}, []string{"TaskShare"}},
		{LoopOptions{Index: -1}, []string{"Index", "-1"}},
	} {
		_, err := NewLoop(x.o)
		if err == nil {
			t.Errorf("%+v accepted", x.o)
			continue
		}
		for _, w := range x.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %q", err, w)
			}
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after constructors that failed", before, after)
	}
}

func TestTimersFromOtherThreads(t *testing.T) {
	eachKind(t, func(t *testing.T, o LoopOptions) {
		l := runLoop(t, o)
		do(t, l, func() {}) // and now it sleeps for ever
		for range 20 {
			fired := make(chan time.Time, 1)
			start := time.Now()
			if _, err := l.After(2*time.Millisecond, func() { fired <- time.Now() }); err != nil {
				t.Fatal(err)
			}
			if took := await(t, "a timer set by another thread", fired).Sub(start); took < 2*time.Millisecond {
				t.Errorf("fired after %v, want 2ms or more", took)
			}
		}
		far, _ := l.After(time.Hour, func() {})
		near := make(chan struct{})
		tm, _ := l.After(time.Hour, func() { close(near) })
		do(t, l, func() {})
		if !tm.Reset(time.Millisecond) {
			t.Error("Reset of a pending timer reported false")
		}
		await(t, "a timer reset by another thread", near)
		if !far.Cancel() || far.Cancel() {
			t.Error("Cancel must report true once")
		}
		if n := l.Stats().Timers; n != 0 {
			t.Errorf("%d timers pending, want 0", n)
		}
	})
}
