package clauses

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

// abuses are the moments at which a client resets its connection.
var abuses = []struct {
	name string
	do   func(s *session.Session, c *session.Conn, random *rand.Rand) // on a connection that is dialled only
}{
	{"at once after connect", func(*session.Session, *session.Conn, *rand.Rand) {}},
	{"inside its opening or first request", func(s *session.Session, c *session.Conn, _ *rand.Rand) {
		if start := c.Ahead(s.Payload(8)); len(start) > 0 {
			c.Send(start[:min(2, len(start))])
		}
	}},
	{"when it is ready", func(s *session.Session, c *session.Conn, _ *rand.Rand) { s.Ready(c) }},
	{"inside a request", func(s *session.Session, c *session.Conn, random *rand.Rand) {
		request := c.Dialect().Request(s.Payload(3000))
		s.Ready(c).Send(request[:min(len(request), 1+random.IntN(max(1, len(request)-1)))])
	}},
	{"right behind a request", func(s *session.Session, c *session.Conn, _ *rand.Rand) { s.Ready(c).Request(s.Payload(50000)) }},
	{"between exchanges", func(s *session.Session, c *session.Conn, _ *rand.Rand) { s.Ready(c).Exchange(s.Payload(500)) }},
	{"with a reply half read", func(s *session.Session, c *session.Conn, _ *rand.Rand) {
		s.Ready(c).Request(s.Payload(50000))
		if !dialect.Wordless(c.Dialect()) {
			c.Read(1) // of a constant dialect's reply there may be no more than two
		}
	}},
	{"behind its FIN", func(s *session.Session, c *session.Conn, _ *rand.Rand) {
		s.Ready(c).Request(s.Payload(50000))
		c.CloseWrite()
	}},
}

// resetsAtEveryStage resets eleven connections at each stage of an exchange, and some with output
// pending: after each stage a fresh client must be served, and an old one at the end.
func resetsAtEveryStage(s *session.Session) {
	each := replySize(s, pieceSize)
	var old *session.Conn
	if !serial(s) {
		old = opened(s, 1)[0]
	}
	for _, abuse := range abuses {
		for range 11 {
			c := s.Dial()
			abuse.do(s, c, s.Rand)
			c.Reset()
		}
		s.Note("11 connections reset %s", abuse.name)
		s.ServesFresh()
	}
	talks := stalledReaders(s, several(s, 4), beyondBuffers)
	for i, t := range talks { // with megabytes of output pending, stalled and flowing
		if i%2 == 1 {
			_, _ = t.c.ReadAll(1 << 20)
		}
		t.c.Reset()
	}
	s.ServesFresh()
	if old != nil {
		old.Next().Exchange(s.Payload(100))
	}
	unlessOwed(s, talks, each)
}

// resetGivesDescriptorBack resets idle connections and such whose output waits: within ten seconds
// all of their sockets but two must be closed.
func resetGivesDescriptorBack(s *session.Session) {
	// The very sockets that were reset are looked for, by inode: a proxy may keep the other leg of a
	// connection, and a runtime the pipes of its splices. Of unix sockets nobody tells whose they are;
	// they are counted.
	var reset map[uint64]bool // the server's ends
	var before, n int
	held := func() map[uint64]bool { return observed(s, "the descriptors", s.Tree().HeldSockets) }
	left := func() (open int) {
		if len(reset) == 0 {
			return len(held()) - before
		}
		for inode := range held() {
			if reset[inode] {
				open++
			}
		}
		return open
	}
	const spare = 2
	each := replySize(s, pieceSize)
	var talks []*talk
	for again := false; ; again = true {
		var conns []*session.Conn
		s.Step("20 idle connections beside 10 whose output is not read", func() {
			s.ServesFresh()
			before = settled(s, func() int { return len(held()) })
			talks, conns = withOutputDue(s)
			reset = serverEnds(s, conns)
			if more := len(held()) - before; len(reset) == 0 && more < len(conns)/2 {
				s.Untested(noDescriptors(len(conns), more))
			}
		})
		for _, c := range conns {
			c.Reset()
		}
		n = len(conns)
		now := 0
		if _, gone := s.Holds(reapWithin, func() bool { now = left(); return now <= spare }); gone {
			unlessOwed(s, talks, each)
			return
		}
		if again { // it lost as many twice: no pool that was filling up
			s.Failf(session.Late, fmt.Sprintf("%d sockets are still open %s after %d connections were reset, for the second time", now, reapWithin, n),
				fmt.Sprintf("at most %d of them", spare), fmt.Sprintf("%d", now),
				"a connection that only waits to write, or whose reading is paused, does not look at its hang-up")
		}
	}
}

// withOutputDue opens connections whose output waits and some whose reading is paused
// too, and idle ones.
func withOutputDue(s *session.Session) (talks []*talk, conns []*session.Conn) {
	talks = append(stalledReaders(s, 8, beyondBuffers), stalledReaders(s, 2, beyondLimit(s))...)
	for _, t := range talks {
		conns = append(conns, t.c)
	}
	return talks, append(conns, opened(s, 20)...)
}

// serverEnds are the inodes of the server's sockets of these connections; none where
// they are unix sockets.
func serverEnds(s *session.Session, conns []*session.Conn) map[uint64]bool {
	ours := map[string]bool{}
	for _, c := range conns {
		ours[c.Local().String()] = true
	}
	ends := map[uint64]bool{}
	for _, socket := range observed(s, "the sockets", s.Tree().Sockets) {
		if socket.Network != "unix" && ours[socket.Remote] {
			ends[socket.Inode] = true
		}
	}
	return ends
}

// settled reads a count until it stays the same for a while, so that what
// earlier connections leave behind is gone.
func settled(s *session.Session, count func() int) int {
	last, since := count(), time.Now()
	s.Holds(s.Budget.Await, func() bool {
		if now := count(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) >= 50*time.Millisecond
	})
	return last
}

// tagged returns a payload that begins with a connection's own tag.
func tagged(s *session.Session, tag, n int) []byte {
	payload := s.Payload(n)
	copy(payload, fmt.Sprintf("conn-%05d ", tag))
	return payload
}

// noCrossTalk has up to 64 connections exchange payloads with a tag of their own at the same time:
// each must get back its own bytes.
func noCrossTalk(s *session.Session) {
	const exchanges = 15
	conns := opened(s, 64)
	if len(conns) < 2 {
		s.Untested("it has room for one client at a time: there is no other that its bytes could reach")
	}
	for i, c := range conns {
		random := rand.New(rand.NewPCG(uint64(i), s.Rand.Uint64()))
		s.Go(func() {
			for range exchanges {
				c = c.Next()
				c.Exchange(tagged(s, i, 20+random.IntN(8000)))
			}
		})
	}
	s.Join()
}

// churn closes connections in every manner while others take their descriptors: each reply must go
// to whoever asked, and a fresh client be served at the end.
func churn(s *session.Session) {
	const rounds = 100
	for i := range s.AtOnce(several(s, 6)) {
		random := rand.New(rand.NewPCG(uint64(i), s.Rand.Uint64()))
		s.Go(func() {
			for round := range rounds {
				c := s.Dial()
				if random.IntN(4) == 0 {
					abuses[random.IntN(len(abuses))].do(s, c, random)
					c.Reset()
					continue
				}
				s.Ready(c)
				for range random.IntN(3) + 1 {
					c = c.Next()
					c.Exchange(tagged(s, i*rounds+round, 20+random.IntN(3000)))
				}
				switch random.IntN(3) {
				case 0:
					c.Reset()
				case 1:
					c.CloseWrite()
					c.Close()
				default:
					c.Close()
				}
			}
		})
	}
	s.Join()
	s.ServesFresh()
}
