package clauses

import (
	"fmt"

	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// printsFor is how many clients show how much a server prints, and printsMost how many it
	// gets at the most while nobody reads that.
	printsFor  = 300
	printsMost = 4000
)

// servesThoughNobodyReads lets clients come, and what the server prints lie unread, until that is
// more than a pipe holds: each client must be served.
func servesThoughNobodyReads(s *session.Session) {
	before := s.Target.PrintedBytes()
	for range printsFor {
		s.ServesFresh()
	}
	s.Forget()
	s.Pause(settle)
	printed := s.Target.PrintedBytes() - before
	if printed == 0 {
		s.Note("it printed nothing for %d clients", printsFor)
		return
	}
	room, err := s.Target.HoldOutput()
	if err != nil {
		s.Inconclusive("what the server prints cannot be left unread: " + err.Error())
	}
	defer s.Target.ReadOn()
	need := int(2*int64(room)*printsFor/printed) + 1
	if need > printsMost {
		s.Untested(fmt.Sprintf("it printed %d bytes for %d clients: less than a pipe of %d for %d of them", printed, printsFor, room, printsMost))
	}
	for n := range need {
		if failure := s.Trial(s.ServesFresh); failure != nil {
			standsUnread(s, failure, n, room)
		}
		if n%printsFor == 0 {
			s.Forget()
		}
	}
	s.Note("it served %d clients with %d bytes of what it printed unread", need, s.Target.Unread())
	s.Target.ReadOn()
	s.ServesFresh()
}

// standsUnread ends the check: a client was not served while nobody read.
func standsUnread(s *session.Session, failure *session.Failure, n, room int) {
	unread := s.Target.Unread()
	if 2*unread < room {
		s.Untested(fmt.Sprintf("client %d was not served, but the pipes have room for what the server prints, %d bytes of %d wait there: %s", n+1, unread, room, failure.Reason))
	}
	s.Target.ReadOn()
	then := "it serves again as soon as they are read"
	if s.Trial(s.ServesFresh) != nil {
		then = "it does not serve either when they are read"
	}
	s.Failf(session.Late, fmt.Sprintf("the server stands while nobody reads what it prints: client %d is not served", n+1), "it goes on serving",
		fmt.Sprintf("%s; %d bytes wait in a pipe of %d; %s", failure.Got, unread, room, then), "the loop writes its log, and waits for room in the pipe")
}
