package clauses

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

// shortage is a target that is out of descriptors.
type shortage struct {
	old, late []*session.Conn // served before; connected since, each with a request
	refused   bool            // a client was not let in: the limit binds
	restore   func() error
}

// How many clients are served before a target runs out of descriptors, and how many come
// then.
const (
	servedBefore = 8
	comeLate     = 12
)

// exhaust leaves the target two descriptors and connects many more clients
// than that, each with a request of its own; then it takes away what is left,
// since a server that needs two descriptors a client never runs out at accept
// itself while one is free. The caller calls restore.
func exhaust(s *session.Session) *shortage {
	// Whatever the server opens at its first connections (pools, libraries) is open then.
	short := &shortage{old: opened(s, servedBefore)}
	s.ServesFresh()
	restore, err := s.Tree().LeaveFDs(2)
	if err != nil {
		unable(s, "the descriptor limit of the target cannot be lowered", err)
	}
	short.restore = restore
	defer func() {
		if raised := recover(); raised != nil {
			_ = short.restore()
			panic(raised)
		}
	}()
	for i := range comeLate {
		if i == comeLate/2 {
			s.Pause(20 * gap)
			more, err := s.Tree().LeaveFDs(0)
			if errors.Is(err, observe.ErrGone) {
				break // it has ended for want of descriptors, as the caller will see
			}
			if err != nil {
				unable(s, "the descriptor limit of the target cannot be lowered", err)
			}
			short.restore = func() error { return errors.Join(more(), restore()) }
		}
		if short.refused {
			continue
		}
		c, err := s.TryDial()
		if err != nil {
			// Legal: memcached, for one, shortens its queue to nothing meanwhile.
			s.Note("client %d beyond the limit was not let in: %v", i+1, err)
			short.refused = true
			continue
		}
		_ = c.TryAsk(s.Payload(1))
		short.late = append(short.late, c)
	}
	return short
}

// waiting returns the late clients that were not served. Where all were, although
// the limit was lowered, the clause cannot be seen on this target: what it holds of
// its clients is no descriptors (io_uring has a table of its own), or it does not
// obey that limit.
func (short *shortage) waiting(s *session.Session) (waiting []*session.Conn) {
	served := 0
	for _, c := range short.late {
		_ = c.Raw().SetReadDeadline(time.Now().Add(gap))
		var b [1]byte
		if n, _ := c.Raw().Read(b[:]); n > 0 {
			served++
		} else {
			waiting = append(waiting, c)
		}
	}
	s.Note("%d of %d clients beyond the limit were answered", served, len(short.late))
	if served == len(short.late) && !short.refused {
		// A listener may have been closed with nobody in its queue: accept(2) says
		// EMFILE before it looks there.
		if c, err := s.TryDial(); err != nil {
			s.Note("another client was not let in: %v", err)
			short.refused = true
		} else {
			c.Close()
		}
	}
	if served == len(short.late) && served > 0 && !short.refused {
		for _, c := range short.old { // or did it make room by closing these?
			c.Exchange(s.Payload(100))
		}
		s.Untested(fmt.Sprintf("its descriptor limit does not bind: with no descriptor left it served all of %d clients more, so it holds them by other means", served))
	}
	return waiting
}

// soakTimes is how often a soak takes the descriptors away and gives them back.
const soakTimes = 20

// repeatedly runs a check once, and again and again in a soak: what each time
// leaves behind adds up.
func repeatedly(s *session.Session, check func(*session.Session)) {
	check(s)
	if !s.Soak() {
		return
	}
	for n := 2; n <= soakTimes; n++ {
		s.Forget()
		s.Pause(settle)
		check(s)
	}
	s.Note("%d times out of descriptors and back", soakTimes)
}

// servesWhileOutOfDescriptors takes away all free descriptors while twelve more clients come: those
// that were served before must go on getting replies.
func servesWhileOutOfDescriptors(s *session.Session) {
	short := exhaust(s)
	defer func() { _ = short.restore() }()
	s.Pause(150 * gap)
	short.waiting(s)
	for range 3 {
		for _, c := range short.old {
			c.Exchange(s.Payload(200))
		}
		s.Pause(30 * gap)
	}
}

// acceptPause is how long a server may let its listener alone once descriptors have
// run out: nobody promises how soon it looks again. Most do after a second at the
// latest; xinetd(8) takes ten, or what its file says (cps).
const acceptPause = 32 * time.Second

const (
	// shortageLasts is how long the shortage goes on: who rests longer after each failure, from
	// some milliseconds up to five seconds, has had ten of them by then.
	shortageLasts = 12 * time.Second
	// shortageAsks is how often the old clients ask something meanwhile.
	shortageAsks = 30
)

// goesOn lets the shortage go on. The old clients use their connections: an idle timeout that closed
// them would give descriptors back. Where nobody promised that they are answered meanwhile (ACC-4), who
// is not is forgotten. It is short where a connection does not take so many requests, and in a quick run.
func (short *shortage) goesOn(s *session.Session) {
	if most := s.Dialect.Requests(); s.Quick() || most > 0 && most < 2*shortageAsks {
		return
	}
	page, _ := s.Info.Page()
	_, promised := page.Promises["ACC-4"]
	for began := time.Now(); time.Since(began) < shortageLasts; s.Pause(shortageLasts / shortageAsks) {
		short.old = slices.DeleteFunc(short.old, func(c *session.Conn) bool {
			exchange := func() { c.Exchange(s.Payload(10)) }
			if !promised {
				return s.Trial(exchange) != nil
			}
			exchange()
			return false
		})
	}
}

// acceptsAgain takes away all free descriptors and gives them back: old clients and a new one must
// be served then, and whoever waited must hear something or be ended.
func acceptsAgain(s *session.Session) {
	const all = servedBefore + comeLate + 1 // clients, with a fresh one
	crowded := s.Declared() && s.Room(all) < all
	short := exhaust(s)
	defer func() { _ = short.restore() }()
	s.Pause(150 * gap)
	waiting := short.waiting(s)
	short.goesOn(s)
	if err := short.restore(); err != nil {
		s.Inconclusive("the descriptor limit could not be restored: " + err.Error())
	}
	if crowded { // they would wait for a place, and not for a descriptor
		s.Note("there is room for few clients: those that waited for a descriptor leave")
		closeAll(short.late)
		waiting = nil
	}
	c := dialOnceBack(s).Patience(acceptPause)
	s.Ready(c).Exchange(s.Payload(100))
	c.Close()
	for _, c := range short.old {
		c.Exchange(s.Payload(10))
	}
	for i, c := range waiting {
		c.Patience(handshakePatience)
		if _, end := c.ReadAll(1); end == session.Timeout {
			s.Failf(session.Late, fmt.Sprintf("client %d of those that waited for a descriptor hears nothing, now that there are descriptors", i+1),
				"it is served, or its connection ends", "silence; connection open", "it was taken off the queue and forgotten")
		}
	}
	s.ServesFresh()
}

// dialOnceBack dials a target that may have closed its listener for a while.
func dialOnceBack(s *session.Session) *session.Conn {
	var c *session.Conn
	if _, back := s.Holds(acceptPause, func() bool {
		var err error
		c, err = s.TryDial()
		return err == nil
	}); !back {
		return s.Dial() // and says why not
	}
	return c
}

// idleWhileOutOfDescriptors takes away all free descriptors while twelve more clients come: the
// server must be at rest, and not try to accept for ever.
func idleWhileOutOfDescriptors(s *session.Session) {
	short := exhaust(s)
	defer func() { _ = short.restore() }()
	s.Pause(150 * gap)
	short.waiting(s)
	rests(s, "while the server is out of descriptors")
}
