package reference

import (
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// probing is the conversation of PROBE: frames, each a verb of spec/target.md.
// It belongs to its connection's thread except for gone.
type probing struct {
	c   *Conn
	out []byte // gathers the replies of one OnData, so that pipelined requests cost one write

	timers map[uint64]*keyed // by key, pending
	undo   map[int]func()    // what is unhooked when the connection ends before the answer
	undos  int               // the last key of undo
	due    int               // requests whose replies come as soon as tasks have run
	ending bool              // closing once due is 0
	over   bool              // a bad frame ended the input
	gone   atomic.Bool       // the connection is closed: threads at work for it may stop
}

func newProbing() *probing { return &probing{} }

// maxReplies is how much of replies is gathered before it is written, in bytes.
const maxReplies = 32 << 10

func (p *probing) OnOpen(c *Conn) { p.c = c }

func (p *probing) OnData(c *Conn, data []byte) (used int) {
	if p.over {
		return len(data)
	}
	p.out = c.scratch()
	// All that came together is answered, in order (CONN-3, PROBE-3).
	for !c.Congested() {
		body, n, err := probe.TakeFrame(data[used:])
		// A part of a frame is left for the next call, wherever it was cut (PROBE-2): to wait
		// for the rest here would hold up all others (FLOW-6).
		if n == 0 && err == nil {
			break
		}
		var request probe.Request
		if err == nil {
			request, err = probe.ParseRequest(body)
		}
		// A length of 0 or above the limit, or no id: where the next frame begins is not
		// known any more, so this was the last (PROBE-6, PROBE-7, PROBE-8).
		if err != nil {
			p.flush()
			p.over = true
			p.end() // replies that are due come first
			used = len(data)
			break
		}
		used += n
		p.request(request)
		if len(p.out) >= maxReplies {
			p.flush()
		}
	}
	p.flush()
	c.keepScratch(p.out)
	p.out = nil
	return used
}

// OnEnd ends the conversation: a frame that was cut short is dropped (PROBE-9), and so
// are timers; tasks that were posted are waited for, for their replies are due.
func (p *probing) OnEnd(c *Conn) { p.end() }

// OnStop does the same when the server stops.
func (p *probing) OnStop(c *Conn) { p.end() }

func (p *probing) end() {
	p.drop()
	p.ending = true
	if p.due == 0 {
		p.c.Close()
	}
}

// OnClose takes away what would still answer: each request has one reply, and nobody
// else's connection gets it (PROBE-13).
func (p *probing) OnClose(*Conn, error) {
	p.gone.Store(true)
	p.drop()
}

// drop forgets what would act later for this connection (TIME-14).
func (p *probing) drop() {
	for _, t := range p.timers {
		t.Cancel()
	}
	p.timers = nil
	for _, undo := range p.undo {
		undo()
	}
	p.undo = nil
}

// unhook has undo called when the conversation ends, unless answered is called before.
func (p *probing) unhook(undo func()) (answered func()) {
	if p.undo == nil {
		p.undo = map[int]func(){}
	}
	p.undos++
	key := p.undos
	p.undo[key] = undo
	return func() { delete(p.undo, key) }
}

func (p *probing) flush() {
	if len(p.out) > 0 {
		_, _ = p.c.Write(p.out) // a write error ends the connection by itself
		p.out = p.out[:0]
	}
}

// reply answers a request, on the connection's thread: with the others of one
// OnData, or else at once.
func (p *probing) reply(id uint32, status probe.Status, fields []byte) {
	if p.out != nil {
		p.out = probe.AppendReply(p.out, probe.Reply{ID: id, Status: status, Fields: fields})
		return
	}
	frame := probe.AppendReply(p.c.scratch(), probe.Reply{ID: id, Status: status, Fields: fields})
	_, _ = p.c.Write(frame)
	p.c.keepScratch(frame)
}

// verbs are those that need a loop, and run on it.
var verbs = map[string]func(p *probing, id uint32, a *arguments){
	"POST": (*probing).post, "CROSS": (*probing).cross, "RACE": (*probing).race,
	"CHAIN": (*probing).chain, "NEST": (*probing).nest, "SHARED": (*probing).sharedSet, "HOOK": (*probing).hook,
	"TIMER": (*probing).timer, "TIMERS": (*probing).manyTimers, "CANCEL": (*probing).cancel,
	"RESET": (*probing).reset, "SELFCANCEL": (*probing).selfCancel,
	"OFFLOAD": (*probing).offload, "FAIL": (*probing).fail,
}

func (p *probing) request(r probe.Request) {
	switch r.Verb {
	// The bytes behind the verb, spaces too (PROBE-1).
	case "PING":
		p.reply(r.ID, probe.OK, r.Args)
	case "HELLO":
		p.reply(r.ID, probe.OK, p.c.Server().hello())
	// Read off the thread that runs, each time, so that it says who serves (LOOP-13).
	case "WHERE":
		p.reply(r.ID, probe.OK, fields("loop", p.index(), "tid", poll.ThreadID(), "conn", p.c.id))
	case "STATS":
		s := p.c.Server().Stats()
		p.reply(r.ID, probe.OK, fields("accepted", s.Accepted, "open", s.Open, "in", s.In, "out", s.Out, "wakes", s.Wakes,
			"coalesced", s.Coalesced, "tasks", s.Tasks, "timers", s.Timers, "lag", s.Lag.Nanoseconds(), "stalls", s.Stalls))
	default:
		verb, known := verbs[r.Verb]
		// Not "bad": a client asks so to learn what there is (PROBE-4).
		if !known || p.c.Loop() == nil {
			p.reply(r.ID, probe.Unsupported, nil)
			return
		}
		verb(p, r.ID, &arguments{rest: r.Args, more: len(r.Args) > 0})
	}
}

// index is the loop's, 0 for the classes without one.
func (p *probing) index() int {
	if l := p.c.Loop(); l != nil {
		return l.Index()
	}
	return 0
}

// bad answers arguments that are missing, malformed or out of range (PROBE-5).
func (p *probing) bad(id uint32) { p.reply(id, probe.Bad, nil) }

// begin notes a request whose reply comes as soon as tasks have run. finish gives
// the reply, from any thread; answer does on the connection's own.
func (p *probing) begin() { p.due++ }

func (p *probing) finish(id uint32, status probe.Status, fields []byte) {
	_ = p.c.Post(func() { p.answer(id, status, fields) }) // a loop that ended has no connection to answer
}

func (p *probing) answer(id uint32, status probe.Status, fields []byte) {
	p.reply(id, status, fields)
	if p.due--; p.due == 0 && p.ending {
		p.c.Close()
	}
}

// arguments are the words of a request, separated by one space each. The first
// that is not as it should be makes them invalid.
type arguments struct {
	rest    []byte
	more    bool // a word follows
	invalid bool
}

func (a *arguments) word() []byte {
	if !a.more {
		a.invalid = true
		return nil
	}
	for i, b := range a.rest {
		if b == ' ' {
			word := a.rest[:i]
			a.rest = a.rest[i+1:]
			return a.check(word)
		}
	}
	word := a.rest
	a.rest, a.more = nil, false
	return a.check(word)
}

func (a *arguments) check(word []byte) []byte {
	if len(word) == 0 {
		a.invalid = true
	}
	return word
}

// number is a decimal from least to most. ParseUint takes no sign, and in base 10 no underscore.
func (a *arguments) number(least, most uint64) uint64 {
	word := a.word()
	n, err := strconv.ParseUint(string(word), 10, 64)
	if err != nil || n < least || n > most {
		a.invalid = true
		return least
	}
	return n
}

// time is a number of nanoseconds from least on.
func (a *arguments) time(least uint64) time.Duration {
	return time.Duration(a.number(least, math.MaxInt64))
}

// loop is an index, or - for p's own.
func (a *arguments) loop(p *probing) *Loop {
	word := a.word()
	if string(word) == "-" {
		return p.c.Loop()
	}
	n, err := strconv.ParseUint(string(word), 10, 31)
	if loops := p.c.Server().Loops(); err == nil && n < uint64(len(loops)) {
		return loops[n]
	}
	a.invalid = true
	return nil
}

// ok reports whether all words were right and none is left over.
func (a *arguments) ok() bool { return !a.invalid && !a.more }
