package session

import (
	"context"
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// How many requests a server takes on one connection, or from a client that does not
// log in, is its own affair where no page promises that a connection stays
// (dialect.MayQuit). It may end the connection without a word (DNS), or say something
// first that is no reply (421, * BYE, FATAL). The number is looked for at the start
// (Manners); where it is greater, or no fixed one, a check that asks much goes on with
// Further.

const (
	// mostTaken is how many requests are made to find the number, and takingTime how
	// long that may take on one connection: common limits are 10, 100 and 128.
	mostTaken  = 300
	takingTime = 3 * time.Second
	// fewestTaken is the least number that is a limit. Who ends each connection behind
	// its first reply does not take several requests, and has to say that.
	fewestTaken = 2
	// quitsTold is how many ends of one attempt stand in the evidence.
	quitsTold = 3
)

// quit reports whether the server ended this connection where that failure was seen,
// instead of a reply of which it has sent nothing: without a word, or behind something
// else, which a dialect cannot always tell from the reply to another request.
func (c *Conn) quit(failure *Failure) bool {
	return failure.Conn == c.number && failure.Kind == Wrong && (failure.Ended || failure.other && c.endsItsWords())
}

// LetGo is quit for a client that kept the server waiting: whatever came instead of its
// reply, the server has ended the connection behind it.
func (c *Conn) LetGo(failure *Failure) bool {
	return failure.Conn == c.number && failure.Kind == Wrong && (failure.Ended || c.endsItsWords())
}

// Further has one more exchange, as exchange has it with the connection that it is given:
// this one or, where it is over, another. If the server ends this one between two
// requests, and may, the same request is made on a fresh connection, on which there is no
// excuse. Further returns the connection that was answered.
func (c *Conn) Further(exchange func(c *Conn)) *Conn {
	c = c.Next()
	n := c.replies.Load()
	if n < fewestTaken || !dialect.MayQuit(c.dialect) {
		exchange(c)
		return c
	}
	failure := c.s.Trial(func() { exchange(c) })
	if failure == nil {
		return c
	}
	if !c.quit(failure) {
		c.s.Fail(failure)
	}
	if c.s.quits.Add(1) <= quitsTold {
		c.s.Note("the server ended connection %s after %d replies, with nothing left to answer: another took its place", c.Tag(), n)
	}
	next := c.anew()
	exchange(next)
	return next
}

// takes is how many requests of that payload the server answers on a connection before
// it ends it; 0 if it goes on beyond most of them, or for takingTime, or does something
// else than to end it.
func (s *Session) takes(most, payload int) int {
	c := s.Open()
	defer c.Close()
	began := time.Now()
	for n := 0; n <= most && time.Since(began) < takingTime && !c.Over(); n++ {
		if failure := s.Trial(func() { c.Exchange(s.Payload(payload)) }); failure != nil {
			if c.quit(failure) {
				return n
			}
			return 0
		}
	}
	return 0
}

// limit is the number of requests after which the server ends each connection, most at
// the most; 0 if there is none. Payloads of different lengths tell it from a buffer that
// is full, and connections after which it differs from ends at random.
func (s *Session) limit(most int) int {
	const short, long = 1, 48
	n := s.takes(most, short)
	if n == 0 || s.takes(n, long) != n || s.takes(n, short) != n {
		return 0
	}
	return n
}

// limitOfRequests words, for a failure that was an end of a connection, after how many
// requests the server ends each one; empty if there is no such number.
func limitOfRequests(ctx context.Context, setup Setup, failure *Failure) (hint string) {
	const more = 1000 // replies that were on their way may be lost to a reset
	most, n := 2*failure.taken+more, 0
	asks := Check{Run: func(s *Session) { n = s.limit(most) }}
	if a := asks.Attempt(ctx, setup); a.Failure != nil || a.Hung || n < failure.taken {
		return ""
	}
	requests := fmt.Sprintf("%d requests", n)
	if n == 1 {
		requests = "1 request"
	}
	if dialect.Ends(setup.Dialect) {
		return fmt.Sprintf("it ends each connection after %s, and no reply says so", requests)
	}
	return fmt.Sprintf("it ends each connection after %s: if that is a limit of its own, say requests_per_connection: %d in the dialect", requests, n)
}
