package session

import (
	"errors"
	"fmt"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// Manners is what the first replies of a target say of how it takes requests.
type Manners struct {
	Bounds dialect.Bounds
	Notes  []string // what a reader of the report should know of it
}

const (
	// firstReplies is how many new connections have to be closed, each behind
	// its first reply, for a target to count as one that closes all.
	firstReplies = 3
	// askedSize bounds the dialects whose greatest request is tried, in bytes of
	// payload: where it is longer, the bound is the checks' own and no server's.
	askedSize = 64 << 10
)

// Manners asks the target for them. It is said once, to a target that serves;
// what else goes wrong is left to the checks.
func (s *Session) Manners() Manners {
	var m Manners
	if s.closesEach() {
		m.Bounds.Requests = 1
		m.Notes = append(m.Notes, "the server closes each connection behind its first reply, and says so: clauses about several requests on one connection do not bind")
	}
	if s.Dialect.Requests() == 0 && dialect.MayQuit(s.Dialect) && !dialect.Ends(s.Dialect) { // who ends one in http says so
		if n := s.limit(mostTaken); n >= fewestTaken { // of 1 the checks speak: it has to be said
			m.Bounds.Requests = n
			m.Notes = append(m.Notes, fmt.Sprintf("the server ends each connection after %d requests, and has answered them all: checks stay within that number, or go on with another connection; requests_per_connection: %d in the dialect says it beforehand", n, n))
		}
	}
	if most := s.Dialect.MaxPayload(); dialect.Ends(s.Dialect) && most > 0 && most <= askedSize {
		if takes, refusal := s.greatest(); takes < most {
			m.Bounds.MaxPayload = takes
			m.Notes = append(m.Notes, fmt.Sprintf("a request of %d bytes is refused (%s): payloads stay within %d bytes; payload: {max: %d} in the target file says it beforehand",
				len(s.Dialect.Request(make([]byte, most))), refusal, takes, takes))
		}
	}
	return m
}

// closesEach reports whether the server ends each of some connections behind
// the first reply.
func (s *Session) closesEach() bool {
	if s.Dialect.Requests() == 1 {
		return false // it is known
	}
	for range firstReplies {
		c := s.Open()
		c.Exchange(s.Payload(16))
		c.Close()
		if !c.Over() {
			return false
		}
	}
	return true
}

// greatest returns the greatest payload, of the dialect's greatest and its
// halves, whose request the server does not refuse, and how it refused the first.
func (s *Session) greatest() (takes int, refusal string) {
	for takes = s.Dialect.MaxPayload(); takes/2 >= max(s.Dialect.MinPayload(), 1); takes /= 2 {
		payload := s.Payload(takes)
		c := s.Open()
		var err error
		if _, err = c.TrySend(c.dialect.Request(payload)); err == nil {
			_, err = c.dialect.ReadReply(c.buffered(), payload)
		}
		c.Close()
		var wrong *dialect.ReplyError
		if !dialect.Refused(err) || !errors.As(err, &wrong) {
			break
		}
		if refusal == "" {
			refusal = wrong.Got
		}
	}
	return takes, refusal
}
