package reference

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
	"pgregory.net/rapid"
)

// TestTimersAgainstModel compares the timers with a list that is sorted when it is needed,
// under random operations, from outside and in callbacks, and leaps of time.
func TestTimersAgainstModel(t *testing.T) { rapid.Check(t, timersAgreeWithModel) }

func FuzzTimers(f *testing.F) { f.Fuzz(rapid.MakeFuzz(timersAgreeWithModel)) }

// modelTimer is a timer as the model sees it, with the one that it is compared with.
type modelTimer struct {
	timer   contract.Timer
	serial  int
	when    time.Duration
	period  time.Duration
	pending bool
	does    []timerAct // in its callback, each time
	fired   int        // callbacks that ran
}

// timerAct is what a callback does to a timer.
type timerAct struct {
	verb string // cancel, reset, add
	whom int    // 0 is the callback's own, others count from the first
	d    time.Duration
}

// timersModel runs the model first and the loop second; what both say must be the same.
type timersModel struct {
	t     rapid.TB
	l     *Loop
	clock *handClock
	all   []*modelTimer
	old   int           // how many there were when the turn began: whom callbacks act on
	born  []*modelTimer // by callbacks of the model's turn; the loop's come in the same order
	want  []string
	got   []string
}

func timersAgreeWithModel(t *rapid.T) {
	m := &timersModel{t: t, clock: &handClock{at: time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "start"))}}
	m.l = &Loop{clock: m.clock, log: quiet()}
	m.l.timers.init(m.l)
	delay := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(0, 52).Draw(t, "bits")).Draw(t, "ns"))
	})
	act := rapid.Custom(func(t *rapid.T) timerAct {
		return timerAct{
			verb: rapid.SampledFrom([]string{"cancel", "cancel", "reset", "reset", "add"}).Draw(t, "does"),
			whom: rapid.IntRange(0, 6).Draw(t, "whom"), d: delay.Draw(t, "to"),
		}
	})
	acts := rapid.SliceOfN(act, 0, 2)
	add := func(t *rapid.T, d, period time.Duration) {
		e := m.expect(d, period, acts.Draw(t, "callback"))
		m.make(e, d)
	}
	t.Repeat(map[string]func(*rapid.T){
		"after": func(t *rapid.T) { add(t, delay.Draw(t, "after"), 0) },
		"every": func(t *rapid.T) {
			d := 1 + delay.Draw(t, "every")
			add(t, d, d)
		},
		"due together": func(t *rapid.T) { // the ties that chance rarely makes
			for d, n := delay.Draw(t, "after"), rapid.IntRange(2, 4).Draw(t, "n"); n > 0; n-- {
				add(t, d, 0)
			}
		},
		"cancel": func(t *rapid.T) { m.outside(t, timerAct{verb: "cancel"}) },
		"reset":  func(t *rapid.T) { m.outside(t, timerAct{verb: "reset", d: delay.Draw(t, "to")}) },
		"pass": func(t *rapid.T) {
			m.clock.at += delay.Draw(t, "time")
			m.turn()
		},
		"turn": func(*rapid.T) { m.turn() },
		"":     func(*rapid.T) { m.agree() },
	})
}

// expect adds a timer to the model.
func (m *timersModel) expect(d, period time.Duration, does []timerAct) *modelTimer {
	e := &modelTimer{serial: len(m.all), when: m.clock.at + d, period: period, pending: true, does: does}
	m.all = append(m.all, e)
	return e
}

// make sets the timer that e is the model of.
func (m *timersModel) make(e *modelTimer, d time.Duration) {
	var err error
	if e.period > 0 {
		e.timer, err = m.l.Every(e.period, func() { m.callback(e) })
	} else {
		e.timer, err = m.l.After(d, func() { m.callback(e) })
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// outside does to a drawn timer what other threads do between two turns.
func (m *timersModel) outside(t *rapid.T, a timerAct) {
	if len(m.all) == 0 {
		return // a skip would not do: to the fuzzer, too many of them are a failure
	}
	e := rapid.SampledFrom(m.all).Draw(t, "timer")
	if want, got := m.model(e, a), m.real(e, a); got != want {
		t.Fatalf("%s of timer %d reported %v, want %v", a.verb, e.serial, got, want)
	}
}

// model is what a cancellation or a reset does to the model; real does it.
func (m *timersModel) model(e *modelTimer, a timerAct) bool {
	was := e.pending
	switch {
	case a.verb == "cancel":
		e.pending = false
	case was:
		e.when = m.clock.at + a.d
	}
	return was
}

func (m *timersModel) real(e *modelTimer, a timerAct) bool {
	if a.verb == "cancel" {
		return e.timer.Cancel()
	}
	return e.timer.Reset(a.d)
}

// target is whom an act in e's callback is about.
func (m *timersModel) target(e *modelTimer, a timerAct) *modelTimer {
	if a.whom == 0 {
		return e
	}
	near := min(m.old, e.serial+4) // so that both are often due together
	return m.all[max(0, near-8)+(a.whom-1)%min(near, 8)]
}

// turn runs what is due: each timer once, the periodic ones too, by deadline and then by
// creation, save those that a callback before theirs cancelled or moved.
func (m *timersModel) turn() {
	m.want, m.got, m.born, m.old = nil, nil, nil, len(m.all)
	var due []*modelTimer
	deadline := map[*modelTimer]time.Duration{}
	for _, e := range m.all {
		if e.pending && e.when <= m.clock.at {
			due = append(due, e)
			deadline[e] = e.when
		}
	}
	slices.SortFunc(due, func(a, b *modelTimer) int {
		return cmp.Or(cmp.Compare(a.when, b.when), cmp.Compare(a.serial, b.serial))
	})
	touched := map[*modelTimer]bool{} // taken out of those that are due
	for _, e := range due {
		if touched[e] {
			continue
		}
		touched[e] = true
		if e.pending = e.period > 0; e.pending {
			e.when += e.period
		}
		m.want = append(m.want, fmt.Sprintf("%d for %d", e.serial, deadline[e]))
		e.fired++
		for _, a := range e.does {
			if a.verb == "add" {
				m.born = append(m.born, m.expect(a.d, 0, nil))
				continue
			}
			whom := m.target(e, a)
			ok := m.model(whom, a)
			if ok {
				touched[whom] = true
			}
			m.want = append(m.want, fmt.Sprintf("%s %d: %v", a.verb, whom.serial, ok))
		}
	}
	m.l.runTimers()
	if !slices.Equal(m.got, m.want) {
		m.t.Fatalf("at %d\n got  %v\n want %v", m.clock.at, m.got, m.want)
	}
}

// callback is the function of e's timer.
func (m *timersModel) callback(e *modelTimer) {
	tm := e.timer.(*timer)
	due := time.Duration(tm.when - tm.period)
	if due > m.clock.at {
		m.t.Errorf("timer %d fired %v early", e.serial, due-m.clock.at)
	}
	m.got = append(m.got, fmt.Sprintf("%d for %d", e.serial, due))
	for _, a := range e.does {
		if a.verb == "add" {
			if len(m.born) == 0 {
				m.t.Fatalf("timer %d fired and should not have: %v, want %v", e.serial, m.got, m.want)
			}
			child := m.born[0]
			m.born = m.born[1:]
			m.make(child, a.d)
			continue
		}
		whom := m.target(e, a)
		m.got = append(m.got, fmt.Sprintf("%s %d: %v", a.verb, whom.serial, m.real(whom, a)))
	}
}

// agree holds between any two operations: as many are pending, and the next poll does not
// sleep past one of them.
func (m *timersModel) agree() {
	pending, fired := 0, 0
	next, ok := m.l.timers.next()
	for _, e := range m.all {
		fired += e.fired
		if !e.pending {
			continue
		}
		pending++
		if e.when < next {
			m.t.Fatalf("next is %v, but timer %d is due at %v: the poll would sleep past it", next, e.serial, e.when)
		}
	}
	if got := m.l.timers.pending(); got != pending {
		m.t.Fatalf("%d pending, want %d", got, pending)
	}
	if ok != (pending > 0) {
		m.t.Fatalf("next reports a timer: %v, pending %d", ok, pending)
	}
	if got := m.l.stats.fired.load(); got != uint64(fired) {
		m.t.Fatalf("%d callbacks ran, want %d", got, fired)
	}
}
