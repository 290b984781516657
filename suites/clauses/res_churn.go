package clauses

import (
	"fmt"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
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
)

// churned is what one run of connections that come and go, in every manner, has shown.
type churned struct {
	finder   *session.Session
	pid      int                         // of the server, 0 if unknown
	first    int64                       // its memory before the first of them, in bytes; 0 if it was not seen
	came     int                         // connections that came and went
	done     int                         // manners that were gone through
	broken   map[string]*session.Failure // by clause: what is not given back
	growing  *manner                     // in which the memory grew in each round; one is enough to go on with
	kept     *session.Failure            // what RES-3 saw as the finder, with more of that manner
	unserved *session.Failure            // what kept it from its end; nil: every reply was as it should be
	died     bool                        // that was the end of the server's process
	crowd    string                      // threads of the server's that kept it from its end; often ""
	notes    []string
}

// comings has connections come and go in every manner on one instance, once in a run, and
// tells what that showed: several clauses are told by it.
func comings(s *session.Session) *churned {
	found := session.Found(s, "comings", func() *churned { return goneThrough(s) })
	found.tell(s)
	return found
}

// tell notes what it showed in the evidence.
func (c *churned) tell(s *session.Session) {
	for _, note := range c.notes {
		s.Note("%s", note)
	}
}

// goneThrough has connections come and go in every manner.
func goneThrough(s *session.Session) *churned {
	c := &churned{finder: s, pid: s.Target.Pid(), broken: map[string]*session.Failure{}}
	c.first, _ = memorySeen(s)
	c.unserved = s.Trial(func() { c.goThroughAll(s) })
	c.died = c.unserved != nil && s.Target.Alive() != nil
	return c
}

// goThroughAll goes through the manners in their order, as far as the dialect has words
// for them, until the server crowds the machine.
func (c *churned) goThroughAll(s *session.Session) {
	for i, m := range manners {
		switch {
		case m.limited:
			if limitsRequests(s) {
				c.goThrough(s, i)
			}
		case !m.refused:
			c.goThrough(s, i)
		case dialect.Unknown(s.Dialect, 0) != nil:
			if note := outlasting(s, func() { c.goThrough(s, i) }); note != "" {
				c.notes = append(c.notes, note)
			}
		}
		if c.crowd != "" {
			return
		}
		c.done++
	}
}

// needs ends the check unless the manners that its clause is about, as about says, were
// gone through: what kept them from it is RES-10's. The server's end is blamed on whatever
// brought it about.
func (c *churned) needs(s *session.Session, about func(m manner) bool) {
	if c.unserved == nil && c.crowd == "" {
		return
	}
	for i, m := range manners[c.done:] {
		if !about(m) {
			continue
		}
		if c.crowd != "" {
			s.Untested(fmt.Sprintf("after connections that %s: %s (LOOP-1 to LOOP-6 judge that)", manners[c.done].how, c.crowd))
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
	if c.crowd = crowds(s); c.crowd != "" {
		return
	}
	s.ServesFresh()
	s.Pause(settle)
	list := holdings(s, m.clause)
	before, seen := memorySeen(s)
	for again := false; ; again = true {
		came := 0
		if broken := s.Trial(func() {
			came = m.round(s, c.came, m.ofRound(s, again), payload)
			if c.crowd = crowds(s); c.crowd == "" {
				s.ServesFresh()
			}
		}); broken != nil {
			c.heldBack(s, list, m)
			s.Fail(broken)
		}
		if c.came += came; c.crowd != "" {
			return
		}
		more := keptMore(s, list, came, m.how, c.broken)
		if seen {
			after := memory(s)
			c.notes = append(c.notes, m.told(s, came, before, after))
			if after-before > m.allowed(s, came) && c.growing == nil {
				more = true
				if again {
					c.grows(s, m, payload)
				}
			}
			before = after
		}
		if again || !more {
			return
		}
	}
}

// grows takes a manner in which the memory grew twice for one that may leak. RES-3 has more of
// its connections come at once: later manners may make a heap so large that nothing shows in it.
// Where the target declares how large that gets, nothing is known before the end.
func (c *churned) grows(s *session.Session, m manner, payload []byte) {
	if c.finder.Spec.ID == memoryClause && s.Info.Memory == 0 {
		came, leak := growsOn(s, m, c.came, payload)
		if c.came += came; leak == nil {
			return
		}
		c.kept = leak
	}
	c.growing = &m
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

// givenBack lets thousands of connections come and go in the manners of its clause: of sockets and
// descriptors only a few more than before may be left.
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

// threadsAfterChurn lets thousands of connections come and go in every manner: no more than 100
// threads more than before may be left.
func threadsAfterChurn(s *session.Session) {
	observed(s, "the threads", s.Tree().Threads)
	found := comings(s)
	if broken := found.broken[s.Spec.ID]; broken != nil {
		s.Fail(broken)
	}
	found.needs(s, func(manner) bool { return true })
}

// servedLikeTheFirst lets thousands of connections come and go in every manner: each must be
// served, the last like the first.
func servedLikeTheFirst(s *session.Session) {
	found := comings(s)
	if found.crowd != "" {
		found.needs(s, func(manner) bool { return true })
	}
	if found.unserved == nil {
		s.Note("%d connections came and went", found.came)
		return
	}
	if found.finder == s {
		s.Fail(found.unserved)
	}
	// What went wrong on another check's connections is tried again on this one's own, which are the
	// evidence then.
	again := churned{finder: s, broken: map[string]*session.Failure{}}
	again.goThroughAll(s)
	if found.unserved.Kind == session.Wrong {
		s.Fail(found.unserved)
	}
}
