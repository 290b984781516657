package clauses

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

var acc = []session.Check{
	{Clause: "ACC-1", Run: burstsAreServed},
	{Clause: "ACC-2", Run: silentClientsDelayNobody},
	{Clause: "ACC-3", Run: abortedInTheQueue},
	// Runs servesWhileOutOfDescriptors, and in a soak 20 times: the old clients must be served in each shortage.
	{Clause: "ACC-4", Own: true, Run: func(s *session.Session) { repeatedly(s, servesWhileOutOfDescriptors) }},
	// Runs acceptsAgain, and in a soak 20 times: new clients must be served after each shortage.
	{Clause: "ACC-5", Own: true, Long: true, Run: func(s *session.Session) { repeatedly(s, acceptsAgain) }},
	{Clause: "ACC-6", Own: true, Run: idleWhileOutOfDescriptors},
	{Clause: "ACC-7", Run: spreadOverLoops},
	{Clause: "ACC-8", Run: closeOnExec},
	{Clause: "ACC-9", Own: true, Run: samePortAgain},
	{Clause: "ACC-10", Own: true, Long: true, Run: burstsBeyondTheQueue},
}

// handshakePatience is what a client gets that may have to be let in anew: the
// kernel repeats what was lost in a full queue after one and three seconds.
const handshakePatience = 6 * time.Second

const (
	// burstClients is how many clients begin at the same moment, where the target has
	// room for them and its queue too; burstTimes is how many times they do, and what
	// comes in smaller bursts comes in more of them, for burstsTime at the most.
	burstClients = 300
	burstTimes   = 3
	burstsTime   = 12 * time.Second
)

// burstsAreServed has up to 300 clients connect and ask at the same moment, again and again: each
// must get its reply, however long the burst takes.
func burstsAreServed(s *session.Session) {
	room := s.Room(burstClients)
	clients := s.AtOnce(room)
	if clients < 2 {
		s.Untested("it has room for one client at a time, or its queue has: two are no burst")
	}
	watch, came := s.Clock(), 0
	for n := 0; n == 0 || (n < burstTimes || came < burstTimes*room) && watch.Wall() < burstsTime; n++ {
		conns := make([]*session.Conn, clients)
		start := make(chan struct{})
		var served atomic.Int32
		for i := range conns {
			s.Go(func() {
				<-start
				c := s.Ready(s.DialAtOnce())
				conns[i] = c
				payload := s.Payload(20)
				c.Request(payload)
				awaitTurn(c, &served)
				c.Reply(payload)
				served.Add(1)
			})
		}
		close(start)
		s.Join()
		came += clients
		leave(s, conns)
	}
	s.Note("%d clients came, %d at the same moment", came, clients)
}

// awaitTurn waits until the reply on c begins, for as long as other clients are being
// served: a server that takes a burst of 300 one after the other is slow, and slow is
// not broken. (Puma's threads stay with each client for 0.2 s before they turn to the
// next.) Reading the reply then says what is wrong, if nobody is served any more. Where
// nothing is said, no reply begins.
func awaitTurn(c *session.Conn, served *atomic.Int32) {
	for !dialect.Wordless(c.Dialect()) {
		before := served.Load()
		_, err := c.Input().Peek(1)
		if err == nil || c.Ended(err) != session.Timeout || served.Load() == before {
			return
		}
	}
}

// leave closes connections of which none is needed any more. A target whose room is
// declared is seen to have closed them too, before others come in their place.
func leave(s *session.Session, conns []*session.Conn) {
	if s.Declared() {
		for _, c := range conns {
			c.CloseWrite()
		}
		for _, c := range conns {
			if _, end := c.ReadAll(1); end == session.Timeout {
				break // it does not end a half-closed connection: it will see the close
			}
		}
	}
	closeAll(conns)
}

// burstsBeyondTheQueue suspends the server, connects clients until the kernel lets nobody in, and lets it go
// on: those it must hold are served, others may be ended but not left in silence, and fresh ones are served.
func burstsBeyondTheQueue(s *session.Session) {
	const most = 5000 // somaxconn is 4,096 on today's systems
	room := s.Descriptors(most)
	payload := s.Payload(32)
	// What a server must hold at a time (RES-5) it must serve of a burst; who comes
	// beyond, or beyond the room that it declares, may be let go, and so may whoever
	// waits while idle clients are.
	patient, held := !offers(s, "idle-timeout"), atOnce
	if s.Declared() {
		held = min(held, s.Room(atOnce))
	}
	owed := func(n int) bool { return n <= held && patient }
	var queued []*session.Conn
	full := false
	stopped(s, func() {
		for len(queued) < room && !full {
			c, err := s.TryDial()
			if full = err != nil; full {
				continue
			}
			c.Patience(handshakePatience)
			if queued = append(queued, c); !owed(len(queued)) { // it must not seem idle until its turn comes
				_ = c.TryAsk(payload)
			}
		}
	})
	s.Note("%d clients connected while the server was stopped; its queue ran over: %t", len(queued), full)
	takesFromItsQueue(s)
	for i, c := range queued { // in the order of the queue; whoever was served makes room
		if owed(i + 1) {
			s.Ready(c).Exchange(payload)
		} else if _, end := c.ReadAll(1); end == session.Timeout {
			s.Failf(session.Late, fmt.Sprintf("client %d of a burst hears nothing", i+1), "it is served, or its connection ends",
				"silence; connection open", "it was left in the queue, or taken off it and forgotten")
		}
		c.Close()
	}
	c := s.Dial().Patience(time.Duration(len(queued)) * leaveCost) // thousands that end are work as well, and LOOP-18 judges it
	s.Ready(c).Exchange(payload)
	c.Close()
	for range 3 {
		s.ServesFresh()
	}
	if !full {
		s.Untested(fmt.Sprintf("the queue never ran over: the descriptor limits leave room for %d clients only, who were served", len(queued)))
	}
}

// takesFromItsQueue waits until the server has taken from its queue whom it takes at
// once: if clients left meanwhile, it would be chance how many are there together.
// Whoever lets some wait for room is waited for no longer.
func takesFromItsQueue(s *session.Session) {
	waiting := func() (n uint64) {
		for _, listener := range observed(s, "the listeners", s.Tree().Listeners) {
			n += listener.RxQueue
		}
		return n
	}
	last, since := waiting(), time.Now()
	s.Holds(s.Await(), func() bool {
		if now := waiting(); now != last {
			last, since = now, time.Now()
		}
		return last == 0 || time.Since(since) > s.Silence()
	})
	s.Note("%d clients are in its queue then", last)
}

// silentClientsDelayNobody connects up to 50 clients that say nothing, and eight fresh ones after
// them: each fresh one must be served.
func silentClientsDelayNobody(s *session.Session) {
	const silent = 50
	for range s.Room(silent+1) - 1 {
		s.Dial()
	}
	for range 8 {
		s.ServesFresh()
	}
}

// abortedInTheQueue resets nine connections as soon as they are made, 20 times: behind each nine a
// fresh client must be served.
func abortedInTheQueue(s *session.Session) {
	for range 20 {
		for range 9 { // an odd number: what goes wrong every other time shows
			s.Dial().Reset()
		}
		s.ServesFresh()
	}
}

// clientsALoop is how many clients come for each loop. A balance by a hash of the
// address leaves out one of so many loops by chance: with 40 for each it does so once
// in 10^15, with 5 once in a run of 150 loops.
const clientsALoop = 40

// spreadOverLoops opens up to 40 connections for each loop: each loop must serve some, as WHERE
// says; where nobody can be asked, more than one poller must hold some.
func spreadOverLoops(s *session.Session) {
	if !offers(s, "where") {
		spreadOverPollers(s)
		return
	}
	loops, err := strconv.Atoi(s.Hello()["loops"])
	if err != nil || loops < 1 {
		s.Failf(session.Wrong, "HELLO gives no number of loops", "loops=<n>", "loops="+strconv.Quote(s.Hello()["loops"]), "")
	}
	clients := clientsALoop * loops
	room := s.Room(clients)
	on := map[int64]int{}
	var held []*session.Conn // a balance may count those that are there: they stay, as many as there is room for
	for n := 0; n < clients && len(on) < loops; n++ {
		if len(held) == room {
			closeAll(held)
			s.Forget()
			held = nil
		}
		c := s.DialFrom(fmt.Sprintf("127.0.%d.%d", 1+n/200, 2+n%200))
		held = append(held, c)
		on[whereOn(s, c)]++
	}
	if room < loops && len(on) < loops {
		s.Untested(fmt.Sprintf("there is room for %d clients at a time and %d loops: a balance that counts clients need not go round", room, loops))
	}
	if len(on) < loops {
		s.Failf(session.Wrong, fmt.Sprintf("%d of %d loops serve none of %d connections", loops-len(on), loops, clients),
			fmt.Sprintf("some connections on each of %d loops", loops), fmt.Sprintf("connections by loop: %v", on), "")
	}
}

// spreadOverPollers judges a server that cannot be asked by what hangs on its
// pollers. How many loops it has is not known, only that there are several.
func spreadOverPollers(s *session.Session) {
	if s.Dialect.Name() == "probe" {
		s.Untested("the target does not say which loop serves a connection, and its contract leaves open how many share a poller")
	}
	s.Tree() // or nothing can be seen at all
	clients := several(s, 80)
	if clients < 20 {
		s.Untested(fmt.Sprintf("there is room for %d clients only: they may share a loop by chance", clients))
	}
	conns := opened(s, clients)
	seen := served(s, conns)
	on := map[[2]int]int{}
	for _, r := range seen {
		on[[2]int{r.poller.Pid, r.poller.FD}]++
	}
	closeAll(conns)
	if len(seen) < clients {
		s.Untested(fmt.Sprintf("/proc shows %d of %d connections on a poller, and the target cannot be asked where they are", len(seen), clients))
	}
	if len(on) < 2 && !loopsIdle(s, seen[0].poller) {
		s.Untested(fmt.Sprintf("one poller holds all of %d connections, and no other waits: whether several threads take turns on it, as in many runtimes, cannot be seen", clients))
	}
	if len(on) < 2 {
		s.Failf(session.Wrong, fmt.Sprintf("one poller serves all of %d connections", clients), "some connections on each of several loops",
			fmt.Sprintf("connections by process and epoll descriptor: %v", on), "")
	}
	s.Note("connections by process and epoll descriptor: %v", on)
}

// loopsIdle reports whether the target has pollers beside the one that holds the
// connections that are loops as well, which got none. Such a poller watches, apart from
// sockets, the same kinds of things, a waker of the same make; one that has a timer or a
// pipe where the other has none is a runtime's own (BEAM's schedulers, erl(1), +IOs), and
// one with a listener is an acceptor's.
func loopsIdle(s *session.Session, busy observe.Poller) bool {
	listeners := map[[2]int]bool{}
	for _, socket := range observed(s, "the sockets", s.Tree().Sockets) {
		listeners[[2]int{socket.Pid, socket.FD}] = socket.State == "LISTEN"
	}
	pollers := observed(s, "the pollers", s.Tree().Pollers)
	is := func(p observe.Poller) bool { return p.Pid == busy.Pid && p.FD == busy.FD }
	at := slices.IndexFunc(pollers, is)
	if at < 0 {
		return false // gone meanwhile: nothing to compare with
	}
	loop := besideSockets(pollers[at])
	return slices.ContainsFunc(pollers, func(p observe.Poller) bool {
		accepts := slices.ContainsFunc(p.Watched, func(w observe.Watch) bool { return listeners[[2]int{p.Pid, w.FD}] })
		return !is(p) && !accepts && slices.Equal(besideSockets(p), loop)
	})
}

// besideSockets are the kinds of what a poller watches and is no socket, sorted.
func besideSockets(p observe.Poller) (kinds []string) {
	for _, w := range p.Watched {
		if w.Kind != "socket" && w.Kind != "" {
			kinds = append(kinds, w.Kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// closeOnExec opens five connections and looks at the descriptors of the processes: sockets,
// pollers and eventfds must be close-on-exec.
func closeOnExec(s *session.Session) {
	kinds := []string{"socket", "eventpoll", "eventfd"} // what makes the server's loops
	opened(s, 5)
	java := observed(s, "the mapped files", func() ([]int, error) { return s.Tree().Mapping("libjvm.so") })
	missing, closed := 0, 0
	what := ""
	for _, d := range observed(s, "the descriptors", s.Tree().CloexecMissing) {
		switch {
		case !slices.Contains(kinds, d.Kind):
		case slices.Contains(java, d.Pid):
			closed++
		default:
			missing++
			what = fmt.Sprintf("fd %d of process %d, %s", d.FD, d.Pid, d.Link)
		}
	}
	switch {
	case missing == 0 && closed == 0:
		return
	case missing == 0:
		s.Untested(fmt.Sprintf("process %d is a Java virtual machine, which closes every descriptor above 2 in a process that it starts (JDK, childproc.c, closeDescriptors): %d lack the flag, and none is handed on", java[0], closed))
	}
	s.Failf(session.Wrong, fmt.Sprintf("%d sockets and pollers would be inherited by a child process", missing), "close-on-exec on every socket, epoll descriptor and eventfd", "for example "+what,
		"accept4, socket or epoll_create1 without its CLOEXEC flag")
}

// samePortAgain kills the server beside open connections, whose ends go to TIME_WAIT, and starts it
// again: it must listen on the same port and serve.
func samePortAgain(s *session.Session) {
	conns := opened(s, 5)
	if err := s.Target.Kill(); err != nil {
		unable(s, "the target could not be killed", err)
	}
	for _, c := range conns {
		c.WantClosed() // the server's end closed first and goes to TIME_WAIT
		c.Close()
	}
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	defer cancel()
	if err := s.Target.Restart(ctx); err != nil {
		s.Failf(session.Wrong, "the server does not come up again on its port: "+err.Error(), "it listens and accepts", err.Error(),
			"bind without SO_REUSEADDR fails while connections of the last run are in TIME_WAIT")
	}
	s.ServesFresh()
}

// whereOn asks a connection that is dialled only which loop serves it.
func whereOn(s *session.Session, c *session.Conn) int64 {
	c.Send([]byte("PROBE\n"))
	wantOK(s, c)
	c.Send(probe.AppendRequest(nil, probe.Request{ID: 1, Verb: "WHERE"}))
	header := c.Read(4)
	body := c.Read(int(header[2])<<8 | int(header[3]))
	reply, err := probe.ParseReply(body)
	loop := int64(-1)
	if err == nil && reply.Status == probe.OK {
		loop, err = reply.Int("loop")
	}
	if err != nil || loop < 0 {
		s.Failf(session.Wrong, "WHERE was answered "+session.Quoted(body), "ok loop=<index> tid=<id> conn=<number>", session.Quoted(body), "")
	}
	return loop
}
