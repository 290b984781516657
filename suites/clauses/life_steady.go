package clauses

import (
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// steadyLeast is for how long a client reads slowly at least: hidden deadlines of 5, 10
	// and 15 s show by then. steadyMost finds those of a minute, and costs nothing while other
	// clauses are judged. steadyEnough is what output has to last for at the least.
	steadyLeast  = 16 * time.Second
	steadyMost   = 65 * time.Second
	steadyEnough = 12 * time.Second
	// steadyPause is for how long the client takes nothing between two writes of the server.
	// A server may let go of a client that takes nothing; if the pause came to steadyLate, that was
	// this machine's doing.
	steadyPause = 2500 * time.Millisecond
	steadyLate  = 5 * time.Second
	// leastOutput is how many bytes the replies have to have together, to last.
	leastOutput = 1 << 20
)

// steadyReader is a client that takes no more of its output than lets the server write again, and
// then pauses, until it has done so for long enough.
type steadyReader struct {
	writes
	t       *talk
	total   int           // requests
	began   time.Time     // to read slowly
	paused  int64         // how many bytes had come when it paused last
	next    int64         // and how many will have when it looks at the server again
	wrote   bool          // the server has, since then
	times   int           // that it did so
	lasted  time.Duration // from began to the last write that was seen
	quiet   time.Duration // from then until the server was seen to have closed its socket; 0: it was not
	hurries bool
}

// steadyReaderGetsAll reads slowly and steadily, for up to 65 seconds, from a server that declares
// no idle timeout: every reply must come whole.
func steadyReaderGetsAll(s *session.Session) {
	if timeout := time.Duration(s.Info.IdleTimeout); timeout > 0 {
		s.Untested(fmt.Sprintf("it declares an idle timeout of %v: LIFE-14 is about that", timeout))
	}
	each := replySize(s, pieceSize)
	t, total := narrowTalk(s, beyondBuffers)
	if dialect.MayQuit(s.Dialect) {
		total = 1 // it may end the connection behind any reply, but not amid one
	}
	if total*each < leastOutput {
		s.Untested(fmt.Sprintf("the replies to %d requests, %d bytes each, do not wait for long: %d KiB of output are needed", total, each, leastOutput>>10))
	}
	if _, err := t.push(total, stallPatience); err != nil {
		endedEarly(s, t)
	}
	s.Holds(s.Await(), func() bool { return openAt(s, t.c) }) // it may have to accept it yet
	since := outputWaits(s, t)
	r := steadyReader{writes: writesTo(s, t.c.Watched(), since), t: t, total: total, began: time.Now(), paused: t.c.Received()}
	t.c.Paced(r.pace)
	if failure := s.Trial(func() {
		for !r.hurries && t.heard < total {
			t.hear(t.heard + 1)
		}
		r.hurry("all replies were read")
		t.hear(t.asked)
	}); failure != nil {
		r.cut(failure)
	}
	s.Note("the server wrote %d times in %v to a client that read slowly", r.times, r.lasted.Round(time.Millisecond))
	if r.lasted < steadyEnough {
		s.Untested(fmt.Sprintf("output lasted for %v, in which the server wrote %d times: it holds too little of it", r.lasted.Round(time.Millisecond), r.times))
	}
	t.c.Close()
	s.ServesFresh()
}

// pace is called before each read.
func (r *steadyReader) pace() {
	if time.Since(r.began) > r.s.Budget.Study {
		r.s.Untested(fmt.Sprintf("it is too slow for this check: %d of the replies to %d requests were read after %v, though bytes came all the time", r.t.heard, r.t.asked, r.s.Budget.Study))
	}
	if r.hurries || r.c.Received() < r.next {
		return
	}
	r.next = r.c.Received() + slowPiece
	r.wrote = r.again() || r.wrote
	taken := r.c.Received() - r.paused
	switch {
	case !openAt(r.s, r.c):
		r.quiet = time.Since(r.since)
		r.hurry("the server has closed its socket")
		return
	case taken > mostHeld:
		r.hurry("the server did not write again, whatever was read")
		return
	case r.over() && r.lasted >= steadyEnough:
		r.hurry("time is over")
		return
	case !r.wrote || taken < slowPiece:
		return
	}
	r.times, r.lasted = r.times+1, time.Since(r.began)
	_, _ = r.t.push(r.total, stallPatience/10) // what it has room for by now; how the connection ended, the reader sees
	for until := time.Now().Add(steadyPause); time.Now().Before(until) && !r.over(); {
		r.s.Pause(steadyPause / 25) // nobody waits for the whole of the last one
	}
	r.again() // what it wrote before the client reads on tells nothing of what lets it write
	r.paused, r.next, r.wrote = r.c.Received(), r.c.Received()+slowPiece, false
}

// over reports whether the client has read slowly for long enough.
func (r *steadyReader) over() bool {
	lasted := time.Since(r.began)
	return lasted >= steadyMost || lasted >= steadyLeast && !r.s.Others() && !r.s.Soak()
}

// hurry has the client read without pauses from now on, and say the request to its end that it is
// in the middle of.
func (r *steadyReader) hurry(why string) {
	if r.hurries {
		return
	}
	r.hurries = true
	r.s.Note("after %v it reads without pauses: %s", time.Since(r.began).Round(time.Millisecond), why)
	r.s.Go(func() { _, _ = r.t.push(r.t.asked, r.s.Budget.Check) })
}

// cut ends the check with what failed, unless we let the server wait for so long that it may have
// taken its client for one that reads nothing.
func (r *steadyReader) cut(failure *session.Failure) {
	quiet := r.quiet
	if !r.hurries {
		quiet = time.Since(r.since)
	}
	if quiet > steadyLate {
		r.s.Inconclusive(fmt.Sprintf("%v had passed since the server was seen to write when it failed its client: this machine stalled", quiet.Round(time.Millisecond)))
	}
	failure.Reason = fmt.Sprintf("a client that read slowly, and steadily, for %v does not get what is due: %s", time.Since(r.began).Round(100*time.Millisecond), failure.Reason)
	failure.Got = fmt.Sprintf("%s; %d bytes had come, and the server was seen to write for %v, %d times", failure.Got, r.c.Received(), r.lasted.Round(10*time.Millisecond), r.times)
	failure.Why = "a write has a deadline that progress does not move"
	r.s.Fail(failure)
}
