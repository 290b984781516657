package play

import (
	"math/rand/v2"
	"slices"

	"github.com/reactorspec/reactorspec/suites/transcript"
)

// Bounds of what is drawn by mutation, so that a transcript takes milliseconds.
const (
	mostSteps = 60
	mostBytes = 5 << 20 // payload bytes of a whole transcript
	mostWaits = 12      // milliseconds of all waits and disturbances, but for one lull
)

// edges are the sizes at which buffers, lengths and counters of servers turn over.
var edges = []int{1, 2, 15, 16, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 2047, 2048, 4095, 4096, 8191, 8192, 16383, 16384, 32767, 32768, 65535, 65536, 131072}

// size is one of the edges or near it, or any.
func (shape Shape) size(r *rand.Rand) int {
	n := 1 + r.IntN(1<<(1+r.IntN(13)))
	if r.IntN(2) == 0 {
		n = edges[r.IntN(len(edges))] + r.IntN(3) - 1
	}
	return min(max(n, 1), shape.Most)
}

// step is any step on any connection.
func (shape Shape) step(r *rand.Rand) transcript.Step {
	s := transcript.Step{Conn: 1 + r.IntN(shape.Conns)}
	ops := []transcript.Op{transcript.Open, transcript.Dial, transcript.Ask, transcript.Ask, transcript.Push, transcript.Send, transcript.Send,
		transcript.Read, transcript.Sip, transcript.Fin, transcript.End, transcript.Close, transcript.Reset, transcript.Wait}
	if len(shape.Verbs) > 0 {
		ops = append(ops, transcript.Call, transcript.Call)
	}
	if len(shape.Spoils) > 0 {
		ops = append(ops, transcript.Spoil, transcript.Spoil)
	}
	if shape.Halts {
		ops = append(ops, transcript.Halt, transcript.Rain)
	}
	if shape.Short {
		ops = append(ops, transcript.Short)
	}
	switch s.Op = ops[r.IntN(len(ops))]; s.Op {
	case transcript.Open, transcript.Dial:
		s.Frames = shape.Frames && r.IntN(2) == 0
		s.Narrow = s.Op == transcript.Open && r.IntN(8) == 0
	case transcript.Ask, transcript.Sip:
		s.Size = shape.size(r)
	case transcript.Push:
		if r.IntN(2) == 0 {
			s.Size = shape.size(r)
		}
	case transcript.Send:
		s.Size, s.Count = shape.size(r), 1
		if r.IntN(3) == 0 {
			s.Count = 1 + r.IntN(20)
		}
	case transcript.Read:
		s.Count = r.IntN(4)
	case transcript.Call:
		s.Verb, s.Size = shape.Verbs[r.IntN(len(shape.Verbs))], r.IntN(mostDelay+1)
	case transcript.Spoil:
		s.Verb, s.Size = shape.Spoils[r.IntN(len(shape.Spoils))], r.IntN(mostSpoilt)
	case transcript.Wait:
		s.Conn, s.Size = 0, 1+r.IntN(3)
	case transcript.Halt, transcript.Rain, transcript.Short:
		s.Conn, s.Size = 0, 1+r.IntN(mostHalt)
	}
	return s
}

// Mutate makes another sequence of one, and of parts of a second. It stays within the
// shape.
func (shape Shape) Mutate(r *rand.Rand, steps, other []transcript.Step) []transcript.Step {
	steps = slices.Clone(steps)
	for range 1 + r.IntN(5) {
		at := r.IntN(len(steps) + 1)
		rest := len(steps) - at
		switch r.IntN(10) {
		case 0, 1: // a step more
			steps = slices.Insert(steps, at, shape.step(r))
		case 2: // a run less
			if rest > 0 && len(steps) > 1 {
				steps = slices.Delete(steps, at, at+1+r.IntN(min(rest, 4)))
			}
		case 3, 4: // another number
			if rest > 0 {
				shape.tweak(r, &steps[at])
			}
		case 5: // a run again, on another connection perhaps
			if rest > 0 {
				run := slices.Clone(steps[at : at+1+r.IntN(min(rest, 6))])
				by := r.IntN(shape.Conns)
				for i := range run {
					if run[i].Conn > 0 {
						run[i].Conn += by
					}
				}
				steps = slices.Insert(steps, at, run...)
			}
		case 6: // a part of the other
			if len(other) > 0 {
				from := r.IntN(len(other))
				steps = slices.Insert(steps, at, other[from:from+1+r.IntN(min(len(other)-from, 12))]...)
			}
		case 7: // two steps change places
			if rest > 1 {
				steps[at], steps[at+1] = steps[at+1], steps[at]
			}
		case 8: // somebody for whom output waits
			steps = slices.Insert(steps, at, shape.slow(r)...)
		case 9: // another way to go
			if rest > 0 {
				switch steps[at].Op {
				case transcript.End, transcript.Fin, transcript.Close, transcript.Reset:
					steps[at].Op = []transcript.Op{transcript.End, transcript.Fin, transcript.Close, transcript.Reset}[r.IntN(4)]
				default:
					steps = slices.Insert(steps, at, transcript.Step{Conn: 1 + r.IntN(shape.Conns), Op: transcript.Open, Frames: shape.Frames && r.IntN(2) == 0})
				}
			}
		}
	}
	return shape.Within(steps)
}

// slow is a client who asks for more than the kernels hold for it, and reads little of that or
// nothing: what the server does with the rest shows in what happens next. Rarely: it takes as
// long as ten others.
func (shape Shape) slow(r *rand.Rand) []transcript.Step {
	size := 40_000 + r.IntN(20_000)
	if !shape.Slow || !shape.Narrow || shape.Most < size || r.IntN(3) > 0 {
		return nil
	}
	conn := 1 + r.IntN(shape.Conns)
	steps := []transcript.Step{{Conn: conn, Op: transcript.Open, Narrow: true}}
	for held := 0; held < mostHeld; held += size * mostAtOnce {
		steps = append(steps, transcript.Step{Conn: conn, Op: transcript.Send, Size: size, Count: mostAtOnce})
	}
	if r.IntN(2) == 0 {
		steps = append(steps, transcript.Step{Conn: conn, Op: transcript.Sip, Size: 1 + r.IntN(size)})
	}
	return steps
}

const (
	// mostHeld is more than the kernels hold for a narrow connection, in bytes (tcp(7),
	// tcp_wmem: 4 MiB, of which what surrounds the bytes takes a part).
	mostHeld = 3 << 20
	// mostAtOnce is the greatest number of requests of one step.
	mostAtOnce = 20
)

// unread is how many payload bytes one connection leaves unread, at most.
func (shape Shape) unread() int {
	if shape.Slow {
		return max(shape.Unread, mostBytes)
	}
	return shape.Unread
}

// Interleave has what two sequences do happen at the same time, on other connections as
// far as there are some.
func (shape Shape) Interleave(r *rand.Rand, a, b []transcript.Step) []transcript.Step {
	by := 1 + r.IntN(shape.Conns)
	var both []transcript.Step
	for len(a)+len(b) > 0 {
		from := &a
		if r.IntN(len(a)+len(b)) >= len(a) {
			from = &b
		}
		n := 1 + r.IntN(min(len(*from), 3)) // what belongs together mostly stays so
		for _, s := range (*from)[:n] {
			if from == &b && s.Conn > 0 {
				s.Conn = 1 + (s.Conn-1+by)%shape.Conns
			}
			both = append(both, s)
		}
		*from = (*from)[n:]
	}
	return shape.Within(both)
}

// tweak makes a number of a step another one.
func (shape Shape) tweak(r *rand.Rand, s *transcript.Step) {
	near := func(n int) int {
		switch r.IntN(4) {
		case 0:
			return max(1, n+r.IntN(3)-1)
		case 1:
			return max(1, n/2)
		case 2:
			return max(1, 2*n)
		}
		return shape.size(r)
	}
	switch s.Op {
	case transcript.Send:
		if r.IntN(2) == 0 {
			s.Count = 1 + r.IntN(20)
			return
		}
		s.Size = near(s.Size)
	case transcript.Read:
		s.Count = r.IntN(6)
	case transcript.Ask, transcript.Sip, transcript.Push:
		s.Size = near(s.Size)
	case transcript.Call, transcript.Spoil:
		s.Size = r.IntN(mostSpoilt)
	}
	if s.Conn > 0 && r.IntN(6) == 0 {
		s.Conn = 1 + r.IntN(shape.Conns)
	}
}

// Within keeps of the steps what the shape allows: what goes beyond it is left out, as
// the machine that draws would not have drawn it.
func (shape Shape) Within(steps []transcript.Step) []transcript.Step {
	conns := map[int]*drawn{}
	var kept []transcript.Step
	bytes, waits, timed, lulled := 0, 0, false, false
	for _, s := range steps {
		if len(kept) == mostSteps {
			break
		}
		if s.Op.OfNone() {
			lull := shape.lull(s) && !lulled
			if s.Size < 1 || !lull && waits+s.Size > mostWaits || !shape.disturbs(s) {
				continue
			}
			if s.Conn, lulled = 0, lulled || lull; !lull {
				waits += s.Size
			}
			kept = append(kept, s)
			continue
		}
		s.Conn = 1 + max(s.Conn-1, 0)%shape.Conns
		c := conns[s.Conn]
		if (c == nil) != (s.Op == transcript.Dial || s.Op == transcript.Open) {
			continue
		}
		count := max(s.Count, 1)
		switch s.Op {
		case transcript.Dial, transcript.Open:
			s.Frames = shape.Frames && (s.Frames || !shape.Bytes)
			s.Narrow = s.Narrow && shape.Narrow && !s.Frames && s.Op == transcript.Open
			conns[s.Conn] = &drawn{frames: s.Frames}
			if s.Op == transcript.Dial {
				conns[s.Conn].made = opening
			}
		case transcript.Ask, transcript.Send:
			s.Size = min(max(s.Size, 1), shape.Most)
			if c.finned || count > mostAtOnce || c.made+c.unread+s.Size*count > shape.unread() || bytes+s.Size*count > mostBytes {
				continue
			}
			bytes += s.Size * count
			if c.made += s.Size * count; s.Op == transcript.Send {
				c.unread, c.made, s.Count = c.unread+c.made, 0, count
			}
		case transcript.Call:
			if !c.frames || c.finned || !slices.Contains(shape.Verbs, s.Verb) || c.made+c.unread+16 > shape.Unread {
				continue
			}
			s.Size = within(s.Verb, s.Size)
			timed = timed || s.Verb == transcript.Timer || s.Verb == transcript.ResetTimer || s.Verb == transcript.Offload
			if c.made += 16; s.Verb == transcript.Fail && s.Size == transcript.InHandler {
				c.finned = true
				kept = append(kept, s)
				s = transcript.Step{Conn: s.Conn, Op: transcript.Push}
			}
		case transcript.Spoil:
			if !slices.Contains(shape.Spoils, s.Verb) || c.finned {
				continue
			}
			s.Size = max(s.Size, 0) % (mostSpoilt + 1)
			c.made += mostSpoilt
		case transcript.Push:
			if c.finned || c.made == 0 {
				continue
			}
			s.Size = max(s.Size, 0)
			if s.Size == 0 || s.Size > c.made {
				s.Size, c.unread, c.made = 0, c.unread+c.made, 0
			} else {
				c.unread, c.made = c.unread+s.Size, c.made-s.Size
			}
		case transcript.Sip:
			s.Size = min(max(s.Size, 1), shape.Unread)
		case transcript.Read:
			if s.Count = min(max(s.Count, 0), 20); s.Count == 0 {
				c.unread = 0
			}
		case transcript.Fin:
			if c.finned {
				continue
			}
			c.finned, c.made = true, 0
		case transcript.Reset:
			if !shape.Resets {
				continue
			}
			delete(conns, s.Conn)
		case transcript.Close, transcript.End:
			delete(conns, s.Conn)
		default:
			continue
		}
		kept = append(kept, s)
	}
	last := transcript.Step{Op: transcript.Wait, Size: mostDelay + 2} // see Steps
	if timed && kept[len(kept)-1] != last {
		kept = append(kept, last)
	}
	return kept
}

// lull reports whether the step waits until about the server's idle timeout.
func (shape Shape) lull(s transcript.Step) bool {
	return s.Op == transcript.Wait && shape.Lull > aroundLull && s.Size >= shape.Lull-aroundLull && s.Size <= shape.Lull+aroundLull
}

// Hasten leaves lulls out, which take as long as a thousand transcripts; wholly, it leaves out all
// that only takes time, which is most of the time that a transcript takes.
func (shape Shape) Hasten(steps []transcript.Step, wholly bool) []transcript.Step {
	idle := shape.lull
	if wholly {
		idle = func(s transcript.Step) bool { return s.Op.Lasts() }
	}
	return shape.Within(slices.DeleteFunc(slices.Clone(steps), idle))
}

// disturbs reports whether a step that is of no connection is one that the shape allows.
func (shape Shape) disturbs(s transcript.Step) bool {
	switch s.Op {
	case transcript.Halt, transcript.Rain:
		return shape.Halts && s.Size <= mostHalt
	case transcript.Short:
		return shape.Short && s.Size <= mostHalt
	case transcript.Crowd:
		return false // it is added where what fails wants one, and takes too long to be tried
	}
	return true
}

// within is the argument of a call, in the bounds in which it is drawn.
func within(verb string, n int) int {
	n = max(n, 0)
	switch verb {
	case transcript.Post:
		return 1 + max(n-1, 0)%200
	case transcript.Cross:
		return 1 + max(n-1, 0)%50
	case transcript.Hook:
		return 1 + max(n-1, 0)%20
	case transcript.Fail:
		return n % (transcript.InHandler + 1)
	case transcript.Timer, transcript.ResetTimer, transcript.Offload:
		return n % (mostDelay + 1)
	}
	return 0
}
