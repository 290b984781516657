package reference

import (
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// The verbs HOOK, OFFLOAD and FAIL.

// maxHookTurns is how many turns a HOOK stays.
const maxHookTurns = 1000

// maxOffload is how many milliseconds an OFFLOAD blocks.
const maxOffload = 10_000

// hook counts turns at a position, each once and none beyond those that were asked for
// (TASK-8), and watches the order in which the loop passes all of them.
func (p *probing) hook(id uint32, a *arguments) {
	at, turns := contract.Position(a.word()), int(a.number(1, maxHookTurns))
	if !a.ok() || !isPosition(at) {
		p.bad(id)
		return
	}
	l := p.c.Loop()
	p.begin()
	w := &turnWatch{}
	ran, told := 0, false
	var answered func()
	step := func(position contract.Position) {
		w.pass(position)
		if position == at && ran < turns {
			ran++
		}
		if ran == turns && w.whole != "" && !told {
			told = true
			w.remove()
			answered()
			p.finish(id, probe.OK, fields("ran", ran, "order", w.whole))
		}
		_ = l.Wake() // the next turn comes without an event
	}
	for _, position := range contract.Positions {
		remove, err := l.Hook(position, func() { step(position) })
		if err != nil {
			w.remove()
			p.answer(id, probe.Failed, nil)
			return
		}
		w.hooks = append(w.hooks, remove)
	}
	answered = p.unhook(func() {
		w.remove()
		if !told { // no turn will: an ending conversation must not wait for it (PROBE-13)
			told = true
			p.due--
		}
	})
}

func isPosition(at contract.Position) bool {
	for _, position := range contract.Positions {
		if position == at {
			return true
		}
	}
	return false
}

// turnWatch notes the positions that a loop passes.
type turnWatch struct {
	passed []string
	begun  bool   // the first position has been seen: what follows is a whole turn
	whole  string // the last whole turn
	hooks  []func()
}

func (w *turnWatch) pass(at contract.Position) {
	if at == contract.Positions[0] {
		if w.begun {
			w.whole = strings.Join(w.passed, ",")
		}
		w.begun, w.passed = true, w.passed[:0]
	}
	w.passed = append(w.passed, string(at))
}

func (w *turnWatch) remove() {
	for _, remove := range w.hooks {
		remove()
	}
	w.hooks = nil
}

// offload blocks a worker and brings its result home, to p and its connection: once that
// is closed, the answer goes nowhere, whoever has its descriptor by then (WORK-6).
func (p *probing) offload(id uint32, a *arguments) {
	block, word := time.Duration(a.number(0, maxOffload))*time.Millisecond, string(a.word())
	if !a.ok() {
		p.bad(id)
		return
	}
	l := p.c.Loop()
	worker := 0
	err := p.c.Server().Workers().Submit(l, func() {
		worker = poll.ThreadID()
		time.Sleep(block)
	}, func(err error) {
		if err != nil {
			p.reply(id, probe.Failed, nil)
			return
		}
		p.reply(id, probe.OK, fields("word", word, "worker", worker, "home", poll.ThreadID(), "loop", l.Index()))
	})
	if err != nil {
		p.reply(id, probe.Full, nil)
	}
}

// fail panics where it is asked to. The reply is posted while the panic is
// under way, so it comes only from a loop that contained it.
func (p *probing) fail(id uint32, a *arguments) {
	where := string(a.word())
	if !a.ok() {
		p.bad(id)
		return
	}
	l := p.c.Loop()
	panics := func() {
		defer p.finish(id, probe.Failed, nil)
		panic("FAIL " + where + " was asked for")
	}
	switch where {
	case "task":
		p.begin()
		if l.Post(panics) != nil {
			p.answer(id, probe.Failed, nil)
		}
	case "timer":
		p.begin()
		if _, err := l.After(0, panics); err != nil {
			p.answer(id, probe.Failed, nil)
		}
	case "worker":
		err := p.c.Server().Workers().Submit(l, func() { panic("FAIL worker was asked for") }, func(error) {
			p.reply(id, probe.Failed, nil)
		})
		switch err {
		case nil:
		case ErrFull:
			p.reply(id, probe.Full, nil)
		default:
			p.reply(id, probe.Failed, nil)
		}
	case "handler":
		p.flush() // what came before is answered
		panic("FAIL handler was asked for")
	default:
		p.bad(id)
	}
}
