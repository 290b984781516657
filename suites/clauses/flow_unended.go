package clauses

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

// unendedIsBounded sends one request whose end never comes: the server must stop reading, close, or
// keep nothing, before it has grown beyond a bound.
func unendedIsBounded(s *session.Session) {
	s.ServesFresh()
	c := s.Dial()
	if s.Dialect.Name() != "probe" { // there the sign-on is the line that does not end
		s.Ready(c)
	}
	head := dialect.Unended(c.Dialect())
	rest, sent := head, int64(0)
	more := bytes.Repeat([]byte("a"), unreadPiece)
	// Measured like the client that does not read; the server may do the same about it.
	pours(s, c, unreadBound, pouring{
		what: "sent %d MiB of a request that did not end",
		why:  "what has come of a request is kept until its end has come, however much that is: one client is enough to have the process killed",
		more: func() (stalled bool, err error) {
			n, stalled, err := pour(s, c, rest)
			sent += int64(n)
			if rest = rest[n:]; len(rest) == 0 {
				rest = more
			}
			return stalled, err
		},
		written: func() int64 { return sent },
		enough:  func() bool { return false },
		told:    func() string { return fmt.Sprintf("%d MiB of a request", sent>>20) },
	})
}

// pour writes b; stalled says that the server took nothing more of it for unreadPatience.
func pour(s *session.Session, c *session.Conn, b []byte) (n int, stalled bool, err error) {
	socket := c.Raw()
	defer socket.SetWriteDeadline(time.Time{})
	for n < len(b) && s.Context().Err() == nil {
		_ = socket.SetWriteDeadline(time.Now().Add(unreadPatience))
		took, err := socket.Write(b[n:])
		c.Sent(b[n : n+took])
		n += took
		switch {
		case err == nil || took > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrDeadlineExceeded):
			return n, true, nil
		default:
			return n, false, err
		}
	}
	return n, n < len(b), nil
}
