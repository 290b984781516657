package clauses

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// tooLong is a head that few servers take, in bytes: their limits are from 4 KiB to 1 MiB.
	tooLong = 1 << 20
	// refusals is in how many tries the same has to be seen.
	refusals = 3
)

// refusalsArrive sends a head of 1 MiB and reads meanwhile: if it is refused, FIN may follow the
// refusal, or nothing, but no RST.
func refusalsArrive(s *session.Session) {
	posting, _ := dialect.Posts(s.Dialect)
	// The RST that is looked for is what closing over unread input makes.
	for range refusals {
		status, reset, told := refused(s, posting)
		s.Note("a head of %d bytes: %s", tooLong, told)
		switch {
		case status == 0:
			s.ServesFresh()
			s.Untested("a client that sent too long a head was not refused in words")
		case status < 400:
			s.Untested(fmt.Sprintf("it takes a head of %d bytes", tooLong))
		case !reset:
			s.ServesFresh()
			return
		}
	}
	s.Failf(session.Wrong, "a refusal is followed by a reset", "the refusal, then FIN, or a connection that stays", fmt.Sprintf("the refusal, then RST, in %d of %d tries", refusals, refusals),
		"the server closes while what it did not read lies in the socket: such a close is a RST, which may destroy what the client has not read yet")
}

// refused makes one such request. status is that of the refusal, 0 where none came; reset
// says that RST came, and no FIN before it: the first error of an end that was not seen is
// ECONNRESET then, and EPIPE otherwise.
func refused(s *session.Session, posting dialect.Posting) (status int, reset bool, told string) {
	c := s.Open()
	over := make(chan error, 1)
	s.Go(func() {
		_, err := c.TrySend(posting.Head(posting.Missing(), 0, "X-Reactorspec: "+strings.Repeat("a", tooLong)+"\r\n"))
		over <- err
	})
	said, err := posting.ReadFinal(c.Input())
	if err == nil {
		_, err = c.Input().ReadByte()
	}
	how := "stays open"
	if err != nil {
		how = string(c.Ended(err))
	}
	c.Close()
	sending := <-over
	reset = errors.Is(err, syscall.ECONNRESET) || errors.Is(sending, syscall.ECONNRESET)
	if reset {
		how = "rst"
	}
	return said.Status, reset, fmt.Sprintf("status %d, and the connection: %s", said.Status, how)
}
