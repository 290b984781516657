package clauses

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// roundTime bounds one round of connections that come and go, and fewestComing is
	// how many there are all the same: a server that takes 25 ms for each is through
	// after five seconds.
	roundTime    = 2 * time.Second
	fewestComing = 200
	// reapWithin is how long a server may keep what ended before it gives it up: some
	// sweep every few seconds, or let a close linger.
	reapWithin = 10 * time.Second
	// spareFDs is what a server may hold more than before: a log, a pool, a
	// descriptor that a runtime opened late. Of descriptors that are no sockets
	// there may be one more in spareShare connections: a runtime's pools grow
	// with the connections that it happened to serve at a time.
	spareFDs   = 8
	spareShare = 50
	// spareThreads is how many threads more there may be: a runtime parks those that it
	// once needed, some for each core.
	spareThreads = 100
	// amidMuch is the payload of one in mostAreSmall of those that are reset: more than is
	// taken at a time.
	amidMuch     = 200_000
	mostAreSmall = 20
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
}

// manners are gone through in this order, on one instance. There are more than 5,000
// resets, and of all connections some 8,500 where the time for each manner allows it:
// what goes wrong from the 5,000th on is seen then.
var manners = []manner{
	{"RES-1", "ended by FIN", 2000, everyLength, func(s *session.Session, n int, payload []byte) {
		c := openNth(s, n)
		c.Exchange(payload)
		if n%2 == 0 {
			c.CloseWrite()
		}
		c.Close()
	}},
	{"RES-7", "ended amid their beginning", 500, everyLength, func(s *session.Session, n int, payload []byte) {
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
	{"RES-2", "were reset", 5200, everyLength + amidMuch/mostAreSmall, func(s *session.Session, n int, payload []byte) {
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
	{"RES-2", "were reset or closed with output pending", crowd, pieceSize, nil},
}

// churned is what one run of connections that come and go, in every manner, has shown.
type churned struct {
	finder   *session.Session
	came     int                         // connections that came and went
	done     int                         // manners that were gone through
	broken   map[string]*session.Failure // by clause: what is not given back
	growing  []int                       // manners in which the memory grew in each round
	unserved *session.Failure            // what kept it from its end; nil: every reply was as it should be
	died     bool                        // that was the end of the server's process
	notes    []string
}

// comings has connections come and go in every manner on one instance, once in a run, and
// tells what that showed: several clauses are told by it.
func comings(s *session.Session) *churned {
	found := session.Found(s, "comings", func() *churned {
		found := &churned{finder: s, broken: map[string]*session.Failure{}}
		found.unserved = s.Trial(func() {
			for i := range manners {
				found.goThrough(s, i)
				found.done++
			}
		})
		found.died = found.unserved != nil && s.Target.Alive() != nil
		return found
	})
	for _, note := range found.notes {
		s.Note("%s", note)
	}
	return found
}

// needs ends the check unless the manners that its clause is about, as about says, were
// gone through: what kept them from it is RES-10's. The server's end is blamed on whatever
// brought it about.
func (c *churned) needs(s *session.Session, about func(m manner) bool) {
	if c.unserved == nil {
		return
	}
	for i, m := range manners[c.done:] {
		if !about(m) {
			continue
		}
		if i == 0 && c.died {
			s.Fail(c.unserved)
		}
		s.Untested(fmt.Sprintf("a step before it failed, connections that %s: %s (RES-10 judges that)", manners[c.done].how, c.unserved.Reason))
	}
}

// held are things of the server's that grow with the connections that it has not let go.
type held struct {
	clause, name, why string
	count             func() (int, error)
	spare             func(came int) int
	within            time.Duration
	before, after     int
	grew              bool // in the round before
}

// holdings are what can be seen of the server's: nothing where nobody knows its pid.
func holdings(s *session.Session, clause string) (list []*held) {
	tree := s.Target.Tree()
	if tree == nil {
		return nil
	}
	all := []*held{
		{clause: clause, name: "sockets", why: "a path on which a connection ends does not close its descriptor", count: tree.SocketFDs,
			spare: func(int) int { return spareFDs }, within: reapWithin},
		{clause: clause, name: "descriptors", why: "a path on which a connection ends does not close its descriptor", count: tree.FDs,
			spare: func(came int) int { return spareFDs + came/spareShare }, within: reapWithin},
		{clause: "RES-8", name: "threads", why: "a connection's thread is parked when it ends, and never used again", count: func() (int, error) {
			threads, err := tree.Threads()
			return len(threads), err
		}, spare: func(int) int { return spareThreads }, within: 2 * s.Await()},
	}
	for _, h := range all {
		var err error
		if h.before, err = h.count(); err == nil { // else whoever needs it finds out why
			list = append(list, h)
		}
	}
	return list
}

// goThrough lets connections come and go in one manner: after a warm-up a round, and
// where something grew with them a second, so that a pool which fills up once, or a
// cache that a runtime empties now and then, is no loss.
func (c *churned) goThrough(s *session.Session, which int) {
	m := manners[which]
	payload := s.Payload(2 * everyLength)
	c.came += m.warmUp(s, c.came, payload)
	s.ServesFresh()
	s.Pause(settle)
	list := holdings(s, m.clause)
	before, seen := memorySeen(s)
	for again := false; ; again = true {
		came := 0
		if broken := s.Trial(func() {
			came = m.round(s, c.came, m.ofRound(s, again), payload)
			s.ServesFresh()
		}); broken != nil {
			c.heldBack(s, list, m)
			s.Fail(broken)
		}
		c.came += came
		more := keptMore(s, list, came, m.how, c.broken)
		if seen {
			after := memory(s)
			c.notes = append(c.notes, m.told(s, came, before, after))
			if after-before > m.allowed(s, came) && len(c.growing) == 0 { // one manner that grows is enough to go on with
				more = true
				if again {
					c.growing = append(c.growing, which)
				}
			}
			before = after
		}
		if again || !more {
			return
		}
	}
}

// keptMore looks, behind a round of connections, whether the server holds more than
// before of anything in the list. What grew in the round before as well is broken.
func keptMore(s *session.Session, list []*held, came int, how string, broken map[string]*session.Failure) (more bool) {
	for _, h := range list {
		grew := h.grown(s, came, more)                 // what is awaited beside sockets that did not go has had its time
		if broken[h.clause] == nil && grew && h.grew { // the first in the list says it most closely
			broken[h.clause] = h.failure(came, how+", for the second time")
		}
		h.before, h.grew, more = h.after, grew, more || grew
	}
	return more
}

// ofRound is how many connections a round has: what grew in the first shows with fewer.
func (m manner) ofRound(s *session.Session, again bool) int {
	const seconds = 1000
	if again {
		return soaked(s, min(m.conns, seconds))
	}
	return soaked(s, m.conns)
}

// long is how long a round takes at most: twice as long where there are many.
func (m manner) long() time.Duration {
	const many = 5000
	if m.conns > many {
		return 2 * roundTime
	}
	return roundTime
}

// heldBack looks, where nobody is served any more amid a manner, whether that is for the
// descriptors which it did not give back: most of those that its connections took.
func (c *churned) heldBack(s *session.Session, list []*held, m manner) {
	if s.Target.Alive() != nil {
		return
	}
	const most = 200
	for _, h := range list {
		if h.clause == m.clause && h.grown(s, m.conns, false) && h.after-h.before > most {
			c.broken[h.clause] = h.failure(m.conns, m.how+", and nobody is served any more")
		}
	}
}

// grown reports whether there are more of them than before, and to spare, for as long as
// a server may take to let go: those of connections that the server itself saw end go at
// once, those of a lingering close may take its timeout, and those of connections that
// failed wait for a sweep. waited says that others of them have had that time already.
func (h *held) grown(s *session.Session, came int, waited bool) bool {
	within := h.within
	if waited {
		within = 0
	}
	_, gone := s.Holds(within, func() bool {
		h.after = observed(s, "the "+h.name, h.count)
		return h.after <= h.before+h.spare(came)
	})
	return !gone
}

func (h *held) failure(came int, how string) *session.Failure {
	reason := fmt.Sprintf("%d %s are still open after %d connections %s", h.after-h.before, h.name, came, how)
	if h.clause == "RES-8" {
		reason = fmt.Sprintf("%d threads more are there after %d connections that %s", h.after-h.before, came, how)
	}
	return &session.Failure{Kind: session.Wrong, Reason: reason, Want: fmt.Sprintf("%d as before, and %d to spare", h.before, h.spare(came)), Got: fmt.Sprint(h.after), Why: h.why}
}

// warmUp is an eighth of a round: what is opened once, or kept for the next ones, is no leak.
func (m manner) warmUp(s *session.Session, from int, payload []byte) int {
	const share = 8
	return m.some(s, from, m.conns/share, fewestComing/share, payload)
}

// round lets up to n connections come and go in that manner, as long as a round takes or
// fewestComing have come, and tells how many did. from is how many came before them.
func (m manner) round(s *session.Session, from, n int, payload []byte) int {
	return m.some(s, from, n, fewestComing, payload)
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

func givenBack(s *session.Session) {
	areDescriptors(s)
	found := comings(s)
	if broken := found.broken[s.Spec.ID]; broken != nil {
		s.Fail(broken)
	}
	found.needs(s, func(m manner) bool { return m.clause == s.Spec.ID })
}

// areDescriptors ends the check where the server's connections are no descriptors of its
// processes, as those of a ring's own table are (io_uring_register(2)): none can be missed.
func areDescriptors(s *session.Session) {
	sockets := func() int { return observed(s, "the descriptors", s.Tree().SocketFDs) }
	before := sockets()
	if serial(s) || s.Dialect.Requests() == 1 {
		return // a single one may take the place of one that has just gone; one that is over is none
	}
	const few = 4
	conns := opened(s, few)
	_, seen := s.Holds(s.Await(), func() bool { return sockets() > before })
	closeAll(conns)
	if !seen && len(conns) == few {
		s.Untested(noDescriptors(few, sockets()-before))
	}
}

func noDescriptors(conns, more int) string {
	return fmt.Sprintf("its connections are no descriptors: with %d of them open its processes have %d sockets more, so nothing shows which end (io_uring has a table of its own)", conns, max(more, 0))
}

func threadsAfterChurn(s *session.Session) {
	observed(s, "the threads", s.Tree().Threads)
	found := comings(s)
	if broken := found.broken[s.Spec.ID]; broken != nil {
		s.Fail(broken)
	}
	found.needs(s, func(manner) bool { return true })
}

// servedLikeTheFirst looks at the replies of the churn. What went wrong there, by another
// check's connections, is tried again on this one's own, which are the evidence then.
func servedLikeTheFirst(s *session.Session) {
	found := comings(s)
	if found.unserved == nil {
		s.Note("%d connections came and went", found.came)
		return
	}
	if found.finder == s {
		s.Fail(found.unserved)
	}
	again := churned{finder: s, broken: map[string]*session.Failure{}}
	for i := range manners {
		again.goThrough(s, i)
	}
	if found.unserved.Kind == session.Wrong {
		s.Fail(found.unserved)
	}
}
