package clauses

import (
	"fmt"
	"net"
	"slices"
	"sync/atomic"

	"github.com/reactorspec/reactorspec/suites/session"
)

var resources = []session.Check{
	{Clause: "RES-1", Study: true, Run: givenBack},
	{Clause: "RES-2", Study: true, Run: givenBack},
	{Clause: "RES-3", Study: true, Long: true, Run: memoryAfterChurn},
	{Clause: "RES-4", Study: true, Run: memoryPerConnection},
	{Clause: "RES-5", Study: true, Needs: session.Several, Run: thousandAtOnce},
	{Clause: "RES-6", Study: true, Run: pollersAfterChurn},
	{Clause: "RES-7", Study: true, Run: givenBack},
	{Clause: "RES-8", Study: true, Run: threadsAfterChurn},
	{Clause: "RES-9", Study: true, Needs: session.Several, Run: memoryAfterRequests},
	{Clause: "RES-10", Study: true, Run: servedLikeTheFirst},
}

// churners run connections side by side; more would only queue on two cores.
const churners = 4

// comeAndGo is spread for connections that one leaves behind closed, of which there
// may be any number.
func comeAndGo(s *session.Session, n int, one func(i int)) {
	const together = 5000 // that the session keeps record of
	for from := 0; from < n; from += together {
		spread(s, min(together, n-from), func(i int) { one(from + i) })
		s.Forget()
	}
}

// openNth opens the nth of the connections that come and go. Many thousands would use up the
// ports of one client's address, which are kept for a minute; what does not speak probe may
// serve 127.0.0.1 alone.
func openNth(s *session.Session, n int) *session.Conn {
	const ofOneAddress, addresses = 5000, 250
	addr, tcp := s.Target.Addr().(*net.TCPAddr)
	if !tcp || s.Dialect.Name() != "probe" || n < ofOneAddress || addr.IP.To4() == nil || !addr.IP.IsLoopback() {
		return s.Open()
	}
	return s.Ready(s.DialFrom(fmt.Sprintf("127.0.0.%d", 2+n/ofOneAddress%addresses)))
}

// soaked is how many connections come and go: ten times n in a soak.
func soaked(s *session.Session, n int) int {
	if s.Soak() {
		return 10 * n
	}
	return n
}

// memoryPerConnection holds up to 400 connections, each after a large exchange: the memory must be
// at most 128 KiB for each, garbage not counted.
func memoryPerConnection(s *session.Session) {
	const most, fewest = 128 << 10, 40
	conns := s.Room(400)
	if conns < fewest {
		s.Untested(fmt.Sprintf("there is room for %d clients only: what each costs cannot be told from what the server itself takes", conns))
	}
	payload := s.Payload(256 << 10) // what it takes is given back once it was answered
	comeAndGone := func(int) {
		c := s.Open()
		exchangeWhole(s, c, payload)
		c.Exchange(payload[:min(100, len(payload))])
		c.Close()
	}
	comeAndGo(s, conns, comeAndGone) // a heap that is collected when it is full fills up first
	s.ServesFresh()
	before := memory(s)
	held := make([]*session.Conn, conns)
	spread(s, conns, func(i int) {
		held[i] = s.Open()
		exchangeWhole(s, held[i], payload)
		held[i].Exchange(payload[:min(100, len(payload))])
	})
	each := int64(0)
	if _, settled := s.Holds(2*s.Await(), func() bool { each = (memory(s) - before) / int64(conns); return each <= most }); !settled {
		// What the same exchanges leave behind of connections that do not stay is garbage.
		closeAll(held)
		s.ServesFresh()
		s.Pause(settle)
		gone := memory(s)
		comeAndGo(s, conns, comeAndGone)
		garbage := max(memory(s)-gone, 0) / int64(conns)
		if each -= garbage; each > most {
			s.Failf(session.Wrong, fmt.Sprintf("an idle connection costs %d KiB of memory", each>>10), fmt.Sprintf("at most %d KiB", most>>10),
				fmt.Sprintf("%d connections hold %d MiB, beside %d MiB of garbage", conns, each*int64(conns)>>20, garbage*int64(conns)>>20), "")
		}
		s.Note("%d KiB of garbage for each connection", garbage>>10)
	}
	closeAll(held)
}

const (
	// atOnce is how many connections are held at the same time, and atOnceSoak
	// how many with --soak, where both sides have descriptors for them.
	atOnce     = 1200
	atOnceSoak = 10_000
)

// thousandAtOnce holds 1,200 connections at the same time, or 10,000 in a soak if the server lets
// them in, and asks on each: every reply must come.
func thousandAtOnce(s *session.Session) {
	const fewest = 200
	most := atOnce
	if s.Soak() {
		most = atOnceSoak
	}
	n := s.Room(most)
	if n < fewest {
		s.Untested(fmt.Sprintf("there is room for %d clients only: raise the descriptor limits (ulimit -n), or max_clients where the target has more", n))
	}
	held := make([]*session.Conn, n)
	payload := s.Payload(64)
	open := func(i int) {
		from := ""
		if s.Dialect.Name() == "probe" { // others may serve 127.0.0.1 alone, as redis does in its protected mode
			from = fmt.Sprintf("127.0.%d.%d", 1+i/1000, 2+i%50)
		}
		c := s.Ready(s.DialFrom(from))
		c.Exchange(payload) // a proxy asks for its second descriptor now
		held[i] = c
	}
	spread(s, min(n, atOnce), open)
	// Beyond that a server may have a limit of its own. Whom it let in it serves.
	var full atomic.Bool
	spread(s, n-min(n, atOnce), func(i int) {
		if full.Load() {
			return
		}
		if refused := s.Trial(func() { open(atOnce + i) }); refused != nil {
			full.Store(true)
			s.Note("no more than some %d connections at a time: %s", atOnce+i, refused.Reason)
		}
	})
	held = slices.DeleteFunc(held, func(c *session.Conn) bool { return c == nil })
	spread(s, len(held), func(i int) { held[i].Exchange(s.Payload(64)) })
	spread(s, len(held), func(i int) { held[len(held)-1-i].Exchange(s.Payload(64)) })
	s.Note("%d connections were held and served", len(held))
	closeAll(held)
	s.ServesFresh()
	if n < atOnce {
		s.Untested(fmt.Sprintf("there is room for %d clients only, who were served: raise the descriptor limits (ulimit -n), or max_clients where the target has more, or give its pid", n))
	}
}

// pollersAfterChurn ends 200 connections in three manners: the pollers must then watch no more
// descriptors than before, but for four.
func pollersAfterChurn(s *session.Session) {
	const spare = 4
	watched := func() (n int) {
		for _, p := range observed(s, "the pollers", s.Tree().Pollers) {
			n += len(p.Watched)
		}
		return n
	}
	clients := several(s, 200)
	churnOnce := func() (peak int) {
		conns := make([]*session.Conn, clients)
		for i := range conns {
			conns[i] = s.Open()
			conns[i].Exchange(s.Payload(50))
		}
		peak = watched()
		for i, c := range conns {
			switch i % 3 {
			case 0:
				c.Reset()
			case 1:
				c.CloseWrite()
				c.Close()
			default:
				c.Close()
			}
		}
		return peak
	}
	churnOnce()
	s.ServesFresh()
	s.Pause(2 * settle)
	before, after := watched(), 0
	peak := churnOnce()
	if _, held := s.Holds(2*s.Await(), func() bool { after = watched(); return after <= before+spare }); !held {
		s.Failf(session.Wrong, fmt.Sprintf("%d descriptors of ended connections are still registered", after-before),
			fmt.Sprintf("%d registered as before, and %d to spare", before, spare), fmt.Sprintf("%d; %d with the connections open", after, peak), "")
	}
	s.ServesFresh()
}
