package clauses

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

var acc = []session.Check{
	{Clause: "ACC-1", Run: burstsAreServed},
	{Clause: "ACC-2", Run: silentClientsDelayNobody},
	{Clause: "ACC-3", Run: abortedInTheQueue},
	{Clause: "ACC-4", Own: true, Run: func(s *session.Session) { repeatedly(s, servesWhileOutOfDescriptors) }},
	{Clause: "ACC-5", Own: true, Run: func(s *session.Session) { repeatedly(s, acceptsAgain) }},
	{Clause: "ACC-6", Own: true, Run: idleWhileOutOfDescriptors},
	{Clause: "ACC-7", Run: spreadOverLoops},
	{Clause: "ACC-8", Run: closeOnExec},
	{Clause: "ACC-9", Own: true, Run: samePortAgain},
	{Clause: "ACC-10", Own: true, Long: true, Run: burstsBeyondTheQueue},
}

// handshakePatience allows for handshakes that the kernel repeats after one and
// three seconds because the server's backlog was full.
const handshakePatience = 6 * time.Second

// dialPatiently dials, and again when the handshake was lost in a full backlog.
func dialPatiently(s *session.Session) *session.Conn {
	for range 3 {
		if c, err := s.TryDial(); err == nil {
			return c.Patience(handshakePatience)
		}
	}
	return s.Dial().Patience(handshakePatience)
}

func burstsAreServed(s *session.Session) {
	const clients = 300
	for range 3 {
		start := make(chan struct{})
		for range clients {
			s.Go(func() {
				<-start
				c := s.Ready(dialPatiently(s))
				c.Exchange(s.Payload(20))
			})
		}
		close(start)
		s.Join()
	}
}

// burstsBeyondTheQueue stops the server, connects clients until the kernel lets
// nobody in any more, and lets the server go on.
func burstsBeyondTheQueue(s *session.Session) {
	const most = 5000 // somaxconn is 4,096 on today's systems
	before := descriptorRoom(s)
	sample := opened(s, 10)
	room := min(most, ownRoom(s), targetRoom(s, before, len(sample)))
	closeAll(sample)
	payload := s.Payload(32)
	// What a server must hold at a time (RES-5) it must serve of a burst; who comes
	// beyond may be let go, and so may whoever waits while idle clients are.
	patient := !offers(s, "idle-timeout")
	owed := func(n int) bool { return n <= atOnce && patient }
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
	for i, c := range queued { // in the order of the queue; whoever was served makes room
		if owed(i + 1) {
			s.Ready(c).Exchange(payload)
		} else if _, end := c.ReadAll(1); end == session.Timeout {
			s.Failf(session.Late, fmt.Sprintf("client %d of a burst hears nothing", i+1), "it is served, or its connection ends",
				"silence; connection open", "it was left in the queue, or taken off it and forgotten")
		}
		c.Close()
	}
	for range 3 {
		s.ServesFresh()
	}
	if !full {
		s.Untested(fmt.Sprintf("the queue never ran over: the descriptor limits leave room for %d clients only, who were served", len(queued)))
	}
}

func silentClientsDelayNobody(s *session.Session) {
	for range 50 {
		s.Dial()
	}
	for range 8 {
		s.ServesFresh()
	}
}

func abortedInTheQueue(s *session.Session) {
	for range 20 {
		for range 9 { // an odd number: what goes wrong every other time shows
			s.Dial().Reset()
		}
		s.ServesFresh()
	}
}

// exhaust leaves the target two descriptors and connects many more clients
// than that, each with a request of its own; then it takes away what is left,
// since a server that needs two descriptors a client never runs out at accept
// itself while one is free. The caller calls restore.
func exhaust(s *session.Session) (old, late []*session.Conn, restore func() error) {
	// Whatever the server opens at its first connections (pools, libraries) is open then.
	old = opened(s, 8)
	s.ServesFresh()
	restore, err := s.Tree().LeaveFDs(2)
	if err != nil {
		s.Inconclusive("the descriptor limit of the target cannot be lowered: " + err.Error())
	}
	defer func() {
		if raised := recover(); raised != nil {
			_ = restore()
			panic(raised)
		}
	}()
	away := false
	for i := range 12 {
		if i == 6 {
			s.Pause(20 * gap)
			more, err := s.Tree().LeaveFDs(0)
			if errors.Is(err, observe.ErrGone) {
				break // it has ended for want of descriptors, as the caller will see
			}
			if err != nil {
				s.Inconclusive("the descriptor limit of the target cannot be lowered: " + err.Error())
			}
			first := restore
			restore = func() error { return errors.Join(more(), first()) }
		}
		if away {
			continue
		}
		c, err := s.TryDial()
		if err != nil {
			// Legal: memcached, for one, shortens its queue to nothing meanwhile.
			s.Note("client %d beyond the limit was not let in: %v", i+1, err)
			away = true
			continue
		}
		_ = c.TryAsk(s.Payload(1))
		late = append(late, c)
	}
	return old, late, restore
}

// pinched fails the harness's claim, not the target, if all late clients were
// served although the limit was lowered; it returns those that were not.
func pinched(s *session.Session, old, late []*session.Conn) (waiting []*session.Conn) {
	served := 0
	for _, c := range late {
		_ = c.Raw().SetReadDeadline(time.Now().Add(gap))
		var b [1]byte
		if n, _ := c.Raw().Read(b[:]); n > 0 {
			served++
		} else {
			waiting = append(waiting, c)
		}
	}
	s.Note("%d of %d clients beyond the limit were answered", served, len(late))
	if served == len(late) && served > 0 {
		for _, c := range old { // or did it make room by closing these?
			c.Exchange(s.Payload(100))
		}
		s.Inconclusive("the target served every client beyond its descriptor limit: the limit does not reach it")
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

func servesWhileOutOfDescriptors(s *session.Session) {
	old, late, restore := exhaust(s)
	defer func() { _ = restore() }()
	s.Pause(150 * gap)
	pinched(s, old, late)
	for range 3 {
		for _, c := range old {
			c.Exchange(s.Payload(200))
		}
		s.Pause(30 * gap)
	}
}

func acceptsAgain(s *session.Session) {
	old, late, restore := exhaust(s)
	defer func() { _ = restore() }()
	s.Pause(150 * gap)
	waiting := pinched(s, old, late)
	if err := restore(); err != nil {
		s.Inconclusive("the descriptor limit could not be restored: " + err.Error())
	}
	c := s.Dial().Patience(3 * time.Second) // a server may retry after a pause of its own
	s.Ready(c).Exchange(s.Payload(100))
	for _, c := range old {
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

func idleWhileOutOfDescriptors(s *session.Session) {
	old, late, restore := exhaust(s)
	defer func() { _ = restore() }()
	s.Pause(150 * gap)
	pinched(s, old, late)
	rests(s, "while the server is out of descriptors")
}

func spreadOverLoops(s *session.Session) {
	if !offers(s, "where") {
		spreadOverPollers(s)
		return
	}
	loops, err := strconv.Atoi(s.Hello()["loops"])
	if err != nil || loops < 1 {
		s.Failf(session.Wrong, "HELLO gives no number of loops", "loops=<n>", "loops="+strconv.Quote(s.Hello()["loops"]), "")
	}
	clients := min(40*loops, 600)
	on := map[int64]int{}
	for i := range clients {
		c := s.DialFrom(fmt.Sprintf("127.0.%d.%d", 1+i/200, 2+i%200))
		on[whereOn(s, c)]++
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
	const clients = 80
	s.Tree() // or nothing can be seen at all
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
	if len(on) < 2 {
		s.Failf(session.Wrong, fmt.Sprintf("one poller serves all of %d connections", clients), "some connections on each of several loops",
			fmt.Sprintf("connections by process and epoll descriptor: %v", on), "")
	}
	s.Note("connections by process and epoll descriptor: %v", on)
}

func closeOnExec(s *session.Session) {
	kinds := []string{"socket", "eventpoll", "eventfd"} // what makes the server's loops
	opened(s, 5)
	missing := 0
	what := ""
	for _, d := range observed(s, "the descriptors", s.Tree().CloexecMissing) {
		if slices.Contains(kinds, d.Kind) {
			missing++
			what = fmt.Sprintf("fd %d of process %d, %s", d.FD, d.Pid, d.Link)
		}
	}
	if missing > 0 {
		s.Failf(session.Wrong, fmt.Sprintf("%d sockets and pollers would be inherited by a child process", missing), "close-on-exec on every socket, epoll descriptor and eventfd", "for example "+what,
			"accept4, socket or epoll_create1 without its CLOEXEC flag")
	}
}

func samePortAgain(s *session.Session) {
	conns := opened(s, 5)
	if err := s.Target.Signal(syscall.SIGKILL); err != nil {
		s.Inconclusive("the target could not be killed: " + err.Error())
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
