package reference

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
)

func TestTimersFireInOrderNeverEarly(t *testing.T) {
	l, clock := stillLoop(t)
	var got []string
	for _, x := range []struct {
		name  string
		after time.Duration
	}{
		{"e", 36 * time.Minute}, {"c", 70 * time.Millisecond}, {"a", 0}, {"b", time.Nanosecond}, {"b2", time.Nanosecond},
		{"d", 70*time.Millisecond + 1}, {"f", 25 * 24 * time.Hour}, {"a0", -time.Second}, {"g", 100 * 365 * 24 * time.Hour},
	} {
		deadline := clock.at + max(0, x.after)
		mustAfter(t, l, x.after, func() {
			if clock.at < deadline {
				t.Errorf("%s fired %v early", x.name, deadline-clock.at)
			}
			got = append(got, x.name)
		})
	}
	for l.timers.pending() > 0 {
		next, _ := l.timers.next()
		clock.at = max(clock.at, next)
		l.runTimers()
	}
	if want := []string{"a", "a0", "b", "b2", "c", "d", "e", "f", "g"}; !slices.Equal(got, want) {
		t.Errorf("fired in order %v, want %v", got, want)
	}
}

func TestNextIsExactWithoutCancellations(t *testing.T) {
	for _, d := range []time.Duration{1, time.Microsecond, time.Millisecond, 3 * time.Second, 35*time.Minute + 48*time.Second, 25 * 24 * time.Hour, math.MaxInt64} {
		l, clock := stillLoop(t)
		mustAfter(t, l, d, func() {})
		want := time.Duration(math.MaxInt64)
		if d < math.MaxInt64-clock.at {
			want = clock.at + d
		}
		if next, ok := l.timers.next(); !ok || next != want {
			t.Errorf("after %v: next is %v, %v; want %v: an idle loop must sleep until then", d, next, ok, want)
		}
	}
}

func TestTimerCancelAndReset(t *testing.T) {
	t.Run("cancelled does not fire", func(t *testing.T) {
		l, clock := stillLoop(t)
		tm := mustAfter(t, l, time.Second, func() { t.Error("fired after Cancel") })
		if !tm.Cancel() {
			t.Error("Cancel of a pending timer reported false")
		}
		if tm.Cancel() || tm.Reset(0) {
			t.Error("a cancelled timer reported itself pending")
		}
		clock.at += time.Minute
		l.runTimers()
	})
	t.Run("fired is no longer pending", func(t *testing.T) {
		l, clock := stillLoop(t)
		n := 0
		var tm contract.Timer
		tm = mustAfter(t, l, time.Second, func() {
			n++
			if tm.Cancel() {
				t.Error("a one-shot timer is pending in its own function")
			}
		})
		clock.at += time.Second
		l.runTimers()
		if n != 1 || tm.Cancel() || tm.Reset(0) {
			t.Errorf("fired %d times, want once and no longer pending", n)
		}
		l.runTimers()
		if n != 1 {
			t.Error("Reset revived an expired timer")
		}
	})
	t.Run("cancelled by another one due in the same turn", func(t *testing.T) {
		l, clock := stillLoop(t)
		var second contract.Timer
		mustAfter(t, l, time.Second, func() {
			if !second.Cancel() {
				t.Error("a due timer that has not run is still pending")
			}
		})
		second = mustAfter(t, l, time.Second, func() { t.Error("fired after Cancel") })
		clock.at += 2 * time.Second
		l.runTimers()
		l.runTimers()
	})
	t.Run("reset by another one due in the same turn", func(t *testing.T) {
		l, clock := stillLoop(t)
		var second contract.Timer
		var at []time.Duration
		start := clock.at
		mustAfter(t, l, time.Second, func() {
			if !second.Reset(5 * time.Second) {
				t.Error("a due timer that has not run is still pending")
			}
		})
		second = mustAfter(t, l, time.Second, func() { at = append(at, clock.at-start) })
		for range 10 {
			clock.at += time.Second
			l.runTimers()
		}
		if !slices.Equal(at, []time.Duration{6 * time.Second}) {
			t.Errorf("fired at %v, want once at 6s", at)
		}
	})
	t.Run("a periodic one cancels itself", func(t *testing.T) {
		l, clock := stillLoop(t)
		n := 0
		var tm contract.Timer
		tm, _ = l.Every(time.Second, func() {
			n++
			if !tm.Cancel() {
				t.Error("Cancel in a periodic timer's own function reported false")
			}
		})
		for range 5 {
			clock.at += time.Second
			l.runTimers()
		}
		if n != 1 {
			t.Errorf("fired %d times after it cancelled itself, want 1", n)
		}
	})
	t.Run("a timer set by a callback waits for the next turn", func(t *testing.T) {
		l, clock := stillLoop(t)
		n := 0
		var again func()
		again = func() { n++; mustAfter(t, l, 0, again) }
		again()
		clock.at++
		l.runTimers()
		if n != 2 {
			t.Errorf("ran %d times in one turn, want 1: I/O would starve", n-1)
		}
	})
}

func TestEveryDoesNotDrift(t *testing.T) {
	l, clock := stillLoop(t)
	start := clock.at
	var deadlines, lates []time.Duration
	var tm contract.Timer
	tm, _ = l.Every(10*time.Millisecond, func() {
		due := time.Duration(tm.(*timer).when - tm.(*timer).period)
		deadlines = append(deadlines, due-start)
		lates = append(lates, clock.at-due)
	})
	for i := range 40 {
		clock.at += time.Duration(i%5) * 5 * time.Millisecond // turns come late, and two periods at once
		l.runTimers()
	}
	for l.runTimers(); len(deadlines) < 40; l.runTimers() {
	}
	for i, d := range deadlines {
		if want := time.Duration(i+1) * 10 * time.Millisecond; d != want {
			t.Fatalf("expiry %d was for %v, want %v", i+1, d, want)
		}
		if lates[i] < 0 {
			t.Fatalf("expiry %d came %v early", i+1, -lates[i])
		}
	}
	if _, err := l.Every(0, func() {}); err == nil {
		t.Error("a period of 0 was accepted: it would keep the loop busy for ever")
	}
}

func TestTimerPanicIsContained(t *testing.T) {
	l, clock := stillLoop(t)
	l.log = quiet()
	ran := false
	mustAfter(t, l, 1, func() { panic("ouch") })
	mustAfter(t, l, 2, func() { ran = true })
	clock.at += 2
	l.runTimers()
	if !ran || l.Stats().Panics != 1 {
		t.Errorf("the next timer ran: %v, panics %d; want true, 1", ran, l.Stats().Panics)
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
