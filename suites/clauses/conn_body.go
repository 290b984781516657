package clauses

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

// behindABody is what came of a good request behind one with a body.
type behindABody int

const (
	wasAnswered  behindABody = iota // as always
	wasEnded                        // the server closed behind its first reply, or instead of it
	wasMisread                      // something else came
	isUndecided                     // nothing came in time, or no reply to the first, or the server had too much to do
	triesAtABody = 3                // each has to be misread
)

// bodiesAreNoRequests posts a body that looks like a request, and a good request behind it: the
// next reply must be to the good one, unless the server closes.
func bodiesAreNoRequests(s *session.Session) {
	posting, _ := dialect.Posts(s.Dialect)
	kept := 0
	// To the path that the target is asked for, and to one that is not there.
	for _, target := range []string{posting.Asked(), posting.Missing()} {
		for _, apart := range []bool{false, true} {
			got, told := behindBody(s, posting, target, posting.Stray(), apart)
			for tries := 1; got == wasMisread && tries < triesAtABody; tries++ {
				got, told = behindBody(s, posting, target, posting.Stray(), apart)
			}
			if got == wasMisread {
				// Without a body the same has to go well, or the server has another reason.
				if without, _ := behindBody(s, posting, target, nil, false); without == wasAnswered {
					s.Failf(session.Wrong, "the body of a request was taken for the next request", "the reply to the request behind it, or the end of the connection", told,
						"the request was refused, or its body of no interest, and the body stayed in the input")
				}
				got = isUndecided
			}
			s.Note("POST %s: %s", target, told)
			if got != isUndecided {
				kept++
			}
		}
	}
	s.ServesFresh()
	if kept == 0 {
		s.Untested("no request with a body was answered, and none ended the connection")
	}
}

// behindBody makes one request with that body, and a good one behind its reply. With apart
// the body follows when the server has had time to answer the head.
func behindBody(s *session.Session, posting dialect.Posting, target string, body []byte, apart bool) (got behindABody, told string) {
	c := s.Open()
	defer c.Close()
	head := posting.Head(target, len(body), "")
	if apart {
		_, err := c.TrySend(head)
		s.Pause(stallPatience)
		if err == nil {
			_, _ = c.TrySend(body)
		}
	} else {
		_, _ = c.TrySend(append(head, body...))
	}
	said, err := posting.ReadFinal(c.Input())
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return isUndecided, "no reply came"
	case err != nil:
		return wasEnded, fmt.Sprintf("it was not answered whole: %v", err)
	case said.Last:
		return wasEnded, fmt.Sprintf("status %d, and it said that it closes", said.Status)
	}
	told = fmt.Sprintf("status %d, and behind it ", said.Status)
	payload := s.Payload(16)
	if err = c.TryRequest(payload); err == nil {
		_, err = c.Dialect().ReadReply(c.Input(), payload)
	}
	var wrong *dialect.ReplyError
	switch {
	case errors.As(err, &wrong) && wrong.Busy:
		return isUndecided, told + wrong.Got
	case errors.As(err, &wrong):
		return wasMisread, told + fmt.Sprintf("%s instead of %s", wrong.Got, wrong.Want)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return isUndecided, told + "nothing in time"
	case err != nil:
		return wasEnded, told + err.Error()
	}
	// Where all replies are alike, one too many shows it.
	more := bufio.NewReader(bytes.NewReader(c.Whatever(stallPatience)))
	if _, err = c.Dialect().ReadReply(more, payload); err == nil {
		return wasMisread, told + "two replies to one request"
	}
	return wasAnswered, told + "the next one was answered"
}
