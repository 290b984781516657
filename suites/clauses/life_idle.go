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

// closedWhenSilent waits until a connection that says nothing more is closed.
func closedWhenSilent(s *session.Session, c *session.Conn, timeout time.Duration, what string) {
	watch := s.Clock()
	c.Patience(timeout + timeoutGrace - s.Budget.Await)
	if rest, end := c.ReadAll(1 << 10); end != session.EOF && end != session.Reset {
		c.Failf(session.Late, fmt.Sprintf("%s is still open after %v", what, watch.Elapsed().Round(10*time.Millisecond)),
			fmt.Sprintf("it is closed within the declared %v and %v", timeout, timeoutGrace), fmt.Sprintf("%d bytes, and the connection is open", len(rest)), "")
	}
	s.Note("%s was closed after %v", what, watch.Wall().Round(time.Millisecond))
}

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

func usedConnectionsStay(s *session.Session) {
	timeout := declaredTimeout(s)
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
}

// unreadIsClosed has output wait for a client that takes nothing: on that connection
// nothing is received or sent any more.
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
	// slowSteps is in how many steps a slow reader takes what waits for it, and
	// slowPauses how many pauses there are to a timeout.
	slowSteps  = 28
	slowPauses = 8
	// leastStep is the least that it takes in a step, in bytes.
	leastStep = 4 << 10
)

// slowReaderStays takes output so slowly that it lasts for two timeouts, and watches what
// the server writes meanwhile: that it can is what the clause asks of the client.
func slowReaderStays(s *session.Session) {
	timeout := declaredTimeout(s)
	c, wrote, left := slowOutput(s)
	c.Watched()
	step := max(int(left/slowSteps), leastStep)
	start := time.Now()
	written := writtenTo(s, c)
	var longest time.Duration
	for time.Since(start) < 2*timeout {
		began := time.Now()
		if failure := s.Trial(func() { c.Read(step) }); failure != nil {
			if quiet := time.Since(wrote); quiet > timeout/2 {
				s.Untested(fmt.Sprintf("the server had nothing to write for %v when the connection ended: what the kernel holds is more than a slow reader takes meanwhile", quiet.Round(time.Millisecond)))
			}
			failure.Reason = fmt.Sprintf("a client that reads slowly was cut off %v after it began: %s", time.Since(start).Round(10*time.Millisecond), failure.Reason)
			failure.Hint = "output that a client takes is no activity to the idle timeout"
			s.Fail(failure)
		}
		s.Pause(timeout / slowPauses)
		if !openAt(s, c) {
			continue // the next read says how it ended, or takes what is left of it
		}
		if at := waiting(s, c); at.unsent == 0 {
			break // all that was due is with the client
		}
		if now := writtenTo(s, c); now != written {
			written, wrote = now, time.Now()
		}
		longest = max(longest, time.Since(wrote))
		if time.Since(began) > timeout/2 {
			s.Inconclusive("this machine stalled for half of the idle timeout")
		}
	}
	took := time.Since(start)
	s.Note("%d KiB at a time, for %v, were taken; the longest time without a write was %v", step>>10, took.Round(time.Millisecond), longest.Round(time.Millisecond))
	switch {
	case took < timeout*3/2:
		s.Untested(fmt.Sprintf("output waited for %v only: the server takes no more requests than it writes replies to", took.Round(time.Millisecond)))
	case longest > timeout/2:
		s.Untested(fmt.Sprintf("the server could write nothing for %v, for so much is held by the kernel", longest.Round(time.Millisecond)))
	}
	c.Reset()
	s.ServesFresh()
}

// suspendedInputCounts suspends the server beside a connection with an exchange behind it, on
// which a request comes before the timeout is over. When the server goes on the last byte is
// less than a timeout ago, though the server has seen none for longer.
func suspendedInputCounts(s *session.Session) {
	timeout := declaredTimeout(s)
	c := opened(s, 1)[0].Watched()
	payload := s.Payload(32)
	c.Exchange(payload)
	last := time.Now()
	var asked time.Time
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
		failure.Hint = "timers are looked at before the input that waits"
		s.Fail(failure)
	}
	s.ServesFresh()
}
