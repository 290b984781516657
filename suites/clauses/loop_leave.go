package clauses

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// leaveFewest is how many connections have to end together to tell anything: below it
	// what they may cost is what any reply may take.
	leaveFewest = 200
	// leaveCost is what the end of one connection may cost the others, in undisturbed time:
	// twenty times what a system call and a few tables cost, and a fifth of the least
	// fault that is told apart.
	leaveCost = time.Millisecond
	// leaveOpening bounds the time in which those who are to leave come, where replies
	// are slow.
	leaveOpening = 20 * time.Second
)

// manyLeaveAtOnce ends some thousand connections in one go, half of them by reset, and asks those
// that stay: each end may cost their replies a millisecond.
func manyLeaveAtOnce(s *session.Session) {
	most := atOnce
	if s.Soak() {
		most = atOnceSoak
	}
	both := beside(s, 2)
	closeAll(both)
	if len(both) < 2 {
		s.Untested("it serves one client at a time: nobody stays while others leave")
	}
	room := s.Room(most)
	if room < leaveFewest {
		s.Untested(fmt.Sprintf("there is room for %d clients only: raise the descriptor limits (ulimit -n), or max_clients where the target has more", room))
	}
	stay := opened(s, 8)
	leave := make([]*session.Conn, room-len(stay))
	var full atomic.Bool // a limit of its own is its own affair
	coming := time.Now()
	spread(s, len(leave), func(i int) {
		if full.Load() || !s.Soak() && time.Since(coming) > leaveOpening {
			return
		}
		if refused := s.Trial(func() {
			c := openNth(s, i)
			c.Exchange(s.Payload(32))
			leave[i] = c
		}); refused != nil && !full.Swap(true) {
			s.Note("no more than some %d connections at a time: %s", i+len(stay), refused.Reason)
		}
	})
	leave = slices.DeleteFunc(leave, func(c *session.Conn) bool { return c == nil })
	if len(leave) < leaveFewest {
		closeAll(leave)
		s.Untested(fmt.Sprintf("it held %d clients at once, and the check needs %d that leave together", len(leave)+len(stay), leaveFewest))
	}
	var usual time.Duration
	for i, c := range stay {
		stay[i] = c.Next().Patience(2 * aside)
		var took time.Duration
		asks := func() { took = timedExchange(s, stay[i]) }
		switch refused := s.Trial(asks); {
		case letsGo(s, refused): // it was idle for as long as all the others took to come
			stay[i] = s.Open().Patience(2 * aside)
			asks()
		case refused != nil:
			s.Fail(refused)
		}
		usual = max(usual, took)
	}
	s.Pause(settle)
	allowed := usual + max(prompt, time.Duration(len(leave))*leaveCost)
	watch := s.Clock()
	for i, c := range leave {
		if i%2 == 0 {
			c.Close()
		} else {
			c.Reset()
		}
	}
	ours := watch.Wall()
	var slowest time.Duration
	asked, gone := 0, map[*session.Conn]bool{}
	for _, c := range slices.Concat(stay, stay) {
		if c.Over() || gone[c] { // whoever closes behind each reply has let go of it already
			continue
		}
		var took time.Duration
		switch refused := s.Trial(func() { took = timedExchange(s, c) }); {
		case letsGo(s, refused):
			gone[c] = true
			continue
		case refused != nil:
			s.Fail(refused)
		}
		slowest = max(slowest, took)
		asked++
	}
	if asked == 0 {
		s.Untested("none of those who were to stay could be asked: the server closes connections that are idle, as it may (RFC 9112 section 9.5)")
	}
	s.Note("%d connections ended within %s; the slowest reply to those that stayed took %s, and %s before", len(leave), figure(ours), figure(slowest), figure(usual))
	inTime(s, fmt.Sprintf("a small reply to a client that stayed, while %d others left,", len(leave)), slowest, allowed,
		"what the end of a connection costs is done in the loop, before anything else is looked at")
	closeAll(stay)
	s.ServesFresh()
}

// letsGo reports whether a connection ended where nothing was due on it, in a dialect
// that lets a server end one which is idle (RFC 9112 section 9.5).
func letsGo(s *session.Session, refused *session.Failure) bool {
	return refused != nil && refused.Ended && dialect.Ends(s.Dialect)
}
