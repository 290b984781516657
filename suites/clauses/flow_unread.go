package clauses

import (
	"fmt"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// unreadBound is how much memory one client that does not read may cost, in bytes,
	// where the target declares no more: what some hundred MiB of output take, and
	// leakAt is not reached. It is generous: few servers buffer 64 MiB on purpose.
	unreadBound = 384 << 20
	// unreadPiece is how many bytes are written between two looks at the clock, and
	// unreadLook between two at the memory.
	unreadPiece = 256 << 10
	unreadLook  = 8 << 20
	// unreadSmall is a request, in bytes, of which no more than mostStuffed are sent: a
	// server works through them for long.
	unreadSmall = 1 << 10
	// unreadMost bounds what is written, and unreadLongest for how long. A server that has
	// read unreadEnough, and kept less than one byte in unreadShare of it, throws away what
	// comes, as one does that lingers behind its close.
	unreadMost    = 1 << 30
	unreadEnough  = 256 << 20
	unreadShare   = 8
	unreadLongest = 15 * time.Second
	// unreadPatience is how long a server takes nothing before it counts as having
	// stopped to read: one that moves a buffer of some hundred MiB is away for a tenth.
	unreadPatience = 500 * time.Millisecond
)

// oneUnreadIsBounded has one client write and never read, whatever limit is declared: the server
// must stop reading, close, or keep nothing, before it has grown beyond a bound.
func oneUnreadIsBounded(s *session.Session) {
	bound := int64(unreadBound)
	if limit := int64(unreadLimit(s)); limit > 0 {
		bound = max(bound, 4*limit+1<<20)
	}
	s.ServesFresh()
	t := newTalk(s, s.Open(), 256<<10)
	size := max(len(t.request(0)), 1)
	pours(s, t.c, bound, pouring{
		what: "wrote %d MiB and read nothing",
		why:  "output is queued without bound: one client is enough to have the process killed",
		more: func() (stalled bool, err error) {
			return t.push(t.asked+max(1, unreadPiece/size), unreadPatience)
		},
		written: func() int64 { return int64(t.asked) * int64(size) },
		enough:  func() bool { return t.asked >= mostStuffed && size < unreadSmall },
		told:    func() string { return fmt.Sprintf("%d requests of %d bytes", t.asked, size) },
	})
}

// pouring is what one client goes on writing.
type pouring struct {
	what, why string // it did, with the MiB of it; and why memory grows with that
	more      func() (stalled bool, err error)
	written   func() int64 // bytes
	enough    func() bool  // no more of it tells anything
	told      func() string
}

// pours has one client write on until the server stops reading, closes, or has grown by
// more than bound, or by what the target declares.
func pours(s *session.Session, c *session.Conn, bound int64, p pouring) {
	if bound = max(bound, int64(s.Info.Memory)); bound >= leakAt {
		s.Untested(fmt.Sprintf("it declares %d MiB (limit:, memory:), and no more than %d are taken from this machine", bound>>20, leakAt>>20))
	}
	before := memory(s)
	var curve growthCurve
	began, looked := time.Now(), int64(0)
	for {
		stalled, err := p.more()
		written, late := p.written(), time.Since(began) > unreadLongest
		ends := stalled || err != nil || late || written >= unreadMost || p.enough()
		if written-looked < unreadLook && !ends {
			continue
		}
		looked = written
		grown := memory(s) - before
		curve.add(written, grown)
		ends = ends || written >= unreadEnough && grown < written/unreadShare
		switch {
		case grown > bound:
			s.Failf(session.Wrong, fmt.Sprintf("the server's memory grew by %d MiB while one client "+p.what, grown>>20, written>>20),
				fmt.Sprintf("it stops reading, or closes, before it has grown by %d MiB", bound>>20), curve.String(), p.why)
		case stalled:
			s.Note("it stopped reading: %s", curve.String())
		case err != nil:
			s.Note("it closed the connection (%v): %s", err, curve.String())
		case ends && (curve.rises() || written < beyondBuffers):
			s.Untested(fmt.Sprintf("in %v and %s it neither stopped reading nor grew by %d MiB: %s", time.Since(began).Round(time.Second), p.told(), bound>>20, curve.String()))
		case ends:
			s.Note("it reads on, and keeps nothing: %s", curve.String())
		default:
			continue
		}
		break
	}
	c.Reset()
	memory(s) // the process goes on; that others are served is FLOW-5's
}

// growthCurve is how the memory grew with what was written, in bytes.
type growthCurve struct{ written, grown []int64 }

func (g *growthCurve) add(written, grown int64) {
	g.written, g.grown = append(g.written, written), append(g.grown, grown)
}

// rises reports whether the memory still grew in the second half by a part of what was
// written that no buffer explains.
func (g *growthCurve) rises() bool {
	const share = 4
	last := len(g.written) - 1
	if last < 1 {
		return false
	}
	half := last / 2
	return g.grown[last]-g.grown[half] > max((g.written[last]-g.written[half])/share, keptRound)
}

// String is the curve in some eight points.
func (g *growthCurve) String() string {
	const points = 8
	var b strings.Builder
	step := max(1, (len(g.written)+points-1)/points)
	for i := range g.written {
		if i%step == 0 || i == len(g.written)-1 {
			fmt.Fprintf(&b, "%d MiB written, %+.1f MiB of memory; ", g.written[i]>>20, float64(g.grown[i])/(1<<20))
		}
	}
	return strings.TrimSuffix(b.String(), "; ")
}
