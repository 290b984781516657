package clauses

import (
	"fmt"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

var loop = []session.Check{
	{Clause: "LOOP-1", Study: true, Watch: true, Run: idleAlone},
	{Clause: "LOOP-2", Study: true, Run: idleClients},
	{Clause: "LOOP-3", Study: true, Needs: session.Several, Run: idleHalfClosed},
	{Clause: "LOOP-4", Study: true, Needs: session.Several | session.Ahead, Run: idleStalledWrite},
	{Clause: "LOOP-5", Study: true, Needs: session.Words, Run: idlePartialRequest},
	{Clause: "LOOP-6", Study: true, Run: idleAfterResets},
	{Clause: "LOOP-7", Study: true, Needs: session.Several | session.Ahead, Run: writeInterestDropped},
	{Clause: "LOOP-8", Study: true, Run: idleSwitches},
	{Clause: "LOOP-9", Study: true, Needs: session.Words, Run: promptAfterSleep},
	{Clause: "LOOP-10", Own: true, Run: stopAndContinue},
	{Clause: "LOOP-11", Own: true, Run: servesInRain},
	{Clause: "LOOP-12", Own: true, Needs: session.Words, Run: writesToTheGone},
	{Clause: "LOOP-13", Run: oneThreadForLife},
	{Clause: "LOOP-14", Study: true, Run: onePollerEach},
	{Clause: "LOOP-15", Study: true, Needs: session.Words, Run: promptWhenQuiet},
	{Clause: "LOOP-16", Study: true, Needs: session.Several, Run: promptWhenNew},
	{Clause: "LOOP-17", Study: true, Needs: session.Words, Run: rarelyStalls},
	{Clause: "LOOP-18", Study: true, Needs: session.Words, Run: manyLeaveAtOnce},
}

// idleAlone leaves the server without clients, and watches it while other checks run: it must use
// no more than a fifth of a core.
func idleAlone(s *session.Session) {
	s.ServesFresh()
	s.Pause(settle)
	restsIn(s, "with no clients", resting{window: idleWindow, patient: true})
	staysAtRest(s, "with no clients")
	s.ServesFresh()
}

// idleClients keeps six clients silent, one of them behind an urgent byte: the server must use no
// more than a fifth of a core, and serve a fresh client then.
func idleClients(s *session.Session) {
	conns := opened(s, 6)
	if s.Target.Network() != "unix" {
		_ = sendUrgent(conns[0]) // EPOLLPRI is a state too, whatever the server does with the byte
	}
	rests(s, "with silent clients")
	closeAll(conns)
	s.ServesFresh()
}

// idleHalfClosed half-closes eight connections whose output nobody reads: the server must come to
// rest beside them, and serve a fresh client then.
func idleHalfClosed(s *session.Session) {
	conns, cut := halfClosed(s)
	restsBehindAFlood(s, "with half-closed clients that do not read")
	closeAll(conns)
	s.ServesFresh()
	if 2*cut > len(conns) && unreadLimit(s) == 0 { // a server that closes beyond a limit which it declares owed some
		s.Untested(fmt.Sprintf("the server ended %d of %d connections before their clients half-closed them: it owes these nothing", cut, len(conns)))
	}
}

// unread is more than the socket buffers of both sides hold together, in bytes.
const unread = 24 << 20

// idleStalledWrite asks for megabytes and reads nothing, so that output waits: the server must come
// to rest meanwhile, and serve a fresh client then.
func idleStalledWrite(s *session.Session) {
	each := replySize(s, stuffing)
	conns := make([]*session.Conn, several(s, 2))
	talks := make([]*talk, len(conns))
	for i := range conns {
		c := s.Open()
		c.SetReadBuffer(fewBytes)
		conns[i] = c
		s.Go(func() {
			done := stuff(s, c, unread)
			talks[i] = &talk{asked: done.asked, stood: done.stood, cut: done.cut}
		})
	}
	s.Join()
	if !serial(s) && offers(s, "source") {
		conns = append(conns, s.Converse("SOURCE 16777216")) // the server is done with it, but for the output
	}
	restsBehindAFlood(s, "while output waits for a reader that has stalled")
	closeAll(conns)
	s.ServesFresh()
	unlessOwed(s, talks, each)
}

// idlePartialRequest stops clients amid a request, a sign-on, a login and a frame: the server must
// come to rest meanwhile, and serve a fresh client then.
func idlePartialRequest(s *session.Session) {
	var conns []*session.Conn
	part := func(c *session.Conn, piece string) {
		c.Send([]byte(piece))
		conns = append(conns, c)
	}
	open := func() (*session.Conn, []byte) {
		c := s.Open()
		return c, c.Dialect().Request(s.Payload(64))
	}
	c, request := open()
	if len(request) < 2 {
		s.Untested("a request is one byte: there is no part of one")
	}
	part(c, string(request[:len(request)/2]))
	if !serial(s) {
		c, request := open()
		part(c, string(request[:1]))
		if s.Dialect.Name() == "probe" {
			part(s.Dial(), "PRO")
			if offers(s, "login") {
				part(s.Converse("MAIN"), "USER ")
			}
			part(s.Converse("PROBE"), "\x00\x00")
			part(s.Converse("PROBE"), "\x00\x00\x00\x201 PING abc")
			conns = append(conns, s.Dial())
		}
	}
	rests(s, "while requests are incomplete")
	closeAll(conns)
	s.ServesFresh()
}

// idleAfterResets resets connections that are new, used, half-closed or have output waiting, 80 in
// all: the server must come to rest, and serve a fresh client.
func idleAfterResets(s *session.Session) {
	kinds := []func(c *session.Conn){
		func(*session.Conn) {},
		func(c *session.Conn) { c.Exchange(s.Payload(100)) },
		func(c *session.Conn) { c.Request(s.Payload(1000)) },
		func(c *session.Conn) { stuff(s, c, 2<<20) },
		func(c *session.Conn) { c.CloseWrite() },
	}
	for range 4 {
		var conns []*session.Conn
		for i := range several(s, 4*len(kinds)) {
			c := s.Open()
			kinds[i%len(kinds)](c)
			conns = append(conns, c)
		}
		for _, c := range conns {
			c.Reset()
		}
	}
	restsBehindAFlood(s, "after its clients have reset their connections")
	s.ServesFresh()
}

// writeInterestDropped reads large replies late, and to their end: no EPOLLOUT may be left on that
// keeps the server busy, and it must come to rest.
func writeInterestDropped(s *session.Session) {
	conns := opened(s, 3)
	s.Step("a large exchange whose reader starts late", func() {
		for _, c := range conns {
			exchangeLate(s, c)
		}
	})
	if conns = slices.DeleteFunc(conns, (*session.Conn).Over); len(conns) == 0 {
		s.Untested("the server closed every connection, as it said, before a large exchange was over")
	}
	s.Pause(settle)
	// A level-triggered write interest reports at once to whoever waits. On a poller
	// that nobody asks while no output waits it is dropped in all but name.
	for _, w := range served(s, conns) {
		if w.watch.Events&observe.WriteReady == 0 || w.watch.Events&observe.EdgeTriggered != 0 {
			continue
		}
		left := fmt.Sprintf("epoll descriptor %d: tfd %d events %#x", w.poller.FD, w.watch.FD, w.watch.Events)
		switch busy := cpuOver(s, idleWindow, idleShare); {
		case busy.starved():
			busy.undecided(s)
		case !busy.rests(idleShare):
			s.Failf(session.Wrong, fmt.Sprintf("the write interest of %s is still on though all output was delivered", w.socket.Remote),
				"no level-triggered EPOLLOUT", fmt.Sprintf("%s; %d %% of a core is used, it is %s", left, int(100*busy.share()), busy.busiest),
				"EPOLLOUT was not taken back when the output buffer ran empty")
		}
		s.Note("%s is left on, and nobody waits on that poller", left)
		break
	}
	rests(s, "after a large exchange has been delivered")
	closeAll(conns)
	s.ServesFresh()
}

// exchangeLate writes some megabytes of requests, as far as the dialect lets it, and
// reads the replies once the server's output has met a full buffer.
func exchangeLate(s *session.Session, c *session.Conn) {
	const requests, total = 24, 6 << 20
	payload := s.Payload(total / requests)
	rounds := max(requests, min(total/max(len(payload), 1), 400))
	if dialect.Ends(s.Dialect) {
		rounds = mostRequests / 2
	}
	sent := make(chan struct{})
	s.Go(func() {
		defer close(sent)
		for range rounds {
			if c.TryRequest(payload) != nil {
				return // the replies show why
			}
		}
	})
	select {
	case <-sent:
	case <-time.After(settle): // the server's output has met a full buffer by now
	}
	for n := 0; n < rounds && !c.Over(); n++ {
		c.Reply(payload)
	}
	if c.Over() {
		c.Close()
	}
	s.Join()
}

// registration is one of our connections as it hangs on a poller of the target.
type registration struct {
	poller observe.Poller
	watch  observe.Watch
	socket observe.Socket
}

// served lists where the server's ends of the connections hang. It is empty for
// pollers that /proc does not show, and for unix sockets.
func served(s *session.Session, conns []*session.Conn) []registration {
	ours := map[string]bool{}
	for _, c := range conns {
		ours[c.Local().String()] = true
	}
	tree := s.Tree()
	held := map[[2]int]observe.Socket{}
	for _, socket := range observed(s, "the sockets", tree.Sockets) {
		if ours[socket.Remote] {
			held[[2]int{socket.Pid, socket.FD}] = socket
		}
	}
	var list []registration
	for _, poller := range observed(s, "the pollers", tree.Pollers) {
		for _, watch := range poller.Watched {
			if socket, ok := held[[2]int{poller.Pid, watch.FD}]; ok {
				list = append(list, registration{poller, watch, socket})
			}
		}
	}
	return list
}

// restless is how many voluntary context switches a second an idle server may
// have, and restlessThread how many for each of its threads, where that is more: a
// housekeeping timer of 10 Hz in each is a common thing.
const (
	restless       = 300
	restlessThread = 20
)

// idleSwitches keeps four clients silent and counts voluntary context switches: at most 300 a
// second, or 20 for each thread, where that is more.
func idleSwitches(s *session.Session) {
	conns := opened(s, 4)
	s.Pause(settle)
	most := max(restless, restlessThread*len(observed(s, "the threads", s.Tree().Threads)))
	began := time.Now()
	for again := false; ; again = time.Since(began) > restGrace {
		before, start := observed(s, "the context switches", s.Tree().Switches), time.Now()
		s.Pause(idleWindow)
		after := observed(s, "the context switches", s.Tree().Switches)
		rate := float64(after.Voluntary-before.Voluntary) / time.Since(start).Seconds()
		if rate <= float64(most) {
			break
		}
		if again {
			s.Failf(session.Wrong, fmt.Sprintf("the idle server is scheduled %.0f times a second", rate),
				fmt.Sprintf("at most %d voluntary context switches a second", most), fmt.Sprintf("%.0f, for the second time", rate),
				"a poll with a short fixed timeout")
		}
	}
	closeAll(conns)
}

// promptAfterSleep leaves six connections silent for 0.3 s and asks on each, twice: each reply must
// come within 0.5 s, or twice the usual time.
func promptAfterSleep(s *session.Session) {
	limit := max(prompt, 2*usually(s))
	conns := opened(s, 6)
	for range 2 {
		for i, c := range conns {
			conns[i] = c.Next()
		}
		s.Pause(2 * settle)
		for _, c := range conns {
			payload := s.Payload(48)
			watch := s.Clock()
			c.Exchange(payload)
			inTime(s, "the reply on a connection that had been silent", watch.Elapsed(), limit,
				"the loop sleeps, or does something else, where it should wait for its connections")
		}
	}
	closeAll(conns)
}

// stopAndContinue suspends the server by SIGSTOP, has clients ask and connect meanwhile, and lets
// it go on, three times: all of them must be answered.
func stopAndContinue(s *session.Session) {
	conns := opened(s, 4)
	payload := s.Payload(200)
	for range 3 {
		for i, c := range conns {
			conns[i] = c.Next()
		}
		s.Pause(settle)
		var late *session.Conn
		stopped(s, func() {
			for _, c := range conns[1:] {
				c.Request(payload)
			}
			if len(conns) > 1 {
				late = s.Dial()
			}
			s.Pause(settle)
		})
		for _, c := range conns[1:] {
			c.Reply(payload)
		}
		conns[0].Exchange(payload)
		if late != nil {
			s.Ready(late).Exchange(payload)
			late.Close()
		}
	}
	closeAll(conns)
	s.ServesFresh()
}

// servesInRain sends signals to every thread all the time while clients have large exchanges: every
// reply must be right, and the server must come to rest afterwards.
func servesInRain(s *session.Session) {
	end := rain(s)
	defer end()
	watch := s.Clock()
	for watch.Wall() < time.Second {
		conns := opened(s, 3)
		for _, c := range conns {
			s.Go(func() { exchangeLarge(s, c) })
		}
		s.Join()
		closeAll(conns)
	}
	end()
	rests(s, "after signals have rained on it")
	s.ServesFresh()
}

// exchangeLarge sends a request of up to a quarter of a megabyte while it reads the reply.
func exchangeLarge(s *session.Session, c *session.Conn) { exchangeWhole(s, c, s.Payload(256<<10)) }

// exchangeWhole sends one request while it reads the reply.
func exchangeWhole(s *session.Session, c *session.Conn, payload []byte) {
	sent := make(chan struct{})
	s.Go(func() {
		defer close(sent)
		c.Request(payload)
	})
	c.Reply(payload)
	<-sent
}

// oneThreadForLife asks four conversations by WHERE, 30 times beside another client's exchanges:
// each must name the same loop and thread every time.
func oneThreadForLife(s *session.Session) {
	const conversations, questions = 4, 30
	var probes []*session.Probe
	var homes, tids []int64
	for range conversations {
		p := s.Probe()
		home, tid := where(p)
		probes, homes, tids = append(probes, p), append(homes, home), append(tids, tid)
	}
	beside := s.Open()
	for range questions {
		beside.Exchange(s.Payload(500))
		for i, p := range probes {
			home, tid := where(p)
			if home != homes[i] || tid != tids[i] {
				s.Failf(session.Wrong, "a connection is served by more than one thread",
					fmt.Sprintf("loop=%d tid=%d", homes[i], tids[i]), fmt.Sprintf("loop=%d tid=%d", home, tid), "")
			}
		}
	}
}

// onePollerEach opens twelve connections and looks at the pollers of each process: none may hold a
// connection that another one holds too.
func onePollerEach(s *session.Session) {
	conns := opened(s, 12)
	seen := map[[2]int]observe.Poller{}
	for _, r := range served(s, conns) {
		key := [2]int{r.poller.Pid, r.watch.FD}
		if other, twice := seen[key]; twice && other.FD != r.poller.FD {
			s.Failf(session.Wrong, fmt.Sprintf("the connection from %s hangs on two pollers", r.socket.Remote), "one poller for each connection",
				fmt.Sprintf("descriptor %d on the epoll descriptors %d and %d", r.watch.FD, other.FD, r.poller.FD), "")
		}
		seen[key] = r.poller
	}
	closeAll(conns)
	if len(seen) == 0 {
		s.Untested("/proc shows none of the connections on a poller: it lists epoll descriptors, and of TCP sockets whose peer is who")
	}
	s.Note("%d of %d connections were seen on pollers", len(seen), len(conns))
}
