package reference

import (
	"cmp"
	"fmt"
	"math/rand"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// Many timers of one tick fire in exact order, whichever of them are cancelled and
// moved before, and in whatever order.
func TestManyTimersOfOneTick(t *testing.T) {
	type entry struct {
		timer  contract.Timer
		when   time.Duration
		serial int
		gone   bool
	}
	for seed := range int64(20) {
		random := rand.New(rand.NewSource(seed))
		l, clock := stillLoop(t)
		clock.at += 1 << tickShift
		l.timers.wheel.init(int64(clock.at)) // all that follows is due in this tick
		var all []*entry
		var got, want []int
		for serial := range 200 {
			d := time.Duration(random.Intn(150))
			all = append(all, &entry{mustAfter(t, l, d, func() { got = append(got, serial) }), clock.at + d, serial, false})
			if e := all[random.Intn(len(all))]; random.Intn(3) == 0 && !e.gone {
				e.gone = true
				e.timer.Cancel()
			}
			if e := all[random.Intn(len(all))]; random.Intn(3) == 0 && !e.gone {
				d := time.Duration(random.Intn(150))
				e.when = clock.at + d
				e.timer.Reset(d)
			}
		}
		slices.SortFunc(all, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.when, b.when), a.serial-b.serial) })
		for _, e := range all {
			if !e.gone {
				want = append(want, e.serial)
			}
		}
		for range 150 {
			clock.at++
			l.runTimers()
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: fired in order\n%v, want\n%v", seed, got, want)
		}
	}
}

// Every timer fires in the first turn in which it is due, however long the turns are,
// also where they cross from one ring of the wheel to another.
func TestTimersFireWhenTheyAreDue(t *testing.T) {
	const tick = 1 << tickShift
	for _, apart := range []time.Duration{tick / 4, tick, 3 * tick, 70 * tick, 5000 * tick} {
		for _, turn := range []time.Duration{apart / 4, apart, 5 * apart} {
			l, clock := stillLoop(t)
			clock.at = 1<<30*tick - 10*apart
			l.timers.wheel.init(int64(clock.at))
			var all, got []time.Duration
			for i := range 40 {
				d := time.Duration(i) * apart
				all = append(all, clock.at+d)
				mustAfter(t, l, d, func() { got = append(got, all[i]) })
			}
			for fired := 0; fired < len(all); clock.at += turn {
				for l.runTimers(); fired < len(all) && all[fired] <= clock.at; fired++ {
				}
				if !slices.Equal(got, all[:fired]) {
					t.Fatalf("timers %v apart, turns of %v: at %v fired %v, want %v", apart, turn, clock.at, got, all[:fired])
				}
			}
		}
	}
}

// So do crowds of timers, too many for the heap to order them at once.
func TestCrowdsOfTimersFireWhenTheyAreDue(t *testing.T) {
	const tick, crowd = 1 << tickShift, smallSlot + 100
	for _, apart := range []time.Duration{tick / 8, 3 * tick, 70 * tick, 5000 * tick} {
		ended := make(chan string, 1)
		go func() {
			start := 1<<30*tick - apart
			clock := &handClock{at: start}
			l := &Loop{clock: clock}
			l.timers.init(l)
			next := 0
			fault := ""
			for serial := range 4 * crowd {
				when := start + time.Duration(serial/crowd)*apart + time.Duration(serial%crowd)
				mustAfter(t, l, when-start, func() {
					if serial != next || when > clock.at {
						fault = fmt.Sprintf("timer %d of %v fired at %v, when %d was next", serial, when, clock.at, next)
					}
					next++
				})
			}
			for step := range 17 {
				clock.at = start + time.Duration(step)*apart/4
				l.runTimers()
				if due := min(step/4, 4)*crowd + 1; step%4 == 0 && step < 16 && next != due {
					fault = fmt.Sprintf("%d timers fired by %v, want %d", next, clock.at, due)
				}
			}
			ended <- fault
		}()
		if fault := await(t, "the timers", ended); fault != "" {
			t.Errorf("%v apart: %s", apart, fault)
		}
	}
}

// Setting, cancelling and firing a timer costs the timer's own memory and nothing else.
func TestTimersAllocateOnce(t *testing.T) {
	l, clock := stillLoop(t)
	mustAfter(t, l, time.Hour, func() {})
	f := func() {}
	for name, once := range map[string]func(){
		"a far one":      func() { mustAfter(t, l, time.Minute, f).Cancel() },
		"a near one":     func() { mustAfter(t, l, 0, f).Cancel() },
		"one that fires": func() { mustAfter(t, l, 1, f); clock.at++; l.runTimers() },
	} {
		if n := testing.AllocsPerRun(100, once); n != 1 {
			t.Errorf("%s: %v allocations, want 1", name, n)
		}
	}
}

// countingClock counts how often it is read.
type countingClock struct {
	handClock
	reads int
}

func (c *countingClock) now() time.Duration { c.reads++; return c.at }

// A turn does not look at the clock for timers that are all gone.
func TestNoTimersCostNoLookAtTheClock(t *testing.T) {
	for name, use := range map[string]func(l *Loop, clock *countingClock){
		"none was set": func(*Loop, *countingClock) {},
		"fired": func(l *Loop, clock *countingClock) {
			mustAfter(t, l, time.Second, func() {})
			clock.at += time.Second
			l.runTimers()
		},
		"cancelled": func(l *Loop, _ *countingClock) { mustAfter(t, l, time.Second, func() {}).Cancel() },
		"cancelled near": func(l *Loop, _ *countingClock) {
			mustAfter(t, l, 0, func() {}).Cancel()
		},
	} {
		clock := &countingClock{}
		l, err := NewLoop(LoopOptions{clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		use(l, clock)
		clock.reads = 0
		l.runTimers()
		if clock.reads != 0 {
			t.Errorf("%s: the clock is read %d times for no timer", name, clock.reads)
		}
	}
}

// The memory of a burst of timers is given back once they have fired.
func TestBurstOfTimersGivesMemoryBack(t *testing.T) {
	l, clock := stillLoop(t)
	memory := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, fired := memory(), 0
	const burst = 1 << 17
	for range burst {
		mustAfter(t, l, time.Second, func() { fired++ })
	}
	for clock.at += time.Second; fired < burst; {
		l.runTimers()
	}
	if kept := memory() - before; kept > burst {
		t.Errorf("%d bytes are kept of %d timers that have fired", kept, burst)
	}
	runtime.KeepAlive(l)
}
