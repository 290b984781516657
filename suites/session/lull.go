package session

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// lull keeps how long nothing went over a connection in either direction.
type lull struct {
	since   atomic.Int64 // when a byte went over it last, in nanoseconds from epoch
	longest atomic.Int64 // the longest pause so far
}

// epoch makes moments of the monotonic clock, which no step of the time of day disturbs.
var epoch = time.Now()

func (l *lull) begin() { l.since.Store(int64(time.Since(epoch))) }

// moved notes that bytes went over the connection.
func (l *lull) moved() {
	if pause := time.Since(epoch) - time.Duration(l.since.Load()); pause > l.lasted() {
		l.longest.Store(int64(pause))
	}
	l.begin()
}

// moved notes that bytes went over the connection.
func (c *Conn) moved() {
	c.lull.moved()
	c.s.moved.Store(c.lull.since.Load())
}

func (l *lull) lasted() time.Duration { return time.Duration(l.longest.Load()) }

// closedUnder ends the check as one that cannot see its clause, if the target
// may have closed the connection for its silence: because it declares an idle
// timeout, and nothing was sent or received for that long (spec/target.md). A
// check is silent that long where the timeout is short or the machine is slow.
// The server's silence begins with what it did itself, which we see later; half
// of the timeout is taken for the whole.
func (c *Conn) closedUnder() {
	timeout := time.Duration(c.s.Info.IdleTimeout)
	if timeout <= 0 || c.watched {
		return
	}
	c.lull.moved()
	if silent := c.lull.lasted(); silent >= timeout/2 {
		c.s.Untested(fmt.Sprintf("connection %s was silent for %s, and the target, whose idle timeout is %s, may have closed it for that: give it a longer one",
			c.Tag(), milliseconds(silent), milliseconds(timeout)))
	}
}

const (
	// leastSilence is the shortest pause that a server may have closed a connection for.
	leastSilence = 500 * time.Millisecond
	// leastIdle is how long a client has to have been idle for an end to be a timeout's:
	// whoever ends a connection behind its reply does not wait for anything.
	leastIdle = 100 * time.Millisecond
)

// silent is for how long nothing went over a connection that the server has ended, where it
// may have done so for that: no idle timeout is declared, but the dialect lets a server have
// one (RFC 9112 section 9.5). 0: that cannot be the reason.
func (c *Conn) silent() time.Duration {
	if c.watched || c.s.Info.IdleTimeout > 0 || !dialect.MayQuit(c.s.Dialect) {
		return 0
	}
	c.lull.moved()
	if lasted := c.lull.lasted(); lasted >= leastSilence {
		return lasted
	}
	return 0
}

// idleBehind asks the target whether a client that is idle for so long is let go with
// nothing else going on, and after what time; 0 if it is not.
func idleBehind(ctx context.Context, setup Setup, silent time.Duration) (after time.Duration) {
	asks := Check{Study: true, Run: func(s *Session) {
		c := s.Open()
		if s.Dialect.Requests() != 1 {
			c.Exchange(s.Payload(16))
		}
		if c.Over() {
			return
		}
		watch := s.Clock()
		_, end := c.Patience(silent).ReadAll(1)
		if took := watch.Wall(); (end == EOF || end == Reset) && took >= leastIdle && took < silent+leastSilence {
			after = took
		}
	}}
	if a := asks.Attempt(ctx, setup); a.Failure != nil || a.Hung {
		return 0
	}
	return after
}

// Watched has an end of the connection count whatever the target's idle timeout is: the check
// itself sees to it that the timeout is never over, or judges that. It returns the connection.
func (c *Conn) Watched() *Conn {
	c.watched = true
	return c
}
