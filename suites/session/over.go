package session

import (
	"fmt"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// A server may end a connection behind any reply by saying so in it (in HTTP
// Connection: close, RFC 9112 section 9.6), and some do behind each. Nobody is
// blamed for that: a check whose clause allows it goes on with Next, and one
// that does not is untested at its next word on such a connection.

// Over reports whether the server has said that it closes the connection
// behind the last reply, or has given as many as its dialect has for one.
func (c *Conn) Over() bool { return c.over.Load() }

// Next returns the connection for one more request: c itself or, where that is
// over, another that is ready. It has the same patience.
func (c *Conn) Next() *Conn {
	if !c.Over() {
		return c
	}
	c.Close()
	return c.s.Ready(c.s.Dial()).Patience(c.extra)
}

// goesOn ends the check as one that cannot see its clause where the connection
// is over.
func (c *Conn) goesOn() {
	if c.Over() {
		c.s.Untested(fmt.Sprintf("the server said that it closes connection %s after %d replies, and the check had more to say on it", c.Tag(), c.replies.Load()))
	}
}

// mayHaveEnded ends the check likewise where the server reset the connection
// while it had been sent more requests than the one whose reply is due: the
// reset may have destroyed a reply that said so (RFC 9112 section 9.6).
func (c *Conn) mayHaveEnded(err error) {
	if c.MayHaveEnded(err) {
		c.s.Untested(fmt.Sprintf("the server reset connection %s amid several requests, which takes away the replies that were on their way: it may have said before that it closes", c.Tag()))
	}
}

// MayHaveEnded reports whether err is a reset behind which, in the target's
// dialect, the server may have said that it closes the connection. It says
// something only while more than one request was sent.
func (c *Conn) MayHaveEnded(err error) bool {
	return dialect.Ends(c.dialect) && ending(err) == "rst"
}
