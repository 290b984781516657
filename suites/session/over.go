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
	return c.anew()
}

// anew closes the connection and returns another that is ready, with the same patience.
func (c *Conn) anew() *Conn {
	c.Close()
	return c.s.Ready(c.s.Dial()).Patience(c.extra)
}

// goesOn ends the check as one that cannot see its clause where the connection
// is over.
func (c *Conn) goesOn() {
	if n := c.dialect.Requests(); n > 0 && c.replies.Load() == int64(n) {
		c.s.Untested(fmt.Sprintf("a connection takes %d requests, and the check had more to say on %s", n, c.Tag()))
	}
	if c.Over() {
		c.s.Untested(fmt.Sprintf("the server said that it closes connection %s after %d replies, and the check had more to say on it", c.Tag(), c.replies.Load()))
	}
}

// MayHaveEnded reports whether err is a reset that may have destroyed a reply which
// said that the server closes the connection (RFC 9112 section 9.6). It means
// something only while more requests were sent than the one whose reply is due:
// a server resets for those that it does not read.
func (c *Conn) MayHaveEnded(err error) bool {
	return dialect.Ends(c.dialect) && ending(err) == "rst"
}
