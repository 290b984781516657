package clauses

import (
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

// What comes shortly before an idle timeout is over, and is under way when it would be.

const (
	// timelyBy is how long before the timeout is over a client says something at the least. Half of
	// that time may be lost to stalls, and the server still hears it in time.
	timelyBy = 150 * time.Millisecond
	// leastLate is the shortest timeout whose last part is long enough for that.
	leastLate = time.Second
	// lateTries is how often it is tried on a machine that stalls in that part.
	lateTries = 3
)

// lateRequestCounts has a request under way when the timeout since the last reply is over. Where a
// connection stays while half a request has come, it comes in two halves; elsewhere it has to take long.
func lateRequestCounts(s *session.Session, timeout time.Duration) {
	if timeout < leastLate {
		s.Note("nothing is said at the end of a timeout of %v: it is too short for that", timeout)
		return
	}
	if dialect.MayQuit(s.Dialect) {
		slowReplyCounts(s, timeout)
		return
	}
	underWay(s, timeout, timeout*3/10, "half a request", func(t *talk) {
		request := t.request(1)
		t.c.Send(request[:len(request)/2])
		s.Pause(timeout / 2)
		t.c.Send(request[len(request)/2:])
	})
}

// slowReplyCounts asks so late that a server which needs long for a reply is at it when the timeout is over.
func slowReplyCounts(s *session.Session, timeout time.Duration) {
	c := s.Open()
	began := time.Now()
	c.Exchange(s.Payload(32))
	took := time.Since(began)
	c.Close()
	if took < 2*timelyBy {
		s.Note("a reply takes %v, which is too short to be under way at the end of the timeout", took.Round(time.Millisecond))
		return
	}
	underWay(s, timeout, min(took, timeout)/2, "a request", func(t *talk) { t.c.Send(t.request(1)) })
}

// underWay has a client say something so early before the timeout since its last reply is over, and wants
// the reply to it.
func underWay(s *session.Session, timeout, early time.Duration, what string, say func(*talk)) {
	for range lateTries {
		t := newFramedTalk(s, 32)
		c := t.c.Watched()
		watch := s.Clock()
		c.Send(t.request(0))
		t.reply(0)
		heard, slip := time.Now(), watch.Stalled() // the reply may have been sent so much earlier
		s.Pause(timeout - early)
		gone := s.Trial(func() { c.Quiet(gap) })
		said := time.Since(heard) + slip
		if late := said > timeout-early/2; late || gone != nil {
			c.Close()
			if late {
				continue
			}
			s.Note("the connection ended within %v of silence, earlier than the timeout of %v says", said.Round(time.Millisecond), timeout)
			return
		}
		stalled := make(chan time.Duration, 1)
		watch = s.Clock()
		s.Go(func() {
			s.Pause(early)
			stalled <- watch.Stalled()
		})
		failure := s.Trial(func() {
			say(t)
			t.reply(1)
		})
		c.Close()
		switch {
		case failure == nil:
			return
		case <-stalled > early/2:
			continue
		}
		failure.Reason = fmt.Sprintf("%s came after %v of silence, of an idle timeout of %v, and was not answered: %s", what, said.Round(time.Millisecond), timeout, failure.Reason)
		failure.Why = "only a whole request, or its reply, moves the idle timeout"
		s.Fail(failure)
	}
	s.Inconclusive("this machine stalled, again and again, shortly before the idle timeout was over")
}
