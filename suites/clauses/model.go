package clauses

import (
	"fmt"

	"github.com/reactorspec/reactorspec/suites/session"
)

var model = []session.Check{
	{Clause: "MODEL-1", Run: oneAtATime},
	{Clause: "MODEL-2", Run: waitersAreServed},
	{Clause: "MODEL-3", Run: severalAtATime},
	{Clause: "MODEL-4", Run: threadOfItsOwn},
	{Clause: "MODEL-5", Run: oneLoopOneThread},
	{Clause: "MODEL-6", Run: eachLoopItsThread},
	{Clause: "MODEL-7", Study: true, Run: childrenAreCollected},
	{Clause: "MODEL-8", Study: true, Needs: session.Words, Run: stalledKeepNobody},
}

// ask sends a connection's opening and a request, and reads nothing.
func ask(s *session.Session, payload []byte) *session.Conn {
	c := s.Dial()
	c.Ask(payload)
	return c
}

// oneAtATime has a second client ask while the first is served: it must hear nothing until the
// first has left, and be answered then.
func oneAtATime(s *session.Session) {
	first := opened(s, 1)[0]
	said := s.Payload(100)
	request := first.Dialect().Request(said)
	begun := 0
	if s.Dialect.Requests() == 1 { // who has said nothing yet may not have been taken up (TCP_DEFER_ACCEPT)
		begun = (len(request) + 1) / 2
		first.Send(request[:begun])
	}
	payload := s.Payload(50)
	second := ask(s, payload)
	second.Quiet(s.Silence())
	first.Send(request[begun:])
	first.Reply(said)
	first.Close()
	second.Answered(payload)
}

// waitersAreServed has three clients ask and wait behind a first one, and ends each connection in
// another way: the next in line must be answered each time.
func waitersAreServed(s *session.Session) {
	first := opened(s, 1)[0]
	var waiting []*session.Conn
	var payloads [][]byte
	for range 3 {
		payload := s.Payload(3000)
		payloads = append(payloads, payload)
		waiting = append(waiting, ask(s, payload))
	}
	leave := []func(*session.Conn){(*session.Conn).CloseWrite, (*session.Conn).Close, (*session.Conn).Reset}
	before := first
	for i, c := range waiting {
		leave[i](before)
		c.Answered(payloads[i])
		if !c.Over() {
			c.Exchange(s.Payload(10))
		}
		before = c
	}
}

// severalAtATime opens up to eight connections and has an exchange on each, in random order, four
// times: each must be answered while the others stay open.
func severalAtATime(s *session.Session) {
	conns := make([]*session.Conn, several(s, 8))
	if len(conns) < 2 {
		s.Untested("there is room for a single client")
	}
	for i := range conns {
		conns[i] = s.Open()
	}
	for range 4 {
		for i, c := range conns {
			conns[i] = c.Next()
		}
		for _, i := range s.Rand.Perm(len(conns)) {
			conns[i].Exchange(s.Payload(100))
		}
	}
}

// occupy opens a connection that is being served and stays so: one that was
// answered, or is amid its only request.
func occupy(s *session.Session) *session.Conn {
	c := s.Open()
	if s.Dialect.Requests() != 1 {
		c.Exchange(s.Payload(10))
		return c
	}
	request := c.Dialect().Request(s.Payload(10))
	c.Send(request[:len(request)/2])
	return c
}

// threadOfItsOwn opens connections, twenty at a time: after 420 of them at the latest, twenty more
// must bring some twenty threads more.
func threadOfItsOwn(s *session.Session) {
	// A pool made beforehand is used up by then, or cannot be told from threads that connections share.
	const each, pool = 20, 400
	threads := func() int { return len(observed(s, "the threads", s.Tree().Threads)) }
	s.ServesFresh()
	first := settled(s, threads)
	room := each + pool
	if s.Declared() {
		room = s.Room(room)
	}
	grown := 0
	for opened := 0; opened < each+pool; opened += each {
		if opened+each > room {
			s.Untested(fmt.Sprintf("its threads do not grow with %d connections, and it says that it has room for few more (max_clients): they may all be made beforehand", opened))
		}
		before := threads()
		busy := make([]*session.Conn, each)
		for i := range each {
			refused := s.Trial(func() { busy[i] = occupy(s) })
			if refused != nil && opened == 0 {
				s.Fail(refused)
			}
			if refused != nil { // it has no thread left for this one
				s.Untested(fmt.Sprintf("its threads do not grow with %d connections, and more are not served (%s): they may all be made beforehand", opened+i, refused.Reason))
			}
		}
		enough := func() bool { grown = threads() - before; return grown >= each-2 } // a thread or two may be left over from before
		if enough() {
			return
		}
		if _, held := s.Holds(settle, enough); held { // what was not answered may not have been taken up yet
			return
		}
		for i, c := range busy {
			there := func() bool { return s.Target.Network() == "unix" || openAt(s, c) }
			if _, open := s.Holds(s.Await(), there); !open { // the last ones may have to be accepted yet
				s.Untested(fmt.Sprintf("the server ended connection %d of %d that had been answered, so they are not there at the same time", opened+i+1, opened+each))
			}
		}
	}
	if all := threads(); all >= each+pool {
		s.Untested(fmt.Sprintf("its threads do not grow with %d connections, and there are %d: they may all be made beforehand", each+pool, all))
	}
	if refused := s.Trial(s.ServesFresh); refused != nil {
		s.Untested(fmt.Sprintf("its threads do not grow with %d connections, and no other is served beside them (%s): they may all be made beforehand", each+pool, refused.Reason))
	}
	s.Failf(session.Wrong, fmt.Sprintf("the last %d connections came with %d threads", each, grown),
		"one more thread for each connection", fmt.Sprintf("%d threads with %d connections, %d before", threads(), each+pool, first), "connections share threads: this is no thread-per-connection server")
}

// oneLoopOneThread asks 40 conversations by WHERE: all of them must name loop 0 and the same thread.
func oneLoopOneThread(s *session.Session) {
	var home int64
	for i := range 40 {
		loop, tid := where(s.Probe())
		if i == 0 {
			home = tid
		}
		if tid != home || loop != 0 {
			s.Failf(session.Wrong, "a reactor serves its connections by several threads", fmt.Sprintf("loop=0 tid=%d for all", home),
				fmt.Sprintf("loop=%d tid=%d for connection %d", loop, tid, i+1), "")
		}
	}
}

// eachLoopItsThread asks 64 conversations by WHERE: a loop must name the same thread each time, and
// no two loops may share one.
func eachLoopItsThread(s *session.Session) {
	threadOf, loopOf := map[int64]int64{}, map[int64]int64{}
	for range 64 {
		loop, tid := where(s.Probe())
		if known, seen := threadOf[loop]; seen && known != tid {
			s.Failf(session.Wrong, fmt.Sprintf("loop %d runs on several threads", loop), fmt.Sprintf("tid=%d", known), fmt.Sprintf("tid=%d", tid), "")
		}
		if known, seen := loopOf[tid]; seen && known != loop {
			s.Failf(session.Wrong, "two loops run on one thread", fmt.Sprintf("tid=%d for loop %d only", tid, known), fmt.Sprintf("also for loop %d", loop), "")
		}
		threadOf[loop], loopOf[tid] = tid, loop
	}
}
