package inproc

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// batch is what one thread does to timers in one go.
type batch struct {
	outside bool // it is not the loop's own thread
	steps   []step
}

// step is one operation. index picks one of the timers set so far.
type step struct {
	verb  string
	delay time.Duration
	index int
	then  deed
}

// deed is what a timer's function does besides being called.
type deed struct {
	verb  string
	index int
	delay time.Duration
}

// timersModel is what Timers says.
func timersModel(t *rapid.T, l *running) {
	l.on(func() {}) // it runs: before that, timers are set by nobody
	m := &timerModel{loop: l, start: time.Now()}
	delay := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, 12_000).Draw(t, "µs")) * time.Microsecond
	})
	index := rapid.IntRange(0, 99)
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		s := step{
			verb:  rapid.SampledFrom([]string{"after", "after", "after", "same", "every", "cancel", "reset", "race", "pass"}).Draw(t, "verb"),
			delay: delay.Draw(t, "delay"),
			index: index.Draw(t, "index"),
		}
		var deeds []string
		switch s.verb {
		case "after", "same":
			deeds = []string{"", "", "cancel", "reset", "set"}
		case "every":
			deeds = []string{"", "", "cancel", "reset", "set", "cancel itself", "reset itself"}
		default: // it sets no timer
			return s
		}
		if s.then.verb = rapid.SampledFrom(deeds).Draw(t, "then"); s.then.verb != "" {
			s.then.index, s.then.delay = index.Draw(t, "its index"), delay.Draw(t, "its delay")
		}
		return s
	}), 1, 12)
	batches := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) batch {
		return batch{outside: l.anyThread && rapid.Bool().Draw(t, "from outside"), steps: steps.Draw(t, "steps")}
	}), 1, 4).Draw(t, "batches")
	for _, b := range batches {
		if b.outside {
			m.play(b)
		} else {
			l.on(func() { m.settle(); m.play(b) })
		}
		m.verdict(t)
	}
	m.rest(t)
}

// set is one timer in the model: a list of these, in the order of creation, is
// all that there is to timers. Setting one takes time, so a deadline is known as a span.
type set struct {
	timer       contract.Timer
	created     int           // rank among all
	asked, done time.Duration // when the call that set it began, and when it returned
	delay       time.Duration
	period      time.Duration // 0: one shot
	then        deed

	from, to time.Duration // of the next deadline: the earliest and the latest that it can be
	pending  bool
	times    int
	at       time.Duration // of the last expiry
	moved    bool          // by Reset

	// What another thread does to a timer takes place at some moment of its call.
	busy     bool // a call from outside is under way
	moving   bool // and it is a Reset
	settled  bool // the loop had a turn since it was set or moved
	underWay bool // it is periodic, and was cancelled from outside: a call that had begun may still be seen
}

// never is a deadline that is not known yet.
const never = time.Duration(math.MaxInt64) - apart

// timerModel is touched by callbacks on the loop's thread and by whoever plays
// steps.
type timerModel struct {
	loop  *running
	start time.Time

	mu     sync.Mutex // not held during calls from outside: callbacks take it, and such a call may wait for one
	sets   []*set
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

// settle runs as a task: whatever was called from outside before it was posted
// is done with.
func (m *timerModel) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sets {
		s.settled, s.underWay = true, false
	}
}

func (m *timerModel) play(b batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range b.steps {
		switch s.verb {
		case "after":
			m.last = s.delay
			m.set(s.delay, 0, s.then, b.outside)
		case "same":
			m.set(m.last, 0, s.then, b.outside)
		case "every":
			period := s.delay/4 + 100*time.Microsecond
			m.set(period, period, s.then, b.outside)
		case "cancel":
			if tm := m.pick(s.index); tm != nil {
				m.cancel(tm, b.outside)
			}
		case "reset":
			if tm := m.pick(s.index); tm != nil {
				m.reset(tm, s.delay, b.outside)
			}
		case "race": // cancel it just when it is due
			tm := m.set(s.delay/100, 0, deed{}, b.outside)
			m.call(b.outside, func() { spin(int(s.delay/100) + 30*s.index) })
			m.cancel(tm, b.outside)
		case "pass":
			m.call(b.outside, func() { <-time.After(s.delay / 4) })
		}
	}
}

// call calls f, without the lock where that is not the loop's thread.
func (m *timerModel) call(outside bool, f func()) {
	if outside {
		m.mu.Unlock()
		defer m.mu.Lock()
	}
	f()
}

func (m *timerModel) pick(index int) *set {
	if len(m.sets) == 0 {
		return nil
	}
	return m.sets[index%len(m.sets)]
}

// set sets a timer.
func (m *timerModel) set(d, period time.Duration, then deed, outside bool) *set {
	s := &set{created: len(m.sets) + 1, delay: d, period: period, then: then, pending: true, busy: outside, settled: !outside}
	m.sets = append(m.sets, s)
	fire := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.fired(s)
	}
	s.asked = m.now()
	s.from, s.to = s.asked+d, never
	var timer contract.Timer
	var err error
	var done time.Duration
	m.call(outside, func() {
		if period > 0 {
			timer, err = m.loop.Every(period, fire)
		} else {
			timer, err = m.loop.After(d, fire)
		}
		done = m.now()
	})
	s.timer, s.done, s.to, s.busy = timer, done, done+d, false
	if err != nil {
		m.fault("setting a timer of %v reported %v", d, err)
		s.pending = false
	}
	return s
}

// cancel cancels a timer. From outside it races with the timer: then one of the
// two was first, and whatever Cancel reports has to fit what is seen.
func (m *timerModel) cancel(s *set, outside bool) {
	timer, was, times := s.timer, s.pending, s.times
	if timer == nil || s.busy {
		return
	}
	var got bool
	var after time.Duration
	s.busy = outside
	m.call(outside, func() { got, after = timer.Cancel(), m.now() })
	s.busy = false
	fired := s.times > times
	switch {
	case !outside || s.period > 0: // nobody else ends it
		if got != was {
			m.fault("Cancel of timer %d reported %v, want %v", s.created, got, was)
		}
		s.pending = false
		s.underWay = outside && got
	case got && !was:
		m.fault("Cancel of timer %d reported true, and it was not pending", s.created)
	case got && fired:
		m.fault("Cancel of timer %d reported true, and it fired", s.created)
	case got:
		s.pending = false
	case was && !fired && after < s.from:
		m.fault("Cancel of timer %d reported false, %v before it was due", s.created, s.from-after)
	}
}

// reset moves a timer. From outside it races with the timer, as in cancel; a
// periodic timer is moved on the loop's thread only, since outside nobody could
// tell which of its expiries were meant.
func (m *timerModel) reset(s *set, d time.Duration, outside bool) {
	timer, was, times, old := s.timer, s.pending, s.times, s.from
	if timer == nil || s.busy || outside && s.period > 0 {
		return
	}
	from := m.now() + d
	var got bool
	var after time.Duration
	s.busy, s.moving = outside, outside
	m.call(outside, func() { got, after = timer.Reset(d), m.now() })
	s.busy, s.moving = false, false
	fired := s.times > times
	due := old
	if got {
		due = from
	}
	switch {
	case got != was && !outside, got && !was:
		m.fault("Reset of timer %d reported %v, want %v", s.created, got, was)
	case fired && s.at < due:
		m.fault("timer %d fired %v early, while it was being reset", s.created, due-s.at)
	case !got && was && !fired && after < old:
		m.fault("Reset of timer %d reported false, %v before it was due", s.created, old-after)
	case got && !fired:
		s.from, s.to, s.moved, s.settled = from, after+d, true, s.settled && !outside
	}
}

// fired judges one expiry.
func (m *timerModel) fired(s *set) {
	now := m.now()
	if !m.loop.InLoop() {
		m.fault("timer %d fired where InLoop says false", s.created)
	}
	s.times++
	s.at = now
	switch {
	case !s.pending && s.underWay:
		s.underWay = false
		return
	case !s.pending:
		m.fault("timer %d fired, and is not pending", s.created)
		return
	case s.moving: // reset judges it, once it knows what Reset reported
	case now < s.from:
		m.fault("expiry %d of timer %d came %v early", s.times, s.created, s.from-now)
	}
	if s.period > 0 {
		s.from += s.period // missed expiries may be skipped, so it is due then or later
	} else {
		s.pending = false
		for _, other := range m.sets {
			if other.pending && other.period == 0 {
				m.inTurn(s, other)
			}
		}
	}
	m.do(s)
	if s.period > 0 && s.pending && s.times >= 6 {
		m.cancel(s, false)
	}
}

// do does what s's function does besides.
func (m *timerModel) do(s *set) {
	other := m.pick(s.then.index)
	switch s.then.verb {
	case "cancel":
		if other != s {
			m.cancel(other, false)
		}
	case "reset":
		if other != s {
			m.reset(other, s.then.delay, false)
		}
	case "set":
		if s.times == 1 {
			m.set(s.then.delay, 0, deed{}, false)
		}
	case "cancel itself":
		m.cancel(s, false)
	case "reset itself":
		if s.times == 1 {
			m.reset(s, s.then.delay, false)
		}
	}
}

// inTurn judges that s fires while other is pending. Of two that were set one
// after the other the first is due first, or at the same moment, unless its delay is greater.
func (m *timerModel) inTurn(s, other *set) {
	if s.moving || other.busy || !other.settled {
		return // whether other is due first, or how long the loop has known it, is not known
	}
	if other.done <= s.asked && other.delay <= s.delay && !other.moved && !s.moved {
		m.fault("timer %d of %v fired before timer %d of %v, which was set before it", s.created, s.delay, other.created, other.delay)
	}
	if other.to+apart < s.from {
		m.fault("timer %d, due at %v, fired before timer %d, due at %v", s.created, s.from, other.created, other.to)
	}
}

// rest waits until all that is pending has fired, and then for what must not. It
// does not call the loop, which would wake it.
func (m *timerModel) rest(t *rapid.T) {
	for deadline := time.Now().Add(m.loop.patience); ; {
		m.verdict(t)
		pending := m.pending()
		if pending == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d timers did not fire within %v", pending, m.loop.patience)
		}
		<-time.After(time.Millisecond)
	}
	m.loop.on(m.settle)
	<-time.After(3 * time.Millisecond) // for what must not fire
	m.loop.on(func() {})
	m.verdict(t)
}

func (m *timerModel) pending() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sets {
		if s.pending {
			n++
		}
	}
	return n
}
