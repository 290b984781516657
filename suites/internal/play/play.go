// Package play plays transcripts on a target and judges what comes back by a
// model of every connection: which bytes are due to it, and which ends are
// legal. It also draws transcripts (a rapid state machine) and searches for the
// shortest one that a target fails.
//
// Only what the target's dialect promises can fail. What a half-closed client is
// owed depends on the dialect's page; beyond a declared limit of unread output,
// or with idle timeouts, a server may close; in the iterative class one
// connection is open at a time.
package play

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// rules are what the target promised, as far as the model needs it.
type rules struct {
	answersFIN bool // output that is due at the client's FIN is delivered
	streams    bool // a request is any bytes: the part of one that was sent comes back too
	limit      int  // declared unread output, 0: none
	idle       bool // idle connections may be closed
	serial     bool
	features   []spec.Feature
}

func rulesOf(s *session.Session) rules {
	page, _ := s.Info.Page()
	name := s.Dialect.Name()
	r := rules{streams: name == "echo" || name == "probe", limit: int(s.Info.Limit), serial: s.Info.Class == "iterative", features: s.Info.Features}
	_, r.answersFIN = page.Promises["CONN-6"]
	if name == "probe" {
		hello := s.Hello()
		if n, err := strconv.Atoi(hello["limit"]); err == nil && n > 0 && r.limit == 0 { // the target file outranks it
			r.limit = n
		}
	}
	r.idle = slices.Contains(r.features, spec.Feature("idle-timeout"))
	return r
}

// Speaks says why a transcript cannot be played on this session's target;
// empty where it can.
func Speaks(s *session.Session, t transcript.Transcript) string {
	switch {
	case t.Frames() && s.Dialect.Name() != "probe":
		return "it has PROBE conversations, which only the probe dialect knows"
	case s.Info.Class == "iterative" && t.Together() > 1:
		return fmt.Sprintf("it has %d connections open together; an iterative server serves one at a time", t.Together())
	case s.Declared() && t.Together() > s.Room(t.Together()):
		return fmt.Sprintf("it has %d connections open together; the target says that it has less room", t.Together())
	case s.Target.Network() == "unix" && slices.ContainsFunc(t.Steps, func(step transcript.Step) bool { return step.Op == transcript.Reset }):
		return "it resets connections, which Unix sockets cannot"
	}
	return ""
}

// player is one playing of one transcript.
type player struct {
	s       *session.Session
	t       transcript.Transcript
	rules   rules
	conns   map[int]*link
	writers []*writer // of all connections there were
	played  int
	step    string // the line that is being played, for the evidence
	signs   signs
	beside  *session.Conn // who does no harm while others spoil what they send; nil: nobody
}

// Play plays the transcript and ends the check where a promise is broken. At
// the end every connection that is left gets what it is owed, and is closed.
func Play(s *session.Session, t transcript.Transcript) {
	if failure := Try(s, t).Failure; failure != nil {
		s.Fail(failure)
	}
}

// Playing is what came of playing a transcript once.
type Playing struct {
	Steps   int // that were played, the failing one included
	Failure *session.Failure
	Signs   []uint32 // of what the server did: equal ones are the same behaviour, and the order means nothing
}

// play is Try without the signs.
func play(s *session.Session, t transcript.Transcript) (played int, failure *session.Failure) {
	tried := Try(s, t)
	return tried.Steps, tried.Failure
}

// Try is Play for those who go on after a failure.
func Try(s *session.Session, t transcript.Transcript) (tried Playing) {
	p := &player{s: s, t: t, rules: rulesOf(s), conns: map[int]*link{}, signs: signs{}}
	defer func() {
		for _, w := range p.writers {
			w.stop()
		}
		s.Forget()
		for _, w := range p.writers {
			w.wait()
		}
	}()
	if tried.Failure = s.Trial(p.all); tried.Failure != nil {
		tried.Failure.Reason = fmt.Sprintf("%s (at %s)", tried.Failure.Reason, p.step)
	}
	tried.Steps, tried.Signs = p.played, p.signs.list()
	return tried
}

func (p *player) all() {
	p.neighbour()
	for i, step := range p.t.Steps {
		p.step, p.played = fmt.Sprintf("step %d, %s", i+1, step), i+1
		p.play(step)
	}
	for n := 1; n <= transcript.MaxConns; n++ {
		if c := p.conns[n]; c != nil {
			p.step = fmt.Sprintf("the end, what connection %d is owed", n)
			c.settle()
		}
	}
	p.step = "the end, a neighbour that did no harm"
	p.asBefore()
	p.step = "the end, a fresh connection"
	p.s.ServesFresh()
}

// due is how many bytes the server owes, about.
func (p *player) due() (bytes int) {
	for _, c := range p.conns {
		for _, d := range c.due {
			if d.end <= c.pushed {
				bytes += len(d.payload) + 1
			}
		}
	}
	return bytes
}

// crowd lets clients come one after the other, have a request answered each, and leave.
func (p *player) crowd(clients int) {
	for n := range clients {
		p.s.ServesFresh()
		if n%forgotten == 0 && len(p.conns) == 0 && p.beside == nil {
			p.s.Forget()
		}
	}
}

// forgotten: after so many clients of a crowd the evidence of those before is let go.
const forgotten = 100

func (p *player) play(step transcript.Step) {
	if step.Op.Lasts() { // beside how much that is due
		p.signs.add(Sign("lasts", string(step.Op), fmt.Sprint(bits.Len(uint(p.due())))))
	}
	switch step.Op {
	case transcript.Wait:
		p.s.Pause(time.Duration(step.Size) * time.Millisecond)
		return
	case transcript.Halt:
		p.halt(time.Duration(step.Size) * time.Millisecond)
		return
	case transcript.Rain:
		p.rain(time.Duration(step.Size) * time.Millisecond)
		return
	case transcript.Short:
		p.short(time.Duration(step.Size) * time.Millisecond)
		return
	case transcript.Crowd:
		p.crowd(step.Size)
		return
	}
	c := p.conns[step.Conn]
	switch step.Op {
	case transcript.Dial, transcript.Open:
		if c == nil && (!p.rules.serial || len(p.conns) == 0) && (!step.Frames || p.s.Dialect.Name() == "probe") {
			p.conns[step.Conn] = p.dial(step)
		}
		return
	}
	if c == nil {
		return
	}
	switch step.Op {
	case transcript.Fin, transcript.End, transcript.Reset, transcript.Close: // beside how many others
		p.signs.add(Sign("leaves", string(step.Op), fmt.Sprint(len(p.conns))))
	}
	switch step.Op {
	case transcript.Ask:
		c.ask(step.Size)
	case transcript.Call:
		c.call(step.Verb, step.Size)
	case transcript.Push:
		c.push(step.Size)
	case transcript.Send:
		for range step.Count {
			c.ask(step.Size)
		}
		c.push(0)
	case transcript.Read:
		c.read(step.Count)
	case transcript.Sip:
		c.sip(step.Size)
	case transcript.Spoil:
		c.spoil(step.Verb, step.Size)
	case transcript.Fin:
		c.fin()
	case transcript.End:
		c.end()
	case transcript.Reset:
		c.leave(c.conn.Reset)
	case transcript.Close:
		c.leave(c.conn.Close)
	}
}
