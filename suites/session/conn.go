package session

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// Conn is one recorded connection to the target. One goroutine may read while
// another writes; two may not do the same. Failures end the check.
type Conn struct {
	s       *Session
	socket  net.Conn
	number  int    // counted from 1 in the order of dialling, as in the evidence
	item    uint64 // the connection number of the sign-on answer
	reader  *bufio.Reader
	dialect dialect.Dialect // this connection's own
	extra   time.Duration   // added to the await of every operation
	closed  bool
	got     atomic.Int64 // bytes that came out of the socket
	asked   atomic.Int64 // requests that Request and TryRequest began
	replies atomic.Int64 // read by Reply
	over    atomic.Bool  // the server closes it behind the last reply
	left    atomic.Bool  // closed, as other goroutines may see it
	spoke   atomic.Bool  // the target has sent something on it
	lull    lull
	watched bool   // the check itself counts how long it is silent
	pace    func() // nil: input is read as it comes
}

// Paced has pace called before each read of input, for as long as the check wants to wait there: so
// replies can be read, and looked at, as slowly as it likes. It returns the connection.
func (c *Conn) Paced(pace func()) *Conn {
	c.pace = pace
	return c
}

// Patience adds extra to the time that this connection's operations wait, for
// answers that are not due at once. It returns the connection.
func (c *Conn) Patience(extra time.Duration) *Conn {
	c.extra = extra
	return c
}

// Tag names the connection as the evidence does: "#3" is the third that was dialled.
func (c *Conn) Tag() string { return fmt.Sprintf("#%d", c.number) }

// Number returns the connection number that the target gave at sign-on.
func (c *Conn) Number() uint64 { return c.item }

// Dialect returns the target's dialect as this connection speaks it: requests
// that are sent in pieces, or many at once, are made with it.
func (c *Conn) Dialect() dialect.Dialect { return c.dialect }

// Local returns the client's own address, the one to look for in a server's log.
func (c *Conn) Local() net.Addr { return c.socket.LocalAddr() }

// Raw returns the socket for what Conn does not offer. What is done with it is
// not recorded, and bytes that a read has buffered already are not seen there.
func (c *Conn) Raw() net.Conn { return c.socket }

// Sent records bytes that were written to the raw socket, so that the evidence
// has them.
func (c *Conn) Sent(b []byte) {
	if len(b) > 0 {
		c.moved()
		c.s.log.add(c.number, "send", b)
	}
}

func (c *Conn) budget() time.Duration { return c.s.Budget.Await + c.extra }

// Send writes all of b. It fails Late when nothing of it could be written for
// an await, and Wrong when the connection is closed under it.
func (c *Conn) Send(b []byte) {
	c.goesOn()
	n, err := c.TrySend(b)
	if err == nil {
		return
	}
	want := fmt.Sprintf("the server reads the %d bytes sent to it", len(b))
	got := fmt.Sprintf("%d bytes were taken, then: %v", n, err)
	c.unsecured(err)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.Failf(Late, fmt.Sprintf("the server stopped reading after %d of %d bytes", n, len(b)), want, got, "")
	}
	c.closedUnder()
	panic(failed{&Failure{Kind: Wrong, Reason: fmt.Sprintf("the server closed the connection after %d of %d bytes sent", n, len(b)), Want: want, Got: oneLine(got),
		Conn: c.number, Source: c.socket.LocalAddr().String(), Ended: true, silent: c.silent(), taken: int(c.replies.Load())}})
}

// TrySend is Send for checks in which being cut off is legal. The error is
// os.ErrDeadlineExceeded when nothing could be written for an await.
func (c *Conn) TrySend(b []byte) (int, error) {
	sent := 0
	watch := c.s.Clock()
	for {
		remaining := c.budget() - watch.Wall()
		if remaining <= 0 {
			remaining = max(c.budget()-watch.Elapsed(), 0)
		}
		_ = c.socket.SetWriteDeadline(time.Now().Add(max(remaining, time.Millisecond)))
		n, err := c.socket.Write(b[sent:])
		c.s.alive()
		if n > 0 {
			c.moved()
			c.s.log.add(c.number, "send", b[sent:sent+n])
			sent += n
			watch = c.s.Clock()
		}
		switch {
		case err == nil:
			return sent, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			c.s.log.add(c.number, ending(err), nil)
			return sent, err
		case n == 0 && (watch.Elapsed() >= c.budget() || watch.Wall() >= c.s.Budget.Wall+c.extra):
			return sent, err
		}
	}
}

// SendInPieces writes b in pieces of the given sizes, each in a segment of its
// own as far as the kernel allows (TCP_NODELAY is set); what the sizes leave
// goes in pieces of the last size. Without sizes it goes byte by byte.
func (c *Conn) SendInPieces(b []byte, sizes ...int) {
	size := 1
	for len(b) > 0 {
		if len(sizes) > 0 {
			size, sizes = max(sizes[0], 1), sizes[1:]
		}
		n := min(size, len(b))
		c.Send(b[:n])
		b = b[n:]
	}
}

// Request sends one request with that payload in the target's dialect.
func (c *Conn) Request(payload []byte) {
	c.asked.Add(1)
	c.Send(c.dialect.Request(payload))
}

// TryRequest is Request for checks in which being cut off is legal, as TrySend is.
func (c *Conn) TryRequest(payload []byte) error {
	c.asked.Add(1)
	_, err := c.TrySend(c.dialect.Request(payload))
	return err
}

// Reply reads the reply to the request with that payload, and fails unless it
// carries the same bytes.
func (c *Conn) Reply(payload []byte) {
	c.goesOn()
	if dialect.Wordless(c.dialect) {
		c.accepted()
		return
	}
	before := c.read()
	reply, err := c.dialect.ReadReply(c.buffered(), payload)
	if err != nil {
		if c.asked.Load() > c.replies.Load()+1 && c.MayHaveEnded(err) {
			c.s.Untested(fmt.Sprintf("the server reset connection %s amid several requests, which takes away the replies that were on their way: it may have said before that it closes", c.Tag()))
		}
		c.missed(err, fmt.Sprintf("the reply to a request with %d bytes of payload", len(payload)), int(c.got.Load()-before), len(reply.Payload) == 0)
	}
	c.compare(payload, reply.Payload, "the reply")
	if n := c.replies.Add(1); reply.Last || n == int64(c.dialect.Requests()) {
		c.over.Store(true)
	}
}

// Exchange is one request and its reply.
func (c *Conn) Exchange(payload []byte) {
	c.Request(payload)
	c.Reply(payload)
}

// CloseWrite sends the FIN; the server's output can still be read.
func (c *Conn) CloseWrite() {
	half, ok := c.socket.(interface{ CloseWrite() error })
	if !ok {
		c.s.harnessFailed("a %s connection cannot be half-closed", c.s.Target.Network())
	}
	c.s.log.add(c.number, "close", []byte("half"))
	if err := half.CloseWrite(); err != nil && !isAny(err, unconnected) {
		c.s.alive()
		c.s.harnessFailed("shutdown: %v", err)
	}
}

// Close closes the connection; unread data makes the kernel send RST instead of
// FIN. A second Close does nothing.
func (c *Conn) Close() {
	if c.closed {
		return
	}
	c.closed = true
	c.left.Store(true)
	c.s.log.add(c.number, "close", nil)
	_ = c.socket.Close()
	c.reader = nil
}

// Reset closes with RST (SO_LINGER 0). Unix sockets know no RST and are closed.
func (c *Conn) Reset() {
	if c.closed {
		return
	}
	c.closed = true
	c.left.Store(true)
	c.s.log.add(c.number, "rst", []byte("ours"))
	switch socket := c.socket.(type) {
	case *secured:
		_ = socket.reset()
	case *net.TCPConn:
		_ = socket.SetLinger(0)
		_ = socket.Close()
	default:
		_ = socket.Close()
	}
	c.reader = nil
}

// SetReadBuffer sets SO_RCVBUF, in bytes. Beware of tiny ones: window probes
// make correct servers slow.
func (c *Conn) SetReadBuffer(bytes int) {
	if b, ok := c.socket.(interface{ SetReadBuffer(int) error }); ok {
		_ = b.SetReadBuffer(bytes)
	}
}

// alive ends the check when Attempt closed its connections.
func (s *Session) alive() {
	if s.ended.Load() {
		panic(aborted{})
	}
}

// isAny reports whether err is one of a list.
func isAny(err error, list []error) bool {
	return slices.ContainsFunc(list, func(what error) bool { return errors.Is(err, what) })
}

// IsReset reports whether the peer, or the system on its behalf, has ended a connection by force.
func IsReset(err error) bool { return isAny(err, resets) }

// ending names how a connection ended, for the evidence.
func ending(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "eof"
	case IsReset(err):
		return "rst"
	default:
		return "note"
	}
}
