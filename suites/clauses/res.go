package clauses

import (
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

var resources = []session.Check{
	{Clause: "RES-1", Study: true, Run: descriptorsAfterFIN},
	{Clause: "RES-2", Study: true, Run: descriptorsAfterReset},
	{Clause: "RES-3", Study: true, Long: true, Run: memoryAfterChurn},
	{Clause: "RES-4", Study: true, Run: memoryPerConnection},
	{Clause: "RES-5", Study: true, Needs: session.Several, Run: thousandAtOnce},
	{Clause: "RES-6", Study: true, Run: pollersAfterChurn},
	{Clause: "RES-7", Study: true, Run: descriptorsAfterHalfRequests},
	{Clause: "RES-8", Study: true, Run: threadsAfterChurn},
}

const (
	// churners run connections side by side; more would only queue on two cores.
	churners = 4
	// reapWithin is how long a server may keep what ended before it gives it up: some
	// sweep every few seconds, or let a close linger.
	reapWithin = 10 * time.Second
	// spareFDs is what a server may hold more than before: a log, a pool, a
	// descriptor that a runtime opened late. Of descriptors that are no sockets
	// there may be one more in spareShare connections: a runtime's pools grow
	// with the connections that it happened to serve at a time.
	spareFDs   = 8
	spareShare = 50
)

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

// givesBack fails the clause if the tree's sockets, or its descriptors of any
// kind, grow with the connections that came and went: twice, so that a pool which
// fills up once, or a cache that a runtime empties now and then, is no loss.
func givesBack(s *session.Session, n int, how string, abuse func(i int)) {
	heldByDescriptors(s)
	spread(s, n/8, abuse) // a warm-up: what is opened once is not lost
	s.ServesFresh()
	s.Pause(settle)
	kinds := []struct {
		name          string
		count         func() (int, error)
		spare         int
		before, after int
		grew          bool // in the first round
	}{
		{name: "sockets", count: s.Tree().SocketFDs, spare: spareFDs},
		{name: "descriptors", count: s.Tree().FDs, spare: spareFDs + n/spareShare},
	}
	for i := range kinds {
		kinds[i].before = observed(s, "the descriptors", kinds[i].count)
	}
	for again := false; ; again = true {
		comeAndGo(s, n, abuse)
		s.ServesFresh()
		for i := range kinds {
			kind := &kinds[i]
			// Descriptors of connections that the server itself saw end go at
			// once; those of a lingering close may take its timeout, and those of
			// connections that failed wait for a sweep.
			_, held := s.Holds(reapWithin, func() bool {
				kind.after = observed(s, "the descriptors", kind.count)
				return kind.after <= kind.before+kind.spare
			})
			if kind.grew && !held {
				s.Failf(session.Wrong, fmt.Sprintf("%d %s are still open after %d connections %s, for the second time", kind.after-kind.before, kind.name, n, how),
					fmt.Sprintf("%d as before, and %d to spare", kind.before, kind.spare), fmt.Sprint(kind.after), "a path on which a connection ends does not close its descriptor")
			}
			kind.before, kind.grew = kind.after, !held
		}
		if again || !kinds[0].grew && !kinds[1].grew {
			return
		}
	}
}

// heldByDescriptors ends the check where open connections are no descriptors of the
// target, such as those in a table of io_uring's: then nothing shows whether they end.
func heldByDescriptors(s *session.Session) {
	if s.Dialect.Requests() == 1 {
		return // none can be had that is known to be taken up
	}
	sockets := func() int { return observed(s, "the descriptors", s.Tree().SocketFDs) }
	s.ServesFresh()
	before := settled(s, sockets)
	conns := opened(s, 8)
	if _, seen := s.Holds(settle, func() bool { return sockets() >= before+(len(conns)+1)/2 }); !seen {
		s.Untested(noDescriptors(len(conns), sockets()-before))
	}
	closeAll(conns)
}

func noDescriptors(conns, more int) string {
	return fmt.Sprintf("its connections are no descriptors: with %d of them open its processes have %d sockets more, so nothing shows which end (io_uring has a table of its own)", conns, max(more, 0))
}

func descriptorsAfterFIN(s *session.Session) {
	payload := s.Payload(200)
	givesBack(s, soaked(s, 2000), "ended by FIN", func(i int) {
		c := openNth(s, i)
		c.Exchange(payload)
		if i%2 == 0 {
			c.CloseWrite()
		}
		c.Close()
	})
}

func descriptorsAfterReset(s *session.Session) {
	small, large := s.Payload(200), s.Payload(200_000)
	givesBack(s, soaked(s, 1000), "were reset", func(i int) {
		c := openNth(s, i)
		switch i % 4 {
		case 0:
			c.Exchange(small)
		case 1:
			_, _ = c.TrySend(c.Dialect().Request(large))
		case 2:
			request := c.Dialect().Request(large)
			_, _ = c.TrySend(request[:min(100, len(request)/2)])
		}
		c.Reset()
	})
}

func descriptorsAfterHalfRequests(s *session.Session) {
	payload := s.Payload(100)
	givesBack(s, 500, "ended amid their beginning", func(i int) {
		c := s.Dial()
		switch {
		case i%3 == 0: // nothing is sent
		case s.Dialect.Name() == "probe" && i%3 == 1:
			c.Send([]byte("ECH"))
		default:
			if said := c.Ahead(payload); len(said) > 1 { // a client that has to listen first has said nothing
				c.Send(said[:len(said)/2])
			}
		}
		if i%2 == 0 {
			c.Reset()
		} else {
			c.Close()
		}
	})
}

func memoryAfterChurn(s *session.Session) {
	const rounds = 5 // at least, before a slope is one
	warm, conns, free := 1000, 3000, int64(24<<20)
	if s.Soak() {
		warm, conns, free = 10_000, 100_000, 64<<20
	}
	payload := s.Payload(2000)
	one := func(i int) {
		c := openNth(s, i)
		c.Exchange(payload)
		c.Close()
	}
	comeAndGo(s, warm, one)
	first, began := memory(s), time.Now()
	for before, round := first, 1; ; round++ { // a heap that is collected once it is full fills up for some rounds
		comeAndGo(s, conns, one)
		s.Pause(settle)
		after := memory(s)
		s.Note("%d connections came and went; the memory went from %d to %d MiB", conns, before>>20, after>>20)
		if after-before <= free {
			return
		}
		if round >= rounds && leaking(s, after-first, began) {
			s.Failf(session.Wrong, fmt.Sprintf("the server's memory grew by %d bytes for each connection that had come and gone", (after-first)/int64(round*conns)),
				fmt.Sprintf("less than %d MiB for %d connections in one round, before it has grown by %d MiB or for %v", free>>20, conns, max(leakAt, int64(s.Info.Memory))>>20, leakAfter),
				fmt.Sprintf("%d MiB more after %d rounds, %d in the last", (after-first)>>20, round, (after-before)>>20), "something is kept for each connection for ever, or "+declareMemory)
		}
		before = after
	}
}

func threadsAfterChurn(s *session.Session) {
	const conns, free = 400, 100 // a runtime parks threads that it once needed, some for each core
	payload := s.Payload(100)
	one := func(i int) {
		c := s.Open()
		c.Exchange(payload)
		if i%2 == 0 {
			c.Reset()
		} else {
			c.Close()
		}
	}
	threads := func() int { return len(observed(s, "the threads", s.Tree().Threads)) }
	spread(s, conns, one)
	s.ServesFresh()
	s.Pause(settle)
	before, after := threads(), 0
	for again := false; ; again = true {
		spread(s, conns, one)
		s.ServesFresh()
		if _, held := s.Holds(2*s.Await(), func() bool { after = threads(); return after <= before+free }); held {
			return
		}
		if again { // as many more twice: no pool that was filling up
			s.Failf(session.Wrong, fmt.Sprintf("%d threads more are there after %d connections that came and went", after-before, conns),
				fmt.Sprintf("%d as before, and %d to spare", before, free), fmt.Sprintf("%d, for the second time", after), "a connection's thread is parked when it ends, and never used again")
		}
		before = after
	}
}

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
		c.Exchange(payload[:100])
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
