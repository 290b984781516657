package clauses

import (
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

// leaveRefused has one connection in three ask for what no server knows, take whatever
// comes, and leave; the others have an exchange. Few servers bear a client that does
// nothing but err.
func leaveRefused(s *session.Session, n int, payload []byte) {
	const one = 3
	c := openNth(s, n)
	if n%one == 1 {
		if _, err := c.TrySend(dialect.Unknown(c.Dialect(), n/one)); err == nil {
			c.Whatever(stallPatience)
		}
	} else {
		c.Exchange(payload)
	}
	endInOrder(c, n)
}

// keptAwayFor is how long a server may turn away a client that erred so often: fail2ban and
// its like count what happened in the last ten seconds or so. It is asked once a second,
// and then half as often each time, since asking may count as well.
const keptAwayFor = 31 * time.Second

// outlasting goes through the manners of which some requests are refused. If the server
// does not serve any more amid them, it may have banned the client, which is legal as long
// as the ban ends: the manner ends there too. If nobody is served for keptAwayFor, the
// refused requests have used up something.
func outlasting(s *session.Session, goThrough func()) (note string) {
	broken := s.Trial(goThrough)
	if broken == nil {
		return ""
	}
	if s.Target.Alive() != nil {
		s.Fail(broken)
	}
	s.Forget()
	waited := time.Duration(0)
	for wait := time.Second; waited < keptAwayFor; wait *= 2 {
		s.Pause(wait)
		waited += wait
		still := s.Trial(s.ServesFresh)
		if still == nil {
			return "requests that are refused were few: a client that makes them is turned away for a while (" + broken.Reason + ")"
		}
		broken = still
	}
	broken.Reason = "nobody is served any more behind requests that are refused: " + broken.Reason
	broken.Why = "what a refused request takes is not given back; a ban on clients that err which lasts longer than " + keptAwayFor.String() + " looks the same"
	s.Fail(broken)
	return ""
}
