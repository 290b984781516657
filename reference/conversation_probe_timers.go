package reference

import (
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// The verbs that try a loop's timers: TIMER, TIMERS, CANCEL, RESET, SELFCANCEL.

// The ranges of their arguments.
const (
	maxExpiries = 10_000
	maxTimers   = 1_000_000
	maxKeys     = 100_000 // timers of one connection under keys of its own
)

// timer sets a timer of this connection. A pending one of the same key gives
// way to it.
func (p *probing) timer(id uint32, a *arguments) {
	key, delay, period := a.number(0, 1<<63), a.time(0), a.time(0)
	count := a.number(1, maxExpiries)
	if !a.ok() {
		p.bad(id)
		return
	}
	if period == 0 {
		count = 1
	}
	p.forget(key)
	if len(p.timers) >= maxKeys {
		p.reply(id, probe.Full, nil)
		return
	}
	seq := uint64(0)
	t := &keyed{due: time.Now().Add(delay)}
	err := t.start(p.c.Loop(), delay, period, func() {
		late := time.Since(t.due)
		t.due = t.due.Add(period)
		last := seq+1 == count
		if last {
			p.forget(key)
		}
		p.reply(id, probe.Fired, fields("key", key, "seq", seq, "late", late.Nanoseconds()))
		seq++
	})
	if err != nil {
		p.reply(id, probe.Failed, nil)
		return
	}
	if p.timers == nil {
		p.timers = map[uint64]*keyed{}
	}
	p.timers[key] = t
}

// keyed is a timer of TIMER.
type keyed struct {
	contract.Timer
	due time.Time // the next expiry: read off the clock before the timer was set, so the loop's own is no earlier
}

// start sets the timer; a period of 0 makes it a single shot.
func (t *keyed) start(l *Loop, delay, period time.Duration, f func()) (err error) {
	if period == 0 {
		t.Timer, err = l.After(delay, f)
		return err
	}
	if t.Timer, err = l.Every(period, f); err == nil && delay != period {
		t.Reset(delay) // the grid of expiries goes on from there
	}
	return err
}

// forget cancels the timer of a key and reports whether it was pending.
func (p *probing) forget(key uint64) bool {
	t, found := p.timers[key]
	delete(p.timers, key)
	return found && t.Cancel()
}

func (p *probing) cancel(id uint32, a *arguments) {
	key := a.number(0, 1<<63)
	if !a.ok() {
		p.bad(id)
		return
	}
	p.reply(id, probe.OK, fields("cancelled", zeroOrOne(p.forget(key))))
}

func (p *probing) reset(id uint32, a *arguments) {
	key, delay := a.number(0, 1<<63), a.time(0)
	if !a.ok() {
		p.bad(id)
		return
	}
	t, found := p.timers[key]
	due := time.Now().Add(delay)
	if found = found && t.Reset(delay); found {
		t.due = due
	}
	p.reply(id, probe.OK, fields("reset", zeroOrOne(found)))
}

func zeroOrOne(b bool) int {
	if b {
		return 1
	}
	return 0
}

// manyTimers sets n one-shot timers with the same deadline, to the nanosecond:
// After would give each its own, so this one verb reaches behind it.
func (p *probing) manyTimers(id uint32, a *arguments) {
	delay, n := a.time(0), int(a.number(1, maxTimers))
	if !a.ok() {
		p.bad(id)
		return
	}
	l := p.c.Loop()
	timers := make([]*timer, 0, n)
	answered := p.unhook(func() {
		for _, t := range timers {
			t.Cancel()
		}
	})
	fired, misordered, early := 0, 0, 0
	var late time.Duration
	when := l.timers.deadline(delay)
	for i := range n {
		t, err := l.timers.createAt(when, 0, func() {
			if fired != i {
				misordered++
			}
			after := l.now() - time.Duration(when)
			if after < 0 {
				early++
			}
			late = max(late, after)
			if fired++; fired == n {
				timers = nil
				answered()
				p.reply(id, probe.OK, fields("fired", fired, "misordered", misordered, "early", early, "late", late.Nanoseconds()))
			}
		})
		if err != nil {
			return // the loop ends, and the connection with it
		}
		timers = append(timers, t)
	}
}

// selfCancel sets a periodic timer that cancels itself in its first callback,
// and tells later how often it fired.
func (p *probing) selfCancel(id uint32, a *arguments) {
	delay := a.time(1)
	if !a.ok() || delay > maxTime {
		p.bad(id)
		return
	}
	l := p.c.Loop()
	fired := 0
	var periodic contract.Timer
	periodic, err := l.Every(delay, func() {
		fired++
		periodic.Cancel()
	})
	if err != nil {
		return
	}
	var answered func()
	after, err := l.After(max(time.Second, 3*delay), func() {
		answered()
		p.reply(id, probe.OK, fields("fired", fired))
	})
	if err != nil {
		return
	}
	answered = p.unhook(func() { periodic.Cancel(); after.Cancel() })
}
