package reference

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

// A script is an interleaving: what other threads, the kernel and the handlers
// do at named moments of a loop's turns. The loop runs on the test's goroutine,
// with a poller, a waker and a clock that do nothing but what the script says, so a
// race is replayed the same way each time. testdata/scripts/README.md is the
// language.
type script struct {
	moments map[string][]action // by moment: "start", "1 poll", "on a" …
	expect  map[string]string   // by what: trace, polls, writes, stale
	share   int
}

type action struct {
	verb string
	args []string
	line int
}

func parseScript(text string) (*script, error) {
	s := &script{moments: map[string][]action{}, expect: map[string]string{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		head, rest, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %d: no colon after the moment", i+1)
		}
		head = strings.Join(strings.Fields(head), " ")
		rest = strings.Join(strings.Fields(rest), " ")
		if what, ok := strings.CutPrefix(head, "expect "); ok {
			s.expect[what] = rest
			continue
		}
		if head == "share" {
			n, err := strconv.Atoi(rest)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			s.share = n
			continue
		}
		for one := range strings.SplitSeq(rest, ";") {
			words := strings.Fields(one)
			if len(words) == 0 {
				return nil, fmt.Errorf("line %d: an empty action", i+1)
			}
			head := strings.TrimPrefix(head, "turn ")
			s.moments[head] = append(s.moments[head], action{words[0], words[1:], i + 1})
		}
	}
	if len(s.expect) == 0 {
		return nil, fmt.Errorf("the script expects nothing")
	}
	return s, nil
}

// stage is where a script plays: the loop and all that surrounds it.
type stage struct {
	t      rapid.TB
	script *script
	l      *Loop
	shared *TaskSet
	clock  scriptClock
	poller *scriptPoller
	waker  *scriptWaker

	handlers map[string]*scriptHandler
	timers   map[string]contract.Timer
	ran      map[string]int  // by name
	played   map[string]bool // moments
	trace    []string
	polls    []string
	rested   bool           // the loop slept for good, and the stage stopped it
	tooLate  map[string]int // timers set after that, by name
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("../testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := parseScript(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			play(t, s)
		})
	}
}

// play performs a script and compares what came of it with what it expects.
func play(t *testing.T, s *script) {
	st := perform(t, s)
	l := st.l
	for moment, actions := range s.moments {
		if !st.played[moment] {
			t.Errorf("line %d: the moment %q never came", actions[0].line, moment)
		}
	}
	got := map[string]string{
		"trace":  strings.Join(st.trace, " "),
		"polls":  strings.Join(st.polls, " "),
		"writes": strconv.Itoa(st.waker.writes),
		"stale":  strconv.FormatUint(l.Stats().Stale, 10),
		"panics": strconv.FormatUint(l.Stats().Panics, 10),
	}
	for what, want := range s.expect {
		if g, ok := got[what]; !ok || g != want {
			t.Errorf("%s\n got  %s\n want %s", what, g, want)
		}
	}
}

// perform runs a loop through a script to its end. That a loop never sleeps while there
// is something to do, never spins, and releases what it holds is judged for every script.
func perform(t rapid.TB, s *script) *stage {
	st := &stage{t: t, script: s, handlers: map[string]*scriptHandler{}, timers: map[string]contract.Timer{}, ran: map[string]int{}, tooLate: map[string]int{}, played: map[string]bool{}}
	st.clock = scriptClock{stage: st, handClock: handClock{at: time.Hour}}
	st.waker = &scriptWaker{stage: st}
	st.poller = &scriptPoller{stage: st, tokens: map[int]uint64{}}
	var err error
	if st.shared, err = NewTaskSet(sharedBatch); err != nil {
		t.Fatal(err)
	}
	l, err := NewLoop(LoopOptions{Waker: st.waker, TaskShare: s.share, Shared: st.shared, Log: quiet(), poller: st.poller, clock: &st.clock})
	if err != nil {
		t.Fatal(err)
	}
	st.l = l
	for _, at := range contract.Positions {
		l.Hook(at, func() {
			defer func() { st.clock.isLook = at == contract.BeforePoll }()
			st.moment(fmt.Sprintf("%d %s", st.turn(at), at))
		})
	}
	st.moment("start")
	if err := l.Run(); err != nil {
		t.Errorf("Run: %v", err)
	}
	st.moment("end")
	if !st.waker.closed || !st.poller.closed {
		t.Error("the loop ended without releasing its waker and its poller")
	}
	return st
}

// turn is the number of the turn that a position belongs to, from 1: before-poll
// opens it, although the loop counts from the poll's return.
func (st *stage) turn(at contract.Position) uint64 {
	n := st.l.stats.turns.load()
	if at == contract.BeforePoll {
		n++
	}
	return n
}

// moment does what the script says for it.
func (st *stage) moment(name string) {
	st.played[name] = true
	for _, a := range st.script.moments[name] {
		st.act(a)
	}
}

func (st *stage) act(a action) {
	arg := func(i int) string {
		if i >= len(a.args) {
			st.t.Fatalf("line %d: %s wants more words", a.line, a.verb)
		}
		return a.args[i]
	}
	span := func(i int) time.Duration {
		d, err := time.ParseDuration(arg(i))
		if err != nil {
			st.t.Fatalf("line %d: %v", a.line, err)
		}
		return d
	}
	say := func(yes bool, word string) {
		if !yes {
			word = "not-" + word
		}
		st.trace = append(st.trace, word+":"+arg(0))
	}
	switch a.verb {
	case "post":
		for _, name := range a.args {
			if st.l.Post(func() { st.run(name) }) != nil {
				st.trace = append(st.trace, "refused:"+name)
			}
		}
	case "share":
		for _, name := range a.args {
			if st.shared.Post(func() { st.run(name) }) != nil {
				st.trace = append(st.trace, "refused:"+name)
			}
		}
	case "wake":
		st.l.Wake()
	case "stop":
		st.l.Stop()
	case "add":
		for _, name := range a.args {
			st.add(name)
		}
	case "remove":
		h := st.handlers[arg(0)]
		st.l.remove(h.slot)
		st.poller.free(h.fd)
	case "later":
		h := st.handlers[arg(0)]
		st.l.later(h.slot, poll.Readable)
	case "ready":
		for _, name := range a.args {
			h := st.handlers[name]
			st.poller.ready = append(st.poller.ready, poll.Event{Token: uint64(h.slot), Events: poll.Readable})
		}
	case "after":
		tm, err := st.l.After(span(1), func() { st.run(arg(0)) })
		if err != nil {
			st.trace = append(st.trace, "refused:"+arg(0))
		} else if st.rested {
			st.tooLate[arg(0)]++
		}
		st.timers[arg(0)] = tm
	case "every":
		st.timers[arg(0)], _ = st.l.Every(span(1), func() { st.run(arg(0)) })
	case "cancel":
		say(st.timers[arg(0)].Cancel(), "cancelled")
	case "reset":
		say(st.timers[arg(0)].Reset(span(1)), "reset")
	case "pass":
		st.clock.at += span(0)
	case "interrupt":
		st.poller.interrupted = true
		st.clock.at += span(0)
	case "hold":
		st.waker.held = true
	case "release":
		st.waker.held = false
		st.waker.readable = st.waker.readable || st.waker.late
		st.waker.late = false
	case "panic":
		panic("scripted")
	default:
		st.t.Fatalf("line %d: unknown action %q", a.line, a.verb)
	}
}

// run notes that a task, timer or handler runs and does what the script says it does.
func (st *stage) run(name string) {
	st.trace = append(st.trace, name)
	st.ran[name]++
	st.moment("on " + name)
	st.moment(fmt.Sprintf("on %s %d", name, st.ran[name]))
}

func (st *stage) add(name string) {
	h := &scriptHandler{stage: st, name: name, fd: st.poller.lowest()}
	s, err := st.l.add(h.fd, h, poll.Readable)
	if err != nil {
		st.t.Fatalf("add %s: %v", name, err)
	}
	h.slot = s
	st.handlers[name] = h
}

type scriptHandler struct {
	stage *stage
	name  string
	fd    int
	slot  slot
}

func (h *scriptHandler) ready(poll.Events) { h.stage.run(h.name) }
func (h *scriptHandler) failed(any) {
	h.stage.trace = append(h.stage.trace, "failed:"+h.name)
	h.stage.l.remove(h.slot)
	h.stage.poller.free(h.fd)
}

// scriptPoller reports what the script makes ready. Descriptors are numbers,
// the lowest free one is handed out first, as the kernel does.
type scriptPoller struct {
	stage       *stage
	tokens      map[int]uint64 // by registered descriptor
	ready       []poll.Event
	interrupted bool
	closed      bool
}

func (p *scriptPoller) lowest() int {
	for fd := 10; ; fd++ {
		if _, taken := p.tokens[fd]; !taken {
			return fd
		}
	}
}
func (p *scriptPoller) free(fd int) { delete(p.tokens, fd) }

func (p *scriptPoller) Add(fd int, token uint64, _ poll.Events) error {
	p.tokens[fd] = token
	return nil
}
func (p *scriptPoller) Modify(fd int, token uint64, _ poll.Events) error {
	p.tokens[fd] = token
	return nil
}
func (p *scriptPoller) Remove(fd int) error { p.free(fd); return nil }
func (p *scriptPoller) EdgeTriggered() bool { return true }
func (p *scriptPoller) Name() string        { return "script" }
func (p *scriptPoller) Close() error        { p.closed = true; return nil }

// sharedBatch is how many tasks of the shared set the loop takes in a turn.
const sharedBatch = 2

// maxTurns is where a loop that does not come to rest is stopped.
const maxTurns = 200

// Wait is the moment "poll": the loop has announced its sleep and looked around
// for the last time. If nothing is ready then and there is no timeout it sleeps,
// which is the moment "asleep"; if nothing wakes it in that, nothing ever will.
func (p *scriptPoller) Wait(events []poll.Event, timeout time.Duration) (int, error) {
	st := p.stage
	turn := st.l.stats.turns.load() + 1
	word := "forever"
	if timeout >= 0 {
		word = timeout.String()
	}
	st.polls = append(st.polls, word)
	if turn > maxTurns {
		st.t.Errorf("%d turns: the loop spins", turn)
		st.l.Stop()
		return 0, nil
	}
	st.moment(fmt.Sprintf("%d poll", turn))
	if n := p.collect(events); n > 0 || p.interrupted || timeout == 0 {
		p.interrupted = false
		return n, nil
	}
	st.moment(fmt.Sprintf("%d asleep", turn))
	if n := p.collect(events); n > 0 || p.interrupted {
		p.interrupted = false
		return n, nil
	}
	if !st.waker.late || timeout < 0 { // a write that is on its way may still end this sleep
		p.judge(turn, word, timeout)
	}
	if timeout > 0 {
		st.clock.at += timeout
		return 0, nil
	}
	st.rested = true
	st.l.Stop() // nothing is left to happen: the script is over
	return p.collect(events), nil
}

// judge is of a loop that sleeps as long as it said, since nothing woke it: then there was
// nothing to do, and no timer is due before.
func (p *scriptPoller) judge(turn uint64, word string, timeout time.Duration) {
	l := p.stage.l
	if l.slots.resuming() || l.tasks.waiting() || l.shared.waiting() || l.exit.Load() || l.woken.Load() {
		p.stage.t.Errorf("turn %d: the loop sleeps %s, and there is something to do: a lost wakeup", turn, word)
	}
	next, ok := l.timers.next()
	if ok && (timeout < 0 || next < p.stage.clock.lastLook+timeout) {
		p.stage.t.Errorf("turn %d: the loop sleeps %s, and a timer is due at %v: a lost wakeup", turn, word, next)
	}
}

func (p *scriptPoller) collect(events []poll.Event) (n int) {
	for _, ev := range p.ready {
		for _, token := range p.tokens {
			if token == ev.Token {
				events[n] = ev
				n++
				break
			}
		}
	}
	p.ready = p.ready[:0]
	if p.stage.waker.readable {
		events[n] = poll.Event{Token: p.tokens[p.stage.waker.FD()], Events: poll.Readable}
		n++
	}
	return n
}

// scriptClock is moved by the script. Between two waits the loop reads it in the middle of
// its look at what there is to do, which is the moment "look".
type scriptClock struct {
	handClock
	stage    *stage
	isLook   bool // the next reading is: the turn has passed before-poll
	lastLook time.Duration
}

func (c *scriptClock) now() time.Duration {
	if c.isLook {
		c.isLook = false
		c.stage.moment(fmt.Sprintf("%d look", c.stage.l.stats.turns.load()+1))
		c.lastLook = c.at
	}
	return c.at
}
