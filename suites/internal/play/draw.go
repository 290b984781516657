package play

import (
	"flag"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// Shape bounds what is drawn.
type Shape struct {
	Conns  int      // open together
	Frames bool     // PROBE conversations too
	Bytes  bool     // conversations that are not frames
	Most   int      // payload bytes of a request
	Unread int      // payload bytes that one connection leaves unread
	Resets bool     // Unix sockets know none
	Verbs  []string // of calls
	Spoils []string // ways to damage what is sent; none: all that is sent is a request
	Halts  bool     // the server is ours to stop and continue, and to send signals to
	Short  bool     // it serves those who are connected while it has no descriptors left
	Narrow bool     // connections may have a small receive buffer
	Slow   bool     // clients may ask for more than the kernels hold for them
	Lull   int      // milliseconds after which the server closes who is silent, 0: it does not, or waits too long
}

// ShapeFor is what can be drawn for a session's target.
func ShapeFor(s *session.Session) Shape {
	shape := Shape{Conns: 6, Bytes: true, Most: 256 << 10, Unread: 1 << 20, Resets: s.Target.Network() != "unix", Narrow: s.Target.Network() != "unix"}
	shape.Most = min(shape.Most, max(s.Dialect.MaxPayload(), 1)) // a request without a payload counts as a byte
	if dialect.Ends(s.Dialect) {
		shape.Unread = 20 * shape.Most // a few dozen requests a connection
	}
	if s.Info.Class == "iterative" {
		shape.Conns = 1
	}
	if most := int(time.Duration(s.Info.IdleTimeout).Milliseconds()); most <= transcript.MaxWait/2 {
		shape.Lull = most
	}
	return shape
}

// drawn is the state machine's own view of a connection: just enough to draw
// steps that do something.
type drawn struct {
	frames       bool
	made, unread int
	finned       bool
}

// Steps draws a sequence of steps by a state machine over the connections.
func (shape Shape) Steps() *rapid.Generator[[]transcript.Step] {
	prepare()
	return rapid.Custom(func(t *rapid.T) []transcript.Step {
		m := &machine{Shape: shape, conns: map[int]*drawn{}}
		actions := map[string]func(*rapid.T){
			"open": m.open, "dial": m.dial, "ask": m.ask, "push": m.push, "send": m.send, "send ": m.send,
			"read": m.read, "sip": m.sip, "fin": m.fin, "end": m.end, "close": m.close, "wait": m.wait,
		}
		if shape.Resets {
			actions["reset"] = m.reset
		}
		if shape.Frames && len(shape.Verbs) > 0 {
			actions["call"], actions["call "], actions["abandon"] = m.call, m.call, m.abandon
		}
		if len(shape.Spoils) > 0 {
			actions["spoil"], actions["spoil "] = m.spoil, m.spoil
		}
		if shape.Halts {
			actions["halt"], actions["rain"] = m.halt, m.rain
		}
		if shape.Short {
			actions["short"] = m.short
		}
		t.Repeat(actions)
		if m.timed {
			// What was set for those who left is done before the others leave.
			m.add(transcript.Step{Op: transcript.Wait, Size: mostDelay + 2})
		}
		return m.steps
	})
}

// prepare lets rapid ask package testing for its flags outside `go test`.
func prepare() {
	testing.Init()
	if !flag.Parsed() {
		_ = flag.CommandLine.Parse(nil)
	}
}

// opening is about what a dialled connection has to push before its first request.
const opening = 5

type machine struct {
	Shape
	conns map[int]*drawn
	steps []transcript.Step
	timed bool // something was asked for that happens later
}

// mostDelay is the longest time, in milliseconds, after which what is asked for happens.
const mostDelay = 8

func (m *machine) add(s transcript.Step) { m.steps = append(m.steps, s) }

// pick draws a connection that fits; without one the action is skipped.
func (m *machine) pick(t *rapid.T, fits func(*drawn) bool) (int, *drawn) {
	var numbers []int
	for _, n := range slices.Sorted(maps.Keys(m.conns)) {
		if fits(m.conns[n]) {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		t.Skip("no such connection")
	}
	n := rapid.SampledFrom(numbers).Draw(t, "conn")
	return n, m.conns[n]
}

func any1(*drawn) bool      { return true }
func talking(c *drawn) bool { return !c.finned }
func (m *machine) free() int {
	for n := 1; n <= m.Conns; n++ {
		if m.conns[n] == nil {
			return n
		}
	}
	return 0
}

func (m *machine) connect(t *rapid.T, op transcript.Op) {
	n := m.free()
	if n == 0 {
		t.Skip("enough connections")
	}
	frames := m.Frames && (!m.Bytes || rapid.Bool().Draw(t, "frames"))
	c := &drawn{frames: frames}
	if op == transcript.Dial {
		c.made = opening
	}
	m.conns[n] = c
	narrow := m.Narrow && !frames && op == transcript.Open && rapid.IntRange(0, 7).Draw(t, "narrow") == 7
	m.add(transcript.Step{Conn: n, Op: op, Frames: frames, Narrow: narrow})
}

func (m *machine) open(t *rapid.T) { m.connect(t, transcript.Open) }
func (m *machine) dial(t *rapid.T) { m.connect(t, transcript.Dial) }

// size draws a payload: most are small, some are larger than a buffer.
func (m *machine) size(t *rapid.T) int {
	most := rapid.SampledFrom([]int{20, 200, 200, 2000, 20_000, m.Most}).Draw(t, "most")
	return rapid.IntRange(1, min(most, m.Most)).Draw(t, "size")
}

func (m *machine) room(c *drawn) bool { return !c.finned && c.made+c.unread < m.Unread }

func (m *machine) ask(t *rapid.T) {
	n, c := m.pick(t, m.room)
	size := m.size(t)
	c.made += size
	m.add(transcript.Step{Conn: n, Op: transcript.Ask, Size: size})
}

func (m *machine) call(t *rapid.T) {
	n, c := m.pick(t, func(c *drawn) bool { return c.frames && m.room(c) })
	m.callOn(t, n, c)
}

// abandon leaves with something asked for.
func (m *machine) abandon(t *rapid.T) {
	n, c := m.pick(t, func(c *drawn) bool { return c.frames && m.room(c) })
	m.callOn(t, n, c)
	m.add(transcript.Step{Conn: n, Op: transcript.Push})
	op := rapid.SampledFrom([]transcript.Op{transcript.Close, transcript.Fin, transcript.Reset}).Draw(t, "how")
	switch {
	case op == transcript.Fin:
		c.finned, c.unread, c.made = true, c.unread+c.made, 0
	case !m.Resets:
		op = transcript.Close
		fallthrough
	default:
		delete(m.conns, n)
	}
	m.add(transcript.Step{Conn: n, Op: op})
}

func (m *machine) callOn(t *rapid.T, n int, c *drawn) {
	verb := rapid.SampledFrom(m.Verbs).Draw(t, "verb")
	c.made += 16
	argument := 0
	switch verb {
	case transcript.Post:
		argument = rapid.IntRange(1, 200).Draw(t, "tasks")
	case transcript.Cross:
		argument = rapid.IntRange(1, 50).Draw(t, "tasks")
	case transcript.Hook:
		argument = rapid.IntRange(1, 20).Draw(t, "turns")
	case transcript.Fail:
		argument = rapid.IntRange(0, transcript.InHandler).Draw(t, "place")
	case transcript.Timer, transcript.ResetTimer, transcript.Offload:
		argument = rapid.IntRange(0, mostDelay).Draw(t, "milliseconds")
		m.timed = true
	}
	m.add(transcript.Step{Conn: n, Op: transcript.Call, Verb: verb, Size: argument})
	if verb == transcript.Fail && argument == transcript.InHandler {
		c.finned, c.unread, c.made = true, c.unread+c.made, 0
		m.add(transcript.Step{Conn: n, Op: transcript.Push})
	}
}

func (m *machine) push(t *rapid.T) {
	n, c := m.pick(t, func(c *drawn) bool { return !c.finned && c.made > 0 })
	size := 0
	if rapid.Bool().Draw(t, "part") {
		size = rapid.IntRange(1, c.made).Draw(t, "piece")
	}
	if size == 0 {
		c.unread, c.made = c.unread+c.made, 0
	} else {
		c.unread, c.made = c.unread+size, c.made-size
	}
	m.add(transcript.Step{Conn: n, Op: transcript.Push, Size: size})
}

func (m *machine) send(t *rapid.T) {
	n, c := m.pick(t, m.room)
	size, count := m.size(t), 1
	if size < 1000 {
		count = rapid.IntRange(1, 20).Draw(t, "count")
	}
	c.unread, c.made = c.unread+c.made+size*count, 0
	m.add(transcript.Step{Conn: n, Op: transcript.Send, Size: size, Count: count})
}

func (m *machine) read(t *rapid.T) {
	n, c := m.pick(t, func(c *drawn) bool { return c.unread > 0 })
	count := 0
	if rapid.Bool().Draw(t, "some") {
		count = rapid.IntRange(1, 10).Draw(t, "count")
	} else {
		c.unread = 0
	}
	m.add(transcript.Step{Conn: n, Op: transcript.Read, Count: count})
}

func (m *machine) sip(t *rapid.T) {
	n, c := m.pick(t, func(c *drawn) bool { return c.unread > 0 })
	m.add(transcript.Step{Conn: n, Op: transcript.Sip, Size: rapid.IntRange(1, max(1, c.unread)).Draw(t, "bytes")})
}

func (m *machine) fin(t *rapid.T) {
	n, c := m.pick(t, talking)
	c.finned, c.made = true, 0
	m.add(transcript.Step{Conn: n, Op: transcript.Fin})
}

func (m *machine) gone(t *rapid.T, op transcript.Op) {
	n, _ := m.pick(t, any1)
	delete(m.conns, n)
	m.add(transcript.Step{Conn: n, Op: op})
}

func (m *machine) end(t *rapid.T)   { m.gone(t, transcript.End) }
func (m *machine) reset(t *rapid.T) { m.gone(t, transcript.Reset) }
func (m *machine) close(t *rapid.T) { m.gone(t, transcript.Close) }

// spoil damages what is made, and sends it.
func (m *machine) spoil(t *rapid.T) {
	n, c := m.pick(t, m.room)
	if c.made == 0 || rapid.Bool().Draw(t, "more") {
		size := m.size(t)
		c.made += size
		m.add(transcript.Step{Conn: n, Op: transcript.Ask, Size: size})
	}
	way := rapid.SampledFrom(m.Spoils).Draw(t, "way")
	m.add(transcript.Step{Conn: n, Op: transcript.Spoil, Verb: way, Size: rapid.IntRange(0, mostSpoilt).Draw(t, "where")})
	c.made += mostSpoilt
	if rapid.Bool().Draw(t, "push") {
		m.add(transcript.Step{Conn: n, Op: transcript.Push})
		c.unread, c.made = c.unread+c.made, 0
	}
}

// mostSpoilt bounds the number of a spoil.
const mostSpoilt = 300

// halt is shorter than any await by far.
func (m *machine) halt(t *rapid.T) {
	m.add(transcript.Step{Op: transcript.Halt, Size: rapid.IntRange(1, mostHalt).Draw(t, "milliseconds")})
}

// mostHalt is the longest time, in milliseconds, for which the server is disturbed.
const mostHalt = 5

func (m *machine) rain(t *rapid.T) {
	m.add(transcript.Step{Op: transcript.Rain, Size: rapid.IntRange(1, mostHalt).Draw(t, "milliseconds")})
}

func (m *machine) short(t *rapid.T) {
	m.add(transcript.Step{Op: transcript.Short, Size: rapid.IntRange(1, mostHalt).Draw(t, "milliseconds")})
}

const (
	// aroundLull is how far from an idle timeout a wait may end, in milliseconds.
	aroundLull = 30
	// seldom: one wait of so many is one of them, since it takes as long as a thousand others.
	seldom = 400
)

func (m *machine) wait(t *rapid.T) {
	if m.Lull > aroundLull && rapid.IntRange(0, seldom).Draw(t, "lull") == seldom {
		m.add(transcript.Step{Op: transcript.Wait, Size: m.Lull + rapid.IntRange(-aroundLull, aroundLull).Draw(t, "milliseconds")})
		return
	}
	m.add(transcript.Step{Op: transcript.Wait, Size: rapid.IntRange(1, 3).Draw(t, "milliseconds")})
}
