package clauses

import (
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// longestTimeout is the longest idle timeout that a run waits for, and
	// longestSoak the longest that --soak waits for: two and a half of them must
	// fit into a study.
	longestTimeout = 10 * time.Second
	longestSoak    = 30 * time.Second
	// timeoutGrace is what a server gets that looks for silent connections once
	// a second, and counts in whole seconds.
	timeoutGrace = 2 * time.Second
)

// declaredTimeout is the idle timeout that the target declares. Without one
// nobody can say that a connection was silent for too long.
func declaredTimeout(s *session.Session) time.Duration {
	timeout, longest := time.Duration(s.Info.IdleTimeout), longestTimeout
	if s.Soak() {
		longest = longestSoak
	}
	switch {
	case timeout == 0:
		s.Untested("the target does not say how long its idle timeout is: declare idle_timeout in its file, --idle-timeout, or idle-timeout in HELLO")
	case timeout > longest:
		s.Untested(fmt.Sprintf("its idle timeout of %v is more than the %v that a run waits: give it a shorter one (--soak waits for %v)", timeout, longest, longestSoak))
	}
	return timeout
}

// mostFarewell is more than a server says before it closes, be it an error's page or the
// rest of a handshake's flight, in bytes.
const mostFarewell = 16 << 20

// closedWhenSilent waits until a connection that says nothing more is closed.
func closedWhenSilent(s *session.Session, c *session.Conn, timeout time.Duration, what string) {
	watch := s.Clock()
	c.Patience(timeout + timeoutGrace - s.Budget.Await)
	if rest, end := c.ReadAll(mostFarewell); end != session.EOF && end != session.Reset {
		c.Failf(session.Late, fmt.Sprintf("%s is still open after %v", what, watch.Elapsed().Round(10*time.Millisecond)),
			fmt.Sprintf("it is closed within the declared %v and %v", timeout, timeoutGrace), fmt.Sprintf("%d bytes, and the connection is open", len(rest)), "")
	}
	s.Note("%s was closed after %v", what, watch.Wall().Round(time.Millisecond))
}

// idleTimeout lets connections be silent, from the start and after an exchange: each must be closed
// no later than two seconds after the declared timeout.
func idleTimeout(s *session.Session) {
	timeout := declaredTimeout(s)
	mute := func() { closedWhenSilent(s, s.Dial(), timeout, "a connection that never said anything") }
	used := func() { closedWhenSilent(s, opened(s, 1)[0], timeout, "a connection that fell silent") }
	if serial(s) { // the next is served when the last is closed
		mute()
		used()
		s.ServesFresh()
		return
	}
	s.Go(mute)
	s.Go(used)
	if s.Dialect.Name() == "probe" {
		p := s.Probe()
		p.OK("PING", "silent")
		s.Go(func() { closedWhenSilent(s, p.Conn(), timeout, "a PROBE conversation that fell silent") })
	}
	s.Join()
	s.ServesFresh()
}

// usedConnectionsStay asks at every quarter of the idle timeout, for two and a half of them, and
// once just before its end: every reply must come.
func usedConnectionsStay(s *session.Session) {
	timeout := declaredTimeout(s)
	if !serial(s) {
		s.Go(func() { lateRequestCounts(s, timeout) })
	}
	c := s.Open()
	for start := time.Now(); time.Since(start) < timeout*5/2; {
		payload := s.Payload(32)
		watch := s.Clock()
		c.Exchange(payload)
		s.Pause(timeout / 4)
		if watch.Wall() > timeout*3/4 {
			s.Inconclusive("this machine stalled for most of the idle timeout")
		}
	}
	c.Exchange(s.Payload(32))
	c.Close()
	if serial(s) {
		lateRequestCounts(s, timeout)
	}
}

// unreadIsClosed has output wait for a client that takes nothing: the connection must be closed no
// later than two seconds after the declared timeout.
func unreadIsClosed(s *session.Session) {
	timeout := declaredTimeout(s)
	t := unreadOutput(s)
	watch := s.Clock()
	if _, gone := s.Holds(timeout+timeoutGrace, func() bool { return !openAt(s, t.c) }); !gone {
		at := waiting(s, t.c)
		t.c.Failf(session.Late, fmt.Sprintf("a connection whose client reads nothing is still open after %v", watch.Elapsed().Round(10*time.Millisecond)),
			fmt.Sprintf("it is closed within the declared %v and %v", timeout, timeoutGrace),
			fmt.Sprintf("its socket is open, with %d bytes that were not sent", at.unsent), "the timeout spares connections with output that waits")
	}
	s.Note("it was closed after %v", watch.Wall().Round(time.Millisecond))
	s.ServesFresh()
}

const (
	// slowPiece is how much a slow reader takes before it looks whether the server has written,
	// in bytes.
	slowPiece = 32 << 10
	// mostHeld is more than the kernel lets a server buffer on a narrow connection before it
	// may write again, in bytes.
	mostHeld = 4 << 20
	// surelyWritten is more than a narrow window holds, in bytes: so many more were written,
	// and not only counted twice.
	surelyWritten = 64 << 10
)

// writes are what a client that reads slowly sees of what the server writes to it.
type writes struct {
	s       *session.Session
	c       *session.Conn
	written int64     // by the server, as of the last look
	since   time.Time // the server has written at this moment or later
	looked  time.Time // when it was looked last
}

// writesTo begins to look at a connection on which output waits since then.
func writesTo(s *session.Session, c *session.Conn, since time.Time) writes {
	return writes{s: s, c: c, since: since, looked: time.Now(), written: writtenTo(s, c)}
}

// again reports whether the server has written since it was seen to.
func (w *writes) again() bool {
	last := w.looked
	w.looked = time.Now()
	now := writtenTo(w.s, w.c)
	if now < w.written+surelyWritten {
		return false
	}
	w.written, w.since = now, last // it wrote after that look, whatever that one saw
	return true
}

// slowReader is a client that takes no more of its output than lets the server write again, and
// then pauses.
type slowReader struct {
	writes
	timeout time.Duration
}

// slowReaderStays takes output so slowly that it lasts for two idle timeouts, while the server
// writes some of it twice in each: the connection must stay open.
func slowReaderStays(s *session.Session) {
	r := slowReader{timeout: declaredTimeout(s)}
	c, since := slowOutput(s)
	r.writes = writesTo(s, c.Watched(), since)
	start := time.Now()
	writes := 0
	for time.Since(start) < 2*r.timeout && r.take() {
		writes++
		if quiet := time.Since(r.since); quiet > r.timeout/2 {
			s.Untested(fmt.Sprintf("%v passed until the server could write again, of an idle timeout of %v: the way to the client lets too little through", quiet.Round(time.Millisecond), r.timeout))
		}
		s.Pause(r.timeout * 3 / 8)
	}
	took := time.Since(start)
	s.Note("the server wrote %d times in %v", writes, took.Round(time.Millisecond))
	if took < r.timeout*3/2 {
		s.Untested(fmt.Sprintf("output lasted for %v, in which the server wrote %d times: it holds too little of it", took.Round(time.Millisecond), writes))
	}
	r.c.Reset()
	s.ServesFresh()
}

// take reads until the server has written again; false when all of its output is with the kernel.
func (r *slowReader) take() bool {
	for taken := 0; taken < mostHeld; taken += slowPiece {
		socket, open := socketOf(r.s, r.c)
		if !open {
			r.cut("the server has closed its socket")
		}
		if r.again() {
			return true
		}
		if socket.TxQueue == 0 {
			return false
		}
		if failure := r.s.Trial(func() { r.c.Read(slowPiece) }); failure != nil {
			r.cut(failure.Reason)
		}
	}
	return false
}

// cut ends the check: the connection has ended under a client that read. The server may end it where it could
// write nothing for as long as the timeout; its last write may be older than what was seen of it, by what its
// socket still moved then.
func (r *slowReader) cut(how string) {
	quiet := time.Since(r.since).Round(time.Millisecond)
	if quiet > r.timeout*5/8 {
		r.s.Inconclusive(fmt.Sprintf("the connection ended, %v after the server was seen to write: this machine stalled for a part of the idle timeout", quiet))
	}
	r.c.Failf(session.Wrong, "a client that reads slowly was cut off", fmt.Sprintf("the connection stays open: the server wrote %v ago at the most, and the timeout is %v", quiet, r.timeout),
		how, "output that a client takes is no activity to the idle timeout")
}

// suspendedInputCounts sends a request to a suspended server before the idle timeout is over, and
// lets it go on after that: the request must be answered.
func suspendedInputCounts(s *session.Session) {
	timeout := declaredTimeout(s)
	c := opened(s, 1)[0].Watched()
	payload := s.Payload(32)
	c.Exchange(payload)
	last := time.Now()
	var asked time.Time
	// When the server goes on the last byte is less than a timeout ago, though the server has seen
	// none for longer.
	stopped(s, func() {
		s.Pause(timeout / 2)
		c.Request(payload)
		asked = time.Now()
		s.Pause(timeout * 5 / 8)
	})
	if early, late := asked.Sub(last), time.Since(asked); early > timeout*3/4 || late > timeout*3/4 {
		s.Inconclusive("this machine stalled for a part of the idle timeout")
	}
	if failure := s.Trial(func() { c.Reply(payload) }); failure != nil {
		failure.Reason = "a request that came while the server was suspended, in time, was not answered: " + failure.Reason
		failure.Why = "timers are looked at before the input that waits"
		s.Fail(failure)
	}
	s.ServesFresh()
}
