package clauses

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/session"
)

var timing = []session.Check{
	{Clause: "TIME-1", Study: true, Run: neverEarly},
	{Clause: "TIME-2", Study: true, Run: punctualTimers},
	{Clause: "TIME-3", Study: true, Run: inOrderOfDeadlines},
	{Clause: "TIME-4", Study: true, Run: tiesInOrderOfCreation},
	{Clause: "TIME-5", Study: true, Run: cancelledTimers},
	{Clause: "TIME-6", Study: true, Run: cancelInOwnCallback},
	{Clause: "TIME-7", Study: true, Run: resetTimers},
	{Clause: "TIME-8", Own: true, Run: noDrift},
	{Clause: "TIME-9", Study: true, Run: farDeadlines},
	{Clause: "TIME-10", Study: true, Run: lastMillisecond},
	{Clause: "TIME-11", Study: true, Run: dueAgainAtOnce},
	{Clause: "TIME-12", Own: true, Run: timersInRain},
	{Clause: "TIME-13", Study: true, Run: nearerTimerShortens},
	{Clause: "TIME-14", Run: timersEndWithTheirConnection},
	{Clause: "TIME-15", Study: true, Run: failingTimer},
}

// timer is a timer that a check has set.
type timer struct {
	id    uint32
	delay time.Duration
	set   session.Stopwatch // started before the request was sent
}

// setTimer sets a timer under key; a period of 0 makes it a single shot.
func setTimer(s *session.Session, p *session.Probe, key int, delay, period time.Duration, count int) timer {
	t := timer{delay: delay, set: s.Clock()}
	t.id = p.Start("TIMER", key, delay, period, count)
	return t
}

// due waits for a timer's expiry and fails if it is late by more than punctual.
func (t timer) due(s *session.Session, p *session.Probe, what string) {
	t.fired(s, p, what)
	if late := t.set.Elapsed() - t.delay; late > punctual {
		s.Failf(session.Late, fmt.Sprintf("%s fired %v late", what, late.Round(time.Millisecond)),
			fmt.Sprintf("within %v of undisturbed time after its deadline", punctual), late.Round(100*time.Microsecond).String(),
			"the poll slept past the deadline")
	}
}

// fired waits for an expiry, however late.
func (t timer) fired(s *session.Session, p *session.Probe, what string) probe.Reply {
	reply := p.Await(t.id)
	if reply.Status != probe.Fired {
		s.Failf(session.Wrong, fmt.Sprintf("%s was answered %s", what, reply.Status), "fired key=… seq=… late=…",
			string(reply.Status)+" "+session.Quoted(reply.Fields), "")
	}
	return reply
}

// notEarly waits for an expiry and fails if it comes before its time.
func (t timer) notEarly(s *session.Session, p *session.Probe, what string) {
	reply := t.fired(s, p, what)
	if took := t.set.Wall(); took < t.delay {
		s.Failf(session.Wrong, fmt.Sprintf("%s fired %v early", what, t.delay-took), fmt.Sprintf("not before %v", t.delay), took.String(), "")
	}
	if late := p.Int(reply, "late"); late < 0 {
		s.Failf(session.Wrong, fmt.Sprintf("%s fired %v early, the server says", what, -time.Duration(late)), "late=0 or more", fmt.Sprintf("late=%d", late), "")
	}
}

// neverEarly sets timers of 0 to 50 ms and one that repeats: none may fire before its deadline, by
// our clock or by what the server says.
func neverEarly(s *session.Session) {
	p := s.Probe()
	for i, delay := range []time.Duration{0, 1, time.Millisecond, 1999 * time.Microsecond, 3_300_001, 7_777_777, 10 * time.Millisecond, 50 * time.Millisecond} {
		for try := range 4 {
			setTimer(s, p, 100*i+try, delay, 0, 1).notEarly(s, p, fmt.Sprintf("a timer of %v", delay))
		}
		reply := p.OK("TIMERS", delay, 20)
		wantField(s, "TIMERS", session.Fields(reply), "early", 0)
		wantField(s, "TIMERS", session.Fields(reply), "fired", 20)
	}
	periodic := setTimer(s, p, 9999, 3*time.Millisecond, 2500*time.Microsecond, 30)
	for range 30 {
		periodic.notEarly(s, p, "a periodic timer")
		periodic.delay += 2500 * time.Microsecond
	}
}

// punctualTimers sets one timer of 1 to 200 ms at a time on an idle loop: each must fire no more
// than 250 ms late.
func punctualTimers(s *session.Session) {
	p := s.Probe()
	for i, delay := range []time.Duration{time.Millisecond, 200 * time.Millisecond, 20 * time.Millisecond, 75 * time.Millisecond, 5 * time.Millisecond, 130 * time.Millisecond} {
		s.Pause(asleep / 3)
		setTimer(s, p, i, delay, 0, 1).due(s, p, fmt.Sprintf("a timer of %v on an idle loop", delay))
	}
}

// inOrderOfDeadlines sets 40 timers, 4 ms apart, in random order and in one write: they must fire
// in the order of their deadlines, in two of four rounds at least.
func inOrderOfDeadlines(s *session.Session) {
	// A delay counts from the moment at which its request is taken up, which the PING behind all of
	// them shows: if that took longer than a step, two deadlines may have changed places, and a wrong
	// order proves nothing. One more of the rounds may be spoilt; a wrong order shows in all of them.
	const timers, rounds, tries = 40, 4, 16
	const first, step = 60 * time.Millisecond, 4 * time.Millisecond
	p := s.Probe()
	wrong, right, got := 0, 0, ""
	for try := 0; try < tries && wrong+right < rounds; try++ {
		var batch []byte
		for _, rank := range s.Rand.Perm(timers) {
			args := fmt.Appendf(nil, "%d %d 0 1", rank, (first + time.Duration(rank)*step).Nanoseconds())
			batch = probe.AppendRequest(batch, probe.Request{ID: uint32(1_000_000 + rank), Verb: "TIMER", Args: args})
		}
		const ping = 2_000_000
		batch = probe.AppendRequest(batch, probe.Request{ID: ping, Verb: "PING"})
		start := time.Now()
		p.Conn().Send(batch)
		p.Await(ping)
		setting := time.Since(start)
		inOrder, order := true, ""
		for i := range timers {
			reply := p.Next()
			if reply.Status != probe.Fired {
				p.Conn().Failf(session.Wrong, fmt.Sprintf("TIMER was answered %s", reply.Status), "fired", session.Quoted(reply.Fields), "")
			}
			key := p.Int(reply, "key")
			inOrder = inOrder && key == int64(i)
			order += fmt.Sprint(key, " ")
		}
		switch {
		case inOrder:
			right++
		case setting < step:
			wrong, got = wrong+1, order
		default:
			s.Note("out of order, but %d timers were set in %v", timers, setting)
		}
	}
	if wrong >= rounds-1 {
		p.Conn().Failf(session.Wrong, fmt.Sprintf("%d timers, %v apart, fire out of the order of their deadlines", timers, step),
			"0 1 2 …", got, "the order in the timer set breaks when it is filled out of order")
	}
	if right == 0 {
		s.Inconclusive(fmt.Sprintf("it took longer than %v to set %d timers, in nearly all of %d rounds", step, timers, tries))
	}
}

// tiesInOrderOfCreation sets up to 2,000 timers with the same deadline: all must fire, in the order
// in which they were set.
func tiesInOrderOfCreation(s *session.Session) {
	p := s.Probe()
	for _, delay := range []time.Duration{0, time.Millisecond, 40 * time.Millisecond} {
		for _, n := range []int{2, 10, 100, 2000} {
			fields := session.Fields(p.OK("TIMERS", delay, n))
			wantField(s, fmt.Sprintf("TIMERS with %d of one deadline", n), fields, "fired", n)
			wantField(s, fmt.Sprintf("TIMERS with %d of one deadline", n), fields, "misordered", 0)
		}
	}
}

// cancelled asks for a timer's cancellation.
func cancelled(s *session.Session, p *session.Probe, key int) int64 {
	return p.Int(p.OK("CANCEL", key), "cancelled")
}

// cancelledTimers cancels nine of twelve timers: none of these may fire, nor be there to cancel
// again, and the other three must fire as often as was asked.
func cancelledTimers(s *session.Session) {
	const timers, delay = 12, 150 * time.Millisecond
	p := s.Probe()
	ids := map[uint32]int{}
	var order []uint32
	pending := map[int]bool{}
	for key := range timers {
		order = append(order, setTimer(s, p, key, delay, time.Duration(key%3)*20*time.Millisecond, 1+key%3).id)
		ids[order[key]] = key
		pending[key] = true
	}
	// On a machine that stalled some fired meanwhile: that is kept for Next.
	expected := 0
	early := map[uint32]int{}
	for key, id := range order {
		if key%4 == 3 {
			expected += 1 + key%3
			continue
		}
		if pending[key] = cancelled(s, p, key) == 0; pending[key] {
			s.Note("timer %d had fired before it was cancelled", key)
		} else {
			early[id] = p.Kept(id)
			expected += early[id]
		}
		if again := cancelled(s, p, key); again != 0 {
			s.Failf(session.Wrong, "a cancelled timer was cancelled again", "cancelled=0", fmt.Sprintf("cancelled=%d", again), "")
		}
	}
	if n := cancelled(s, p, 4711); n != 0 {
		s.Failf(session.Wrong, "a timer that never was set was cancelled", "cancelled=0", fmt.Sprintf("cancelled=%d", n), "")
	}
	for expected > 0 {
		reply := p.Next()
		key, known := ids[reply.ID]
		switch {
		case early[reply.ID] > 0:
			early[reply.ID]--
			expected--
		case !known || !pending[key]:
			s.Failf(session.Wrong, fmt.Sprintf("timer %d fired after it was cancelled", key), "silence of the cancelled timers", session.Quoted(reply.Fields), "")
		case key%4 == 3:
			expected--
		}
	}
	for key := range pending {
		if pending[key] && key%4 != 3 {
			return // it fired before it was cancelled, and may be under way still
		}
	}
	p.Quiet(s.Silence())
}

// cancelInOwnCallback has periodic timers cancel themselves in their first callback: each must fire
// just once.
func cancelInOwnCallback(s *session.Session) {
	const wait = time.Second // the answer comes a second later, or after three periods
	p := s.Probe().Patience(wait)
	var ids []uint32
	for _, period := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		ids = append(ids, p.Start("SELFCANCEL", period))
	}
	for _, id := range ids {
		reply := p.Await(id)
		if reply.Status != probe.OK {
			s.Failf(session.Wrong, fmt.Sprintf("SELFCANCEL was answered %s", reply.Status), "ok fired=1", session.Quoted(reply.Fields), "")
		}
		wantField(s, "a periodic timer that cancels itself", session.Fields(reply), "fired", 1)
	}
}

// resetTimers resets pending timers to a later and a nearer time: each must fire then, and not
// before; a timer that has fired cannot be reset.
func resetTimers(s *session.Session) {
	p := s.Probe()
	moves := []struct{ first, then time.Duration }{{80 * time.Millisecond, 250 * time.Millisecond}, {30 * time.Second, 60 * time.Millisecond}, {120 * time.Millisecond, 120 * time.Millisecond}}
	for key, m := range moves {
		what := fmt.Sprintf("a timer of %v that was reset to %v", m.first, m.then)
		t := setTimer(s, p, key, m.first, 0, 1)
		t.delay, t.set = m.then, s.Clock()
		if n := p.Int(p.OK("RESET", key, m.then), "reset"); n != 1 {
			if t.set.Wall() < m.first/2 {
				s.Failf(session.Wrong, "a pending timer was not reset", "reset=1", fmt.Sprintf("reset=%d", n), "")
			}
			continue // it fired first: this machine stalled
		}
		t.due(s, p, what)
		if took := t.set.Wall(); took < m.then*3/4 {
			s.Failf(session.Wrong, what+" fired at its old deadline", fmt.Sprintf("not before %v", m.then), took.String(), "")
		}
		if n := p.Int(p.OK("RESET", key, time.Millisecond), "reset"); n != 0 {
			s.Failf(session.Wrong, "a timer that has fired was reset", "reset=0", fmt.Sprintf("reset=%d", n), "")
		}
	}
	if n := p.Int(p.OK("RESET", 4711, time.Millisecond), "reset"); n != 0 {
		s.Failf(session.Wrong, "a timer that never was set was reset", "reset=0", fmt.Sprintf("reset=%d", n), "")
	}
	p.Quiet(s.Silence())
}

// noDrift suspends the server across a deadline of a periodic timer: later expiries may lie at most
// a quarter of a period further behind the grid than before.
func noDrift(s *session.Session) {
	// When a deadline was, the expiry says: a server may look at its timers in coarse ticks. It counts
	// from the grid or from the deadline that the timer made of it; what drifts shows in the lateness or
	// in the phase. Noise only adds to both, so the least counts.
	const period, count, watched = 200 * time.Millisecond, 8, 4
	p := s.Probe()
	start := time.Now()
	t := setTimer(s, p, 1, period, period, count)
	least := func(expiries int) (phase, lateness time.Duration) {
		phase, lateness = period, time.Hour
		for range expiries {
			late := time.Duration(p.Int(t.fired(s, p, "a periodic timer"), "late"))
			phase = min(phase, max(time.Since(start)-late, 0)%period)
			lateness = min(lateness, late)
		}
		return phase, lateness
	}
	phase, lateness := least(2)
	stopped(s, func() { s.Pause(3 * period / 2) })
	least(count - 2 - watched)
	thenPhase, thenLate := least(watched)
	if behind := max(thenPhase-phase, thenLate-lateness); behind > period/4 {
		s.Failf(session.Late, fmt.Sprintf("a periodic timer that fired late once stays %v behind its grid", behind.Round(time.Millisecond)),
			fmt.Sprintf("expiries for deadlines %v apart, as before", period), fmt.Sprintf("the last %d were %v or more behind", watched, behind.Round(time.Millisecond)),
			"the next deadline is computed from now and not from the last deadline")
	}
}

// farDeadlines sets timers of 36 minutes to ten years: each must be pending and let the server
// rest, and a short one beside them must fire, alone.
func farDeadlines(s *session.Session) {
	const day = 24 * time.Hour
	far := []time.Duration{36 * time.Minute, 25 * day, 50 * day, 3650 * day}
	p := s.Probe()
	s.Pause(settle)
	for key, delay := range far { // one at a time: the nearest decides how long the poll lasts
		p.Start("TIMER", key, delay, 0, 1)
		p.OK("PING", "taken up")
		p.Quiet(time.Millisecond)
		restsIn(s, fmt.Sprintf("while a timer of %v is pending", delay), resting{window: idleWindow / 2})
		if n := cancelled(s, p, key); n != 1 {
			s.Failf(session.Wrong, fmt.Sprintf("a timer of %v is not pending", delay), "cancelled=1", fmt.Sprintf("cancelled=%d", n), "its delay did not fit the type that it was put into")
		}
		p.Start("TIMER", 10+key, delay, 0, 1)
	}
	setTimer(s, p, 100, 30*time.Millisecond, 0, 1).fired(s, p, "a short timer beside far ones")
	p.Quiet(time.Millisecond)
}

// lastMillisecond has a timer of 1.95 ms fire again and again for two seconds: the server must use
// no more than a quarter of a core.
func lastMillisecond(s *session.Session) {
	const period, quarter = 1950 * time.Microsecond, 4
	expiries := int(3 * idleWindow / period)
	p := s.Probe()
	// Whatever fires is read beside the watching, so that no output waits.
	id := p.Start("TIMER", 1, period, period, expiries)
	var over atomic.Bool
	s.Go(func() {
		for n := 0; n < expiries && !over.Load(); n++ {
			if reply := p.Await(id); reply.Status != probe.Fired {
				s.Failf(session.Wrong, fmt.Sprintf("TIMER was answered %s", reply.Status), "fired", session.Quoted(reply.Fields), "")
			}
		}
	})
	usesLittle(s, "while it waits for timers of 1.95 ms", idleWindow, quarter)
	over.Store(true)
	s.Join()
}

// dueAgainAtOnce sends a PING amid 640,000 expiries of timers that are always due again: it must be
// answered before nine tenths of them, in one of three tries.
func dueAgainAtOnce(s *session.Session) {
	// A loop that polls now and then answers early, also one that makes up for all that it missed since
	// it last did; one that fires until none is due is away until the last.
	const timers, expiries, tries = 64, 10_000, 3
	const period = 5 * time.Microsecond // 64 callbacks take longer
	behind := 0
	var worst time.Duration
	for range tries {
		p := s.Probe()
		var batch []byte // in one segment: a PING among them would come before their storm
		for key := range timers {
			batch = probe.AppendRequest(batch, probe.Request{ID: uint32(1_000_000 + key), Verb: "TIMER", Args: fmt.Appendf(nil, "%d 0 %d %d", key, period.Nanoseconds(), expiries)})
		}
		p.Conn().Send(batch)
		fired, ping, answered := 0, uint32(0), false
		var watch session.Stopwatch
		for !answered {
			reply := p.Next()
			switch {
			case reply.Status == probe.Fired:
				if fired++; fired == 1 {
					watch = s.Clock()
					ping = p.Start("PING", "storm")
				}
			case reply.ID == ping:
				answered = true
			default:
				s.Failf(session.Wrong, fmt.Sprintf("TIMER was answered %s", reply.Status), "fired", session.Quoted(reply.Fields), "")
			}
		}
		took := watch.Wall()
		s.Note("PING was answered after %d expiries and %v", fired, took)
		p.Conn().Close() // and the rest of the storm ends
		if fired < timers*expiries*9/10 {
			return
		}
		behind, worst = behind+1, max(worst, took)
	}
	s.Failf(session.Wrong, fmt.Sprintf("a PING waited %v until timers that are due again at once had used up their expiries", worst.Round(time.Millisecond)),
		fmt.Sprintf("an answer among the first nine tenths of %d expiries", timers*expiries), fmt.Sprintf("behind them in %d of %d tries", behind, tries),
		"expired timers run until none is due, and re-armed ones always are")
}

// timersInRain sends signals to every thread all the time while it sets timers of 50 to 300 ms:
// each must fire no more than 250 ms late.
func timersInRain(s *session.Session) {
	end := rain(s)
	defer end()
	p := s.Probe()
	for key, delay := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, 50 * time.Millisecond} {
		setTimer(s, p, key, delay, 0, 1).due(s, p, fmt.Sprintf("a timer of %v while signals rain", delay))
	}
	end()
	s.ServesFresh()
}

// nearerTimerShortens sets timers beside one of an hour, and nearer ones beside those: each must
// fire no more than 250 ms late.
func nearerTimerShortens(s *session.Session) {
	p := s.Probe()
	setTimer(s, p, 1000, time.Hour, 0, 1)
	for key, delay := range []time.Duration{300 * time.Millisecond, 100 * time.Millisecond, 20 * time.Millisecond} {
		s.Pause(asleep)
		setTimer(s, p, key, delay, 0, 1).due(s, p, fmt.Sprintf("a timer of %v beside one of an hour", delay))
	}
	var pending []timer
	for key, delay := range []time.Duration{400 * time.Millisecond, 200 * time.Millisecond, 50 * time.Millisecond} {
		pending = append(pending, setTimer(s, p, 10+key, delay, 0, 1))
		s.Pause(asleep / 6)
	}
	for i := len(pending) - 1; i >= 0; i-- {
		pending[i].due(s, p, fmt.Sprintf("a timer of %v that was set before a nearer one", pending[i].delay))
	}
}

// timersEndWithTheirConnection closes and resets 20 connections whose timers are pending: STATS
// must then count no more timers than before, but for two.
func timersEndWithTheirConnection(s *session.Session) {
	const conns, each = 20, 5
	asker := s.Probe()
	pending := func() int64 { return asker.Int(asker.OK("STATS"), "timers") }
	before := pending()
	for i := range conns {
		p := s.Probe()
		for key := range each {
			p.Start("TIMER", key, time.Hour+time.Duration(i), time.Hour, 2)
		}
		soon := p.Start("TIMER", 100, 20*time.Millisecond, 20*time.Millisecond, 1000)
		p.Await(soon)
		if i == conns/2 && pending() < before+each {
			s.Failf(session.Wrong, "STATS does not count pending timers", fmt.Sprintf("timers=%d or more", before+each), fmt.Sprint(pending()), "")
		}
		if i%2 == 0 {
			p.Conn().Close()
		} else {
			p.Conn().Reset()
		}
	}
	after := int64(0)
	if _, held := s.Holds(s.Await(), func() bool { after = pending(); return after <= before+2 }); !held {
		s.Failf(session.Wrong, fmt.Sprintf("%d timers of closed connections are still pending", after-before),
			fmt.Sprintf("timers=%d, as before, and 2 to spare", before), fmt.Sprintf("timers=%d", after), "closing a connection does not cancel its timers")
	}
	fresh := s.Probe()
	fresh.Quiet(s.Silence() / 3)
}

// failingTimer has a timer fail between 100 others that are due in the same turn, five times: these
// must all fire, and clients on the same loop be answered.
func failingTimer(s *session.Session) {
	p, beside := neighbours(s)
	for range 5 {
		// In one segment, so that all are due in the same turn.
		var batch []byte
		for id, request := range []struct{ verb, args string }{{"TIMERS", "0 50"}, {"FAIL", "timer"}, {"TIMERS", "0 50"}} {
			batch = probe.AppendRequest(batch, probe.Request{ID: uint32(1_000_000 + id), Verb: request.verb, Args: []byte(request.args)})
		}
		p.Conn().Send(batch)
		wantFailed(s, p, 1_000_001, "FAIL timer")
		for _, id := range []uint32{1_000_000, 1_000_002} {
			wantField(s, "the timers beside a failing one", session.Fields(p.Await(id)), "fired", 50)
		}
		for _, q := range beside {
			q.OK("PING", "beside")
		}
	}
	p.Conn().Close()
	s.ServesFresh()
}
