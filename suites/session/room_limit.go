package session

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// limitMet looks for a limit of the target's own behind a failure: a client was left
// waiting beside others, or turned away, or ended between two requests. With nothing else
// going on, as many idle clients and a few more are brought in. If all are served, their number is not the
// reason. If not, half of them leave: if who was left waiting is served then, or
// whoever comes next where the others were turned away, there was no place, and how
// many clients the target holds is returned. So it is where it serves whoever comes, and
// ends those who are idle. Who still is not was lost, and
// the failure stands: 0. So it does where the number is another one the second time:
// then it is time that let the client in.
//
// A pool may give a worker to whoever has said nothing yet, and take it back behind the
// first reply (Gunicorn's gthread). So where the class lets a thread wait for one client,
// and mute ones were there, as many of these are brought in.
func (s *Session) limitMet(beside, mute int) (most int) {
	if beside > 0 {
		most = s.sameLimit(func() int { return s.holdsAtMost(beside + spareClients) })
	}
	if most == 0 && mute > 0 && s.threadMayWait() {
		most = s.sameLimit(func() int { return s.holdsMute(mute + spareClients) })
	}
	if s.Declared() && most < s.declaredRoom() {
		return 0 // it has fewer than it says: places were lost
	}
	return most
}

// threadMayWait reports whether a thread of the target may wait for a single client.
func (s *Session) threadMayWait() bool {
	return s.Info.Class == "" || s.Info.Class == "thread-per-connection"
}

// sameLimit is the limit that is found twice; 0 if there is none, or another one the
// second time.
func (s *Session) sameLimit(found func() int) (most int) {
	first := found()
	s.Forget()
	if first == 0 {
		return 0
	}
	second := found()
	s.Forget()
	if apart := max(first, second) - min(first, second); second == 0 || apart > max(1, first/10) {
		return 0
	}
	if most = min(first, second); most < 2 {
		return 0 // who serves one client at a time is iterative, and says so
	}
	return most
}

func (s *Session) holdsAtMost(clients int) int {
	first := s.letsIn() // those of the check may not be seen to have left yet
	if first == nil {
		return 0
	}
	held, single := []*Conn{first}, s.Dialect.Requests() == 1
	if most := s.places(); most > 0 {
		clients = min(clients, most)
		if single { // and one that asks, below
			clients = min(clients, most-1)
		}
	}
	for len(held) < clients {
		var c *Conn
		refused := s.Trial(func() {
			c = s.Dial()
			if s.Ready(c); single { // it stays as long as it has not asked all, and another asks
				begun := s.Dialect.Request(s.Payload(16))
				c.Send(begun[:len(begun)/2]) // TCP_DEFER_ACCEPT hides a client that says nothing
				asks := s.Dial()
				s.Ready(asks).Exchange(s.Payload(16))
				asks.Close()
				return
			}
			c.Exchange(s.Payload(16))
		})
		shed := refused != nil && (refused.away || refused.Ended && dialect.MayQuit(s.Dialect))
		if shed { // a place may be free once those before are seen to have left
			if c = s.letsIn(); c != nil {
				refused = nil
			}
		}
		if refused == nil {
			held = append(held, c)
			continue
		}
		if refused.beside == 0 {
			return 0 // nobody is served at all
		}
		return s.placeAmong(held, c, shed || single) // of those that do not ask none waits: the other did
	}
	return s.keptOf(held)
}

// keptOf is how many of those who are held the server has kept, where it has ended the
// others: between two requests it may make room so, if its dialect lets it (nginx and
// webfsd end idle clients when few places are left). 0 if it has kept them all.
func (s *Session) keptOf(held []*Conn) (kept int) {
	if !dialect.MayQuit(s.Dialect) {
		return 0
	}
	for _, c := range held {
		_, err := c.receive(make([]byte, 1), time.Millisecond, false)
		if c.Over() || err == nil || errors.Is(err, os.ErrDeadlineExceeded) { // who says in a reply that it ends makes no room so
			kept++
		}
	}
	if kept == len(held) {
		return 0
	}
	return kept
}

// holdsMute is holdsAtMost with clients that say nothing, beside which another one asks.
func (s *Session) holdsMute(clients int) int {
	if most := s.places(); most > 0 {
		clients = min(clients, most-1)
	}
	var held []*Conn
	for len(held) < clients {
		var asks *Conn
		refused := s.Trial(func() {
			held = append(held, s.Ready(s.Dial()))
			asks = s.Dial()
			s.Ready(asks).Exchange(s.Payload(16))
			asks.Close()
		})
		switch {
		case refused == nil:
			continue
		case refused.beside == 0 || refused.away:
			return 0
		}
		return s.placeAmong(held, asks, false)
	}
	return 0
}

// placeAmong lets half of those who are held leave, and returns how many they were if
// there is a place then: for the one that waits or, where anybody will do, for
// whoever comes next.
func (s *Session) placeAmong(held []*Conn, waits *Conn, anybody bool) int {
	for _, leaves := range held[:(len(held)+1)/2] {
		leaves.Close()
	}
	if !anybody && !s.getsPlace(waits) || anybody && s.letsIn() == nil {
		return 0
	}
	return len(held)
}

// getsPlace reports whether a client that was left waiting is served now.
func (s *Session) getsPlace(c *Conn) bool {
	return s.Trial(func() {
		if c == nil { // not even the queue had room
			c = s.Dial()
			c.Send(s.Dialect.Request(s.Payload(16)))
		}
		if dialect.Wordless(s.Dialect) {
			c.accepted()
		} else if _, err := c.buffered().Peek(1); err != nil {
			c.fail(err, "a place", 0)
		}
	}) == nil
}

// letsIn brings in a client, and another one as long as they are turned away; nil if all
// are, for an await.
func (s *Session) letsIn() (c *Conn) {
	_, _ = s.Holds(s.Budget.Await, func() bool {
		next := s.Dial()
		if s.Trial(func() { s.Ready(next).Exchange(s.Payload(16)) }) == nil {
			c = next
		} else {
			next.Close()
		}
		return c != nil
	})
	return c
}

// spareClients is how many clients more than before are brought in to see whether
// their number is what kept one waiting.
const spareClients = 2

// full words the reason for a clause that a limit of the target hides.
func full(most int, reason string) string {
	clients := fmt.Sprintf("%d clients", most)
	if most == 1 {
		clients = "1 client"
	}
	return fmt.Sprintf("it holds %s at once, and the check had more (%s): say max_clients: %d", clients, reason, most)
}
