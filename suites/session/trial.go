package session

import "bufio"

// Trial runs f and returns the failure that ended it, nil if none did: a check
// that searches for the shortest way to fail has to survive the failures on its
// way. Every other end (the end of the check, a fault of the harness, what
// cannot be judged) goes on to Attempt.
func (s *Session) Trial(f func()) (failure *Failure) {
	defer func() {
		raised := recover()
		if raised == nil {
			return
		}
		told, ok := raised.(failed)
		if !ok {
			panic(raised)
		}
		failure = told.failure
		s.mu.Lock()
		defer s.mu.Unlock()
		if first, same := s.first.(failed); same && first.failure == failure { // raised beside the check, and told by now
			s.first = nil
		}
	}()
	f()
	return nil
}

// Fail ends the check with a failure that Trial caught.
func (s *Session) Fail(failure *Failure) { panic(failed{failure}) }

// Forget closes the connections that are open and forgets all that were ever
// dialled, so that a check may open many thousands.
func (s *Session) Forget() {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// Input returns what arrives, as the other reading methods see it: a read waits
// for an await and then reports os.ErrDeadlineExceeded.
func (c *Conn) Input() *bufio.Reader { return c.buffered() }

// Blame ends the check for an error of Input while want was due, of which got
// bytes had come; silence is Late, all else Wrong.
func (c *Conn) Blame(err error, want string, got int) { c.fail(err, want, got) }

// Ended says which end of input an error of Input is: EOF, Reset or Timeout.
func (c *Conn) Ended(err error) End { return c.end(err) }

// Replay words the command that plays a transcript's file on this target.
func (s *Session) Replay(file string) string {
	if s.setup.Replay == nil {
		return "reactorspec replay " + file
	}
	return s.setup.Replay(file)
}

// Others reports whether other checks are still being judged, for as long as which a
// Watch may go on at no cost.
func (s *Session) Others() bool {
	if s.setup.Others == nil {
		return false
	}
	select {
	case <-s.setup.Others:
		return false
	default:
		return true
	}
}

// Soak reports whether the run was told to take its time.
func (s *Session) Soak() bool { return s.setup.Soak }

// Quick reports whether the run is to be over in some seconds.
func (s *Session) Quick() bool { return s.setup.Quick }
