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

func burstsAreServed(s *session.Session) {
	room := s.Room(burstClients)
	clients := s.AtOnce(room)
	if clients < 2 {
		s.Untested("it has room for one client at a time, or its queue has: two are no burst")
	}
	watch, came := s.Clock(), 0
	for n := 0; n < burstTimes || came < burstTimes*room && watch.Wall() < burstsTime; n++ {
		conns := make([]*session.Conn, clients)
		start := make(chan struct{})
		for i := range conns {
			s.Go(func() {
				<-start
				conns[i] = s.Ready(s.DialAtOnce())
				conns[i].Exchange(s.Payload(20))
			})
		}
		close(start)
		s.Join()
		came += clients
		leave(s, conns)
	}
	s.Note("%d clients came, %d at the same moment", came, clients)
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

// burstsBeyondTheQueue stops the server, connects clients until the kernel lets
// nobody in any more, and lets the server go on.
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
	const silent = 50
	for range s.Room(silent+1) - 1 {
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

// shortage is a target that is out of descriptors.
type shortage struct {
	old, late []*session.Conn // served before; connected since, each with a request
	refused   bool            // a client was not let in: the limit binds
	restore   func() error
}

// exhaust leaves the target two descriptors and connects many more clients
// than that, each with a request of its own; then it takes away what is left,
// since a server that needs two descriptors a client never runs out at accept
// itself while one is free. The caller calls restore.
func exhaust(s *session.Session) *shortage {
	// Whatever the server opens at its first connections (pools, libraries) is open then.
	short := &shortage{old: opened(s, 8)}
	s.ServesFresh()
	restore, err := s.Tree().LeaveFDs(2)
	if err != nil {
		s.Inconclusive("the descriptor limit of the target cannot be lowered: " + err.Error())
	}
	short.restore = restore
	defer func() {
		if raised := recover(); raised != nil {
			_ = short.restore()
			panic(raised)
		}
	}()
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

func acceptsAgain(s *session.Session) {
	short := exhaust(s)
	defer func() { _ = short.restore() }()
	s.Pause(150 * gap)
	waiting := short.waiting(s)
	if err := short.restore(); err != nil {
		s.Inconclusive("the descriptor limit could not be restored: " + err.Error())
	}
	c := dialOnceBack(s).Patience(acceptPause)
	s.Ready(c).Exchange(s.Payload(100))
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

func idleWhileOutOfDescriptors(s *session.Session) {
	short := exhaust(s)
	defer func() { _ = short.restore() }()
	s.Pause(150 * gap)
	short.waiting(s)
	rests(s, "while the server is out of descriptors")
}

// clientsALoop is how many clients come for each loop. A balance by a hash of the
// address leaves out one of so many loops by chance: with 40 for each it does so once
// in 10^15, with 5 once in a run of 150 loops.
const clientsALoop = 40

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
