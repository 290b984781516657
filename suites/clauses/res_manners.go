package clauses

import (
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// roundTime bounds one round of connections that come and go, and fewestComing is
	// how many there are all the same: a server that takes 25 ms for each is through
	// after five seconds.
	roundTime    = 2 * time.Second
	fewestComing = 200
	// fewestOfPart is that of a warm-up, and of connections that ask often.
	fewestOfPart = fewestComing / 8
	// amidMuch is the payload of one in mostAreSmall of those that are reset: more than is
	// taken at a time.
	amidMuch     = 200_000
	mostAreSmall = 20
	// mostAsked is how many requests a server is asked on one connection to find out whether
	// it ends it: Apache does behind a hundred, by default.
	mostAsked = 100
)

// manner is one of the ways in which connections come and go.
type manner struct {
	clause string // which is about their descriptors
	how    string // they ended
	conns  int    // of a round
	stored int64  // bytes of payload that each carries on average
	// leave has the nth connection come and go; payload is its own. Where it is nil the
	// connections stall and leave together, crowd of them at a time.
	leave func(s *session.Session, n int, payload []byte)
	// refused says that the server refuses some of what is asked. It may keep such a
	// client away for a while.
	refused bool
	// limited says that the server ends each connection behind a number of requests. Other
	// servers have no such connections.
	limited bool
}

// manners are gone through in this order, on one instance. There are more than 5,000
// resets, and of all connections some 9,500 where the time for each manner allows it:
// what goes wrong from the 5,000th on is seen then.
var manners = []manner{
	{clause: "RES-1", how: "ended by FIN", conns: 2000, stored: everyLength, leave: func(s *session.Session, n int, payload []byte) {
		c := openNth(s, n)
		c.Exchange(payload)
		endInOrder(c, n)
	}},
	{clause: "RES-1", how: "ended by FIN, a third of them behind a request that is refused", conns: 900, stored: everyLength, leave: leaveRefused, refused: true},
	{clause: "RES-1", how: "ended by the server, behind as many requests as it takes on one", conns: 1500, limited: true, leave: func(s *session.Session, n int, payload []byte) {
		askToTheEnd(openNth(s, n), payload)
	}},
	{clause: "RES-7", how: "ended amid their beginning", conns: 500, stored: everyLength, leave: func(s *session.Session, n int, payload []byte) {
		c := s.Dial()
		switch {
		case n%3 == 0: // nothing is sent
		case s.Dialect.Name() == "probe" && n%3 == 1:
			c.Send([]byte("ECH"))
		default:
			if said := c.Ahead(payload); len(said) > 1 { // a client that has to listen first has said nothing
				c.Send(said[:len(said)/2])
			}
		}
		if n%2 == 0 {
			c.Reset()
		} else {
			c.Close()
		}
	}},
	{clause: "RES-2", how: "were reset", conns: 5200, stored: everyLength + amidMuch/mostAreSmall, leave: func(s *session.Session, n int, payload []byte) {
		c := openNth(s, n)
		switch {
		case n%mostAreSmall == 0:
			_, _ = c.TrySend(c.Dialect().Request(s.Payload(amidMuch)))
		case n%16 == 3: // nothing was said: it may be gone when it is accepted
		case n%16 == 7:
			request := c.Dialect().Request(payload)
			_, _ = c.TrySend(request[:len(request)/2])
		default:
			c.Exchange(payload)
		}
		c.Reset()
	}},
	{clause: "RES-2", how: "were reset or closed with output pending", conns: crowd, stored: pendingBytes}, // each as much as it could
}

// askToTheEnd asks again and again on the connection until the server has ended it, or said
// that it does, or mostAsked were answered, or a slow one has had roundTime; it tells how
// often it asked, and whether that was the end.
func askToTheEnd(c *session.Conn, payload []byte) (asked int, ended bool) {
	for began := time.Now(); asked < mostAsked && !c.Over() && time.Since(began) < roundTime; asked++ {
		if next := c.Further(func(c *session.Conn) { c.Exchange(payload) }); next != c {
			next.Close() // it ended without a word, and may
			return asked, true
		}
	}
	ended = c.Over()
	c.Close()
	return asked, ended
}

// limitsRequests reports whether the server ends each connection behind several requests: as its
// dialect says, or as it does on one connection.
func limitsRequests(s *session.Session) bool {
	if !dialect.Ends(s.Dialect) {
		return s.Dialect.Requests() > 1 && s.Dialect.Requests() <= mostAsked
	}
	asked, ended := askToTheEnd(s.Open(), s.Payload(16))
	return ended && asked > 1
}

// endInOrder closes the nth connection, every other after a half-close.
func endInOrder(c *session.Conn, n int) {
	if n%2 == 0 {
		c.CloseWrite()
	}
	c.Close()
}

// ofRound is how many connections a round has: what grew in the first shows with fewer.
func (m manner) ofRound(s *session.Session, again bool) int {
	const seconds = 1000
	if again {
		return soaked(s, min(m.conns, seconds))
	}
	return soaked(s, m.conns)
}

// long is how long a round takes at most: twice as long where there are many, or each takes long.
func (m manner) long() time.Duration {
	const many = 5000
	if m.conns > many || m.limited {
		return 2 * roundTime
	}
	return roundTime
}

// warmUp is an eighth of a round: what is opened once, or kept for the next ones, is no leak.
func (m manner) warmUp(s *session.Session, from int, payload []byte) int {
	const share = 8
	return m.some(s, from, m.conns/share, fewestOfPart, payload)
}

// round lets up to n connections come and go in that manner, as long as a round takes or
// the fewest have come, and tells how many did. from is how many came before them.
func (m manner) round(s *session.Session, from, n int, payload []byte) int {
	fewest := fewestComing
	if m.limited {
		fewest = fewestOfPart
	}
	return m.some(s, from, n, fewest, payload)
}

func (m manner) some(s *session.Session, from, n, fewest int, payload []byte) int {
	defer s.Forget()
	if m.leave == nil {
		return stallAndLeave(s, n)
	}
	return timed(s, n, fewest, m.long(), func(i int) {
		i += from
		m.leave(s, i, cut(s, payload, i))
	})
}

// cut is a part of payload: for each i another one, of up to everyLength bytes, and of
// half of payload at the most where the dialect has shorter ones.
func cut(s *session.Session, payload []byte, i int) []byte {
	least := s.Dialect.MinPayload()
	n := min(max(1+i%everyLength, least), max(len(payload)/2, least))
	return payload[i%(len(payload)-n+1):][:n]
}

// timed does something n times, churners at a time, or as often as limit allows, but
// fewest times at least; it tells how often.
func timed(s *session.Session, n, fewest int, limit time.Duration, one func(i int)) int {
	if s.Soak() {
		limit *= 10
	}
	began := time.Now()
	var next, done atomic.Int64
	for range s.AtOnce(several(s, churners)) {
		s.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || i >= fewest && time.Since(began) > limit {
					return
				}
				one(i)
				done.Add(1)
			}
		})
	}
	s.Join()
	return int(done.Load())
}

const (
	// crowd is how many clients stall at the same time: one after the other each would
	// cost the tenth of a second after which it counts as stalled.
	crowd = 64
	// fewestOfACrowd is the least crowd that tells anything.
	fewestOfACrowd = 8
	// pendingBytes is what each writes at most. Behind small buffers of the client's own
	// it is more than the server's sockets hold, which is some 4 MiB.
	pendingBytes = 8 << 20
)

// stallAndLeave has up to n clients write and not read, at the same time, and then leave,
// every other by a reset; it tells how many got so far that output was pending. What they
// ask is no more than the server works through in roundTime, at the pace of an exchange:
// where it is slow, they are fewer.
func stallAndLeave(s *session.Session, n int) int {
	clients := letIn(s, several(s, n))
	if len(clients) < min(n, fewestOfACrowd) {
		s.Note("there is room for %d clients only: none left with output pending", len(clients))
		return 0
	}
	asked := 1
	if s.Dialect.Pipelines() && s.Dialect.Requests() != 1 {
		asked = newTalk(s, clients[0], pieceSize).requests(pendingBytes)
		can := int(roundTime / pace(s, clients[0]))
		keep := min(len(clients), max(fewestOfACrowd, can/asked))
		closeAll(clients[keep:])
		clients = clients[:keep]
		asked = max(1, min(asked, can/keep))
	}
	var pending atomic.Int64
	for i, c := range clients {
		s.Go(func() {
			c.SetReadBuffer(32 << 10)
			if socket, ok := c.Raw().(interface{ SetWriteBuffer(int) error }); ok {
				_ = socket.SetWriteBuffer(64 << 10)
			}
			t := newTalk(s, c, pieceSize)
			if _, err := t.push(asked, stallPatience); err == nil { // who cuts it off has nothing pending
				pending.Add(1)
			}
			if i%2 == 0 {
				c.Reset()
			} else {
				c.Close()
			}
		})
	}
	s.Join()
	return int(pending.Load())
}

// pace is how long the server takes for a large exchange, at its best. It is asked on a
// connection that is there: a pool may have no place for another.
func pace(s *session.Session, c *session.Conn) time.Duration {
	const tries = 5
	payload, best := s.Payload(pieceSize), roundTime
	for range tries {
		if c.Over() {
			return best
		}
		began := time.Now()
		c.Exchange(payload)
		best = min(best, time.Since(began))
	}
	return best
}

// letIn lets clients in one after the other until there are n, or one is not served: a
// pool of workers has no more.
func letIn(s *session.Session, n int) (clients []*session.Conn) {
	for range n {
		var c *session.Conn
		refused := s.Trial(func() {
			var err error
			if c, err = s.TryDial(); err != nil {
				c = nil
				return
			}
			if s.Ready(c); s.Dialect.Requests() != 1 {
				c.Exchange(s.Payload(16))
			}
		})
		switch {
		case refused != nil && c != nil:
			c.Close()
			return clients
		case refused != nil || c == nil:
			return clients
		}
		if c.Over() {
			c = c.Next()
		}
		clients = append(clients, c)
	}
	return clients
}

// spread runs n connections through one, churners at a time; each gets its number.
func spread(s *session.Session, n int, one func(i int)) {
	workers := s.AtOnce(several(s, churners))
	for w := range workers {
		s.Go(func() {
			for i := w; i < n; i += workers {
				one(i)
			}
		})
	}
	s.Join()
}
