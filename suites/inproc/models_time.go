package inproc

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// set is one timer in the model: a list of these, in the order of creation, is
// all that there is to timers. Setting one takes time, so a deadline is known as a span.
type set struct {
	timer    contract.Timer
	from, to time.Duration // of its deadline; the earliest and the latest that it can be
	period   time.Duration // 0: one shot
	pending  bool
	suicidal bool // cancels itself in its function
	killer   int  // cancels that one in its function; -1: none
	times    int
	created  int // rank among all
	delay    time.Duration
	moved    bool // by Reset
}

// Timers is the model of timers: whatever is set, cancelled and reset, by others
// or by callbacks, none fires early, the earlier deadline fires first, equal delays
// fire in the order of their creation, and each fires exactly as often as the model says. It
// runs in real time; the loop's own clock is not asked.
func Timers(t *rapid.T, newLoop Factory) {
	l := run(t, newLoop)
	defer l.end()
	m := &timerModel{loop: l, start: time.Now()}
	delay := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, 12_000).Draw(t, "µs")) * time.Microsecond
	})
	// Each step runs on the loop's thread, as every loop allows.
	batch := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			verb:  rapid.SampledFrom([]string{"after", "after", "after", "same", "every", "cancel", "reset", "killer", "pass"}).Draw(t, "verb"),
			delay: delay.Draw(t, "delay"),
			index: rapid.IntRange(0, 99).Draw(t, "index"),
			self:  rapid.Bool().Draw(t, "cancels itself"),
		}
	}), 1, 12)
	for _, steps := range rapid.SliceOfN(batch, 1, 4).Draw(t, "steps") {
		l.on(func() { m.play(steps) })
		m.verdict(t)
	}
	m.rest(t)
}

type step struct {
	verb  string
	delay time.Duration
	index int
	self  bool
}

func (s step) String() string {
	return fmt.Sprintf("%s %v #%d %v", s.verb, s.delay, s.index, s.self)
}

// timerModel is touched on the loop's thread, and by the test between tasks. A
// loop that keeps the contract would need no lock.
type timerModel struct {
	mu     sync.Mutex
	loop   *running
	start  time.Time
	sets   []*set
	serial int
	last   time.Duration // the delay of the last "after", for ties
	faults []string
}

func (m *timerModel) now() time.Duration { return time.Since(m.start) }

func (m *timerModel) fault(format string, args ...any) {
	if len(m.faults) < 5 {
		m.faults = append(m.faults, fmt.Sprintf(format, args...))
	}
}

func (m *timerModel) verdict(t *rapid.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.faults) > 0 {
		t.Fatalf("%s", strings.Join(m.faults, "; "))
	}
}

func (m *timerModel) play(steps []step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range steps {
		switch s.verb {
		case "after":
			m.last = s.delay
			m.add(s.delay, 0, -1, false)
		case "same":
			m.add(m.last, 0, -1, false)
		case "every":
			m.add(s.delay/4+100*time.Microsecond, s.delay/4+100*time.Microsecond, -1, s.self)
		case "killer":
			m.add(s.delay, 0, s.index, false)
		case "cancel":
			if tm := m.pick(s.index); tm != nil {
				m.cancel(tm)
			}
		case "reset":
			if tm := m.pick(s.index); tm != nil && tm.period == 0 {
				m.reset(tm, s.delay)
			}
		case "pass":
			pause := time.NewTimer(s.delay / 4)
			<-pause.C
		}
	}
}

func (m *timerModel) pick(index int) *set {
	if len(m.sets) == 0 {
		return nil
	}
	return m.sets[index%len(m.sets)]
}

func (m *timerModel) add(d, period time.Duration, killer int, suicidal bool) {
	m.serial++
	s := &set{period: period, pending: true, killer: killer, suicidal: suicidal, created: m.serial, delay: d}
	m.sets = append(m.sets, s)
	fire := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.fired(s)
	}
	s.from = m.now() + d
	var err error
	if period > 0 {
		s.timer, err = m.loop.Every(period, fire)
	} else {
		s.timer, err = m.loop.After(d, fire)
	}
	s.to = m.now() + d
	if err != nil {
		m.fault("setting a timer of %v reported %v", d, err)
	}
}

func (m *timerModel) cancel(s *set) {
	if s.timer == nil {
		return
	}
	if got := s.timer.Cancel(); got != s.pending {
		m.fault("Cancel of timer %d reported %v, want %v", s.created, got, s.pending)
	}
	s.pending = false
}

func (m *timerModel) reset(s *set, d time.Duration) {
	from := m.now() + d
	got := s.timer.Reset(d)
	if got != s.pending {
		m.fault("Reset of timer %d reported %v, want %v", s.created, got, s.pending)
	}
	if got {
		s.from, s.to, s.moved = from, m.now()+d, true
	}
}

// fired judges one expiry.
func (m *timerModel) fired(s *set) {
	now := m.now()
	if !m.loop.InLoop() {
		m.fault("timer %d fired where InLoop says false", s.created)
	}
	if !s.pending {
		m.fault("timer %d fired, and is not pending", s.created)
		return
	}
	s.times++
	if s.period > 0 {
		// Missed expiries may be skipped, so the n-th is due at n periods or later.
		if due := s.from + time.Duration(s.times-1)*s.period; now < due {
			m.fault("expiry %d of the periodic timer %d came %v early", s.times, s.created, due-now)
		}
		if s.suicidal || s.times >= 6 {
			m.cancel(s)
		}
		return
	}
	if now < s.from {
		m.fault("timer %d fired %v early", s.created, s.from-now)
	}
	for _, other := range m.sets {
		if other.pending && other.period == 0 && other != s {
			m.inTurn(s, other)
		}
	}
	s.pending = false
	if s.killer >= 0 {
		if victim := m.pick(s.killer); victim != s {
			m.cancel(victim)
		}
	}
}

// inTurn judges that s fires while other is pending. Of two that were set one
// after the other the first is due first, or at the same moment, unless its delay is greater.
func (m *timerModel) inTurn(s, other *set) {
	if other.created < s.created && other.delay <= s.delay && !other.moved && !s.moved {
		m.fault("timer %d of %v fired before timer %d of %v, which was set before it", s.created, s.delay, other.created, other.delay)
	}
	if other.to+apart < s.from {
		m.fault("timer %d, due at %v, fired before timer %d, due at %v", s.created, s.from, other.created, other.to)
	}
}

// rest waits until all that is pending has fired, and then for what must not.
func (m *timerModel) rest(t *rapid.T) {
	deadline := time.Now().Add(patience)
	for {
		pending := 0
		m.loop.on(func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, s := range m.sets {
				if s.pending {
					pending++
				}
			}
		})
		m.verdict(t)
		if pending == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d timers did not fire within %v", pending, patience)
		}
		<-time.After(time.Millisecond)
	}
	<-time.After(3 * time.Millisecond) // for what must not fire
	m.loop.on(func() {})
	m.verdict(t)
}
