package clauses

import (
	"errors"
	"fmt"
	"os"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

// whoAsksIsAnswered asks by Expect: 100-continue whether it may send a body, and holds that back:
// 100, a final status or the end of the connection must come.
func whoAsksIsAnswered(s *session.Session) {
	posting, _ := dialect.Posts(s.Dialect)
	kept, why := 0, ""
	for _, target := range []string{posting.Asked(), posting.Missing()} {
		silence, told := asks(s, posting, target)
		if silence != "" {
			silence, told = asks(s, posting, target) // what came late once may be slow
		}
		s.Note("POST %s: %s", target, told)
		if silence == "" {
			kept++
			continue
		}
		// Whoever does not ask has to be answered, or the server has another reason.
		if why = unasked(s, posting, target); why == "" {
			s.Failf(session.Late, "silence "+silence, "100 (Continue), a final status, or the end of the connection", told,
				"the server waits for a body that its client does not send before it may: neither goes on")
		}
	}
	s.ServesFresh()
	if kept == 0 {
		s.Untested(why)
	}
}

// asks makes one such request; silence is where nothing came, and empty if the client has
// heard enough.
func asks(s *session.Session, posting dialect.Posting, target string) (silence, told string) {
	c := s.Open()
	defer c.Close()
	body := posting.Stray()
	if _, err := c.TrySend(posting.Head(target, len(body), "Expect: 100-continue\r\n")); err != nil {
		return "", "the connection ended"
	}
	said, err := posting.Read(c.Input())
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && said.Status == 0:
		return "while the client asks whether it may send the body of its request", "nothing came"
	case err != nil:
		return "", fmt.Sprintf("status %d, then %v", said.Status, err)
	case !said.Interim():
		return "", fmt.Sprintf("status %d", said.Status)
	}
	told = fmt.Sprintf("status %d, and behind the body ", said.Status)
	_, _ = c.TrySend(body)
	final, err := posting.ReadFinal(c.Input())
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && final.Status == 0:
		return "behind the body that the server asked for", told + "nothing came"
	case err != nil:
		return "", told + err.Error()
	}
	return "", told + fmt.Sprintf("status %d", final.Status)
}

// unasked says why a client that sends its body unasked does not show that the server owes
// an answer to one that asks; empty if it does.
func unasked(s *session.Session, posting dialect.Posting, target string) string {
	c := s.Open()
	defer c.Close()
	body := posting.Stray()
	_, _ = c.TrySend(append(posting.Head(target, len(body), ""), body...))
	said, err := posting.ReadFinal(c.Input())
	switch {
	case err != nil && said.Status == 0:
		return fmt.Sprintf("a POST to %s whose body is there is not answered either: %v", target, err)
	case said.Old:
		return "the server speaks HTTP/1.0, which knows no expectations"
	}
	return ""
}
