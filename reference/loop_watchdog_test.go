package reference

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// bubbleClock is a loop's clock of the time in a bubble of synctest.
type bubbleClock struct{ epoch time.Time }

func (c bubbleClock) now() time.Duration { return time.Since(c.epoch) }

// A turn that lasts beyond the limit is told once, while it lasts and before it has
// lasted the limit and a half, whatever other loops do; a shorter one and idleness never.
func TestWatchdogTellsEachLongTurnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, step = 100 * time.Millisecond, 10 * time.Millisecond
		clock := bubbleClock{time.Now()}
		var loops [3]*Loop
		for i := range loops {
			loops[i] = &Loop{clock: clock, index: i}
		}
		_, short, long := loops[0], loops[1], loops[2] // the first is idle
		begin := func(l *Loop) { l.stats.busySince.Store(int64(clock.now())) }
		pass := func(d time.Duration) {
			for end := clock.now() + d; clock.now() < end; {
				if time.Duration(short.stats.busySince.Load()) <= clock.now()-limit/2 {
					begin(short)
				}
				time.Sleep(step)
			}
			synctest.Wait()
		}
		var found []Stall
		w, err := Watch(limit, func(s Stall) { found = append(found, s) }, loops[:]...)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Stop()
		var want []Stall
		told := func(when string) {
			t.Helper()
			if !slices.Equal(found, want) {
				t.Errorf("%s: told are %v, want %v", when, found, want)
			}
		}
		pass(step)
		for range 2 {
			begin(long)
			pass(limit - step)
			told("a turn of less than the limit")
			pass(limit/2 + step)
			want = append(want, Stall{Loop: 2, For: limit*3/2 - step, Step: "turn", Handler: "unknown"})
			told("a turn of the limit and a half")
			pass(4 * limit)
			told("the same turn, longer")
			long.stats.busySince.Store(0)
			pass(3*limit - limit/2) // so that the next turn begins as the first did, one step behind a look
			told("an idle loop")
		}
		for i, n := range []uint64{0, 0, 2} {
			if got := loops[i].stats.stalls.Load(); got != n {
				t.Errorf("%d stalls are counted of loop %d, want %d", got, i, n)
			}
		}
	})
}

// A culprit is named by the loop's step and the calls from there inwards, the outermost
// first and no more of them than tell it.
func TestCulprit(t *testing.T) {
	const loop = "github.com/reactorspec/reactorspec/reference.(*Loop)"
	trace := func(calls ...string) string {
		s := "goroutine 7 gp=0xc000102a80 m=3 mp=0xc000100008 [select, locked to thread]:\n"
		for _, call := range calls {
			s += call + "\n\t/src/some/where.go:10 +0x1d\n"
		}
		return s
	}
	for name, x := range map[string]struct{ stack, step, handler string }{
		"a handler": {
			trace("example.com/my/app.wait(0x1)", "example.com/my/app.(*Echo).OnData(0xc000010010, {0xc000020000, 0x1, 0x1})", loop+".dispatch(0xc00001, ...)", loop+".turn(...)"),
			"handler", "app.(*Echo).OnData > app.wait",
		},
		"a task":  {trace("main.main.func1()", loop+".runUntil(0xc00001, 0x5)", loop+".turn(...)"), "task", "main.main.func1"},
		"a timer": {trace("main.main.func1()", loop+".fire(0xc00001)", loop+".turn(...)"), "timer", "main.main.func1"},
		"no call": {trace(loop+".runHooks(0xc00001)", loop+".turn(...)"), "hook", "unknown"},
		"no step": {trace("main.work(0x1)", "main.main()"), "turn", "main.main > main.work"},
		"a goroutine's creator, which is no call": {
			trace("main.work(0x1)", "main.main()") + "created by example.com/my/app.(*Server).Start in goroutine 1\n\t/src/some/where.go:10 +0x1d\n",
			"turn", "main.main > main.work",
		},
		"no stack": {"", "turn", "unknown"},
		"many calls": {
			trace("main.h(...)", "main.g(...)", "main.f(...)", "main.e(...)", "main.d(...)", "main.c(...)", "main.b(...)", "main.a(...)", loop+".runOneShared(...)"),
			"task", "main.a > main.b > main.c > main.d > main.e > main.f",
		},
	} {
		if step, handler := culprit(x.stack); step != x.step || handler != x.handler {
			t.Errorf("%s: got %q in a %s, want %q in a %s", name, handler, step, x.handler, x.step)
		}
	}
}

//go:noinline
func blockTheLoop(c <-chan struct{}) { <-c }

func TestWatchdogNamesTheCulprit(t *testing.T) {
	for _, x := range []struct {
		step string
		run  func(l *Loop, f func())
	}{
		{"task", func(l *Loop, f func()) { l.Post(f) }},
		{"timer", func(l *Loop, f func()) { l.After(0, f) }},
		{"handler", func(l *Loop, f func()) {
			l.Post(func() {
				w := newWire(t, l, func(w *wire, _ poll.Events) { w.close(); f() })
				poke(w.peer)
			})
		}},
		{"hook", func(l *Loop, f func()) {
			var remove func()
			l.Post(func() { remove, _ = l.Hook(contract.AfterTimers, func() { remove(); f() }) })
		}},
	} {
		t.Run(x.step, func(t *testing.T) {
			l := runLoop(t, LoopOptions{Index: 3})
			stalls := make(chan Stall, 10)
			w, err := Watch(20*time.Millisecond, func(s Stall) { stalls <- s }, l)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Stop()
			release := make(chan struct{})
			x.run(l, func() { blockTheLoop(release) })
			var s Stall
			for s = await(t, "a stall", stalls); !strings.Contains(s.Handler, "blockTheLoop"); s = await(t, "the stall", stalls) {
			} // the machine may stall a turn of its own
			close(release)
			if s.Loop != 3 || s.Step != x.step || s.For < 20*time.Millisecond {
				t.Errorf("found %v, want loop 3 in a %s for 20ms or more", s, x.step)
			}
			do(t, l, func() {})
			if l.Stats().Stalls == 0 {
				t.Error("the stall was not counted")
			}
		})
	}
	if _, err := Watch(time.Millisecond, nil); err == nil {
		t.Error("a limit of 1 ms was accepted")
	}
}

func TestWatchdogLeavesAnIdleLoopAlone(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	do(t, l, func() {})
	began := l.Stats().Turns
	looked := make(chan struct{})
	w, err := Watch(10*time.Millisecond, func(s Stall) {
		if strings.Contains(s.Stack, "Wait") {
			t.Errorf("a loop that polls was called stalled: %v", s)
		}
	}, l)
	if err != nil {
		t.Fatal(err)
	}
	l.After(100*time.Millisecond, func() { close(looked) })
	await(t, "several looks", looked)
	w.Stop()
	w.Stop()
	if n := l.Stats().Turns - began; n > 10 {
		t.Errorf("watching made %d turns", n)
	}
}
