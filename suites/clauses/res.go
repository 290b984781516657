package clauses

import (
	"fmt"

	"github.com/reactorspec/reactorspec/suites/session"
)

var resources = []session.Check{
	{Clause: "RES-1", Study: true, Run: descriptorsAfterFIN},
	{Clause: "RES-2", Study: true, Run: descriptorsAfterReset},
	{Clause: "RES-3", Study: true, Long: true, Run: memoryAfterChurn},
	{Clause: "RES-4", Study: true, Run: memoryPerConnection},
	{Clause: "RES-5", Study: true, Run: thousandAtOnce},
	{Clause: "RES-6", Study: true, Run: pollersAfterChurn},
	{Clause: "RES-7", Study: true, Run: descriptorsAfterHalfRequests},
	{Clause: "RES-8", Study: true, Run: threadsAfterChurn},
}

const (
	// churners run connections side by side; more would only queue on two cores.
	churners = 4
	// spareFDs is what a server may hold more than before: a log, a pool, a
	// descriptor that a runtime opened late. Of descriptors that are no sockets
	// there may be one more in spareShare connections: a runtime's pools grow
	// with the connections that it happened to serve at a time.
	spareFDs   = 8
	spareShare = 50
)

// spread runs n connections through one, churners at a time; each gets its number.
func spread(s *session.Session, n int, one func(i int)) {
	workers := several(s, churners)
	for w := range workers {
		s.Go(func() {
			for i := w; i < n; i += workers {
				one(i)
			}
		})
	}
	s.Join()
}

// givesBack fails the clause if the tree's sockets, or its descriptors of any
// kind, grow with the connections that came and went: twice, so that a pool which
// fills up once, or a cache that a runtime empties now and then, is no loss.
func givesBack(s *session.Session, n int, how string, abuse func(i int)) {
	spread(s, n/8, abuse) // a warm-up: what is opened once is not lost
	s.Sane()
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
		spread(s, n, abuse)
		s.Sane()
		for i := range kinds {
			kind := &kinds[i]
			// Descriptors of connections that the server itself saw end go at
			// once; those of a lingering close may take its timeout.
			_, held := s.Holds(2*s.Await(), func() bool {
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

func descriptorsAfterFIN(s *session.Session) {
	payload := s.Payload(200)
	givesBack(s, 2000, "ended by FIN", func(i int) {
		c := s.Open()
		c.Exchange(payload)
		if i%2 == 0 {
			c.CloseWrite()
		}
		c.Close()
	})
}

func descriptorsAfterReset(s *session.Session) {
	small, large := s.Payload(200), s.Payload(200_000)
	givesBack(s, 1000, "were reset", func(i int) {
		c := s.Open()
		switch i % 4 {
		case 0:
			c.Exchange(small)
		case 1:
			_, _ = c.TrySend(s.Dialect.Request(large))
		case 2:
			_, _ = c.TrySend(s.Dialect.Request(large)[:100])
		}
		c.Reset()
	})
}

func descriptorsAfterHalfRequests(s *session.Session) {
	request := s.Dialect.Request(s.Payload(100))
	givesBack(s, 500, "ended amid their beginning", func(i int) {
		c := s.Dial()
		switch {
		case i%3 == 0: // nothing is sent
		case s.Dialect.Name() == "probe" && i%3 == 1:
			c.Send([]byte("ECH"))
		default:
			c.Send(request[:len(request)/2])
		}
		if i%2 == 0 {
			c.Reset()
		} else {
			c.Close()
		}
	})
}

func memoryAfterChurn(s *session.Session) {
	const warm, conns, free = 1000, 3000, 24 << 20
	payload := s.Payload(2000)
	one := func(i int) {
		c := s.Open()
		c.Exchange(payload)
		c.Close()
	}
	rss := func() int64 { return observed(s, "the memory", s.Tree().RSS) }
	spread(s, warm, one)
	before := rss()
	for again := false; ; again = true {
		spread(s, conns, one)
		s.Pause(settle)
		after := rss()
		if after-before <= free {
			return
		}
		if again { // it grew by as much twice: no cache that was filling up
			s.Failf(session.Wrong, fmt.Sprintf("the server's memory grew by %d KiB for each connection that had come and gone", (after-before)/conns>>10),
				fmt.Sprintf("less than %d MiB for %d connections", free>>20, conns), fmt.Sprintf("%d MiB, for the second time", (after-before)>>20), "something is kept for each connection for ever")
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
	s.Sane()
	s.Pause(settle)
	before, after := threads(), 0
	for again := false; ; again = true {
		spread(s, conns, one)
		s.Sane()
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
	const conns, most = 400, 128 << 10
	payload := s.Payload(256 << 10) // what it takes is given back once it was answered
	rss := func() int64 { return observed(s, "the memory", s.Tree().RSS) }
	for range 3 {
		s.Sane()
	}
	before := rss()
	held := make([]*session.Conn, conns)
	spread(s, conns, func(i int) {
		held[i] = s.Open()
		exchangeWhole(s, held[i], payload)
		held[i].Exchange(payload[:100])
	})
	each := int64(0)
	if _, held := s.Holds(2*s.Await(), func() bool { each = (rss() - before) / conns; return each <= most }); !held {
		s.Failf(session.Wrong, fmt.Sprintf("an idle connection costs %d KiB of memory", each>>10), fmt.Sprintf("at most %d KiB", most>>10), fmt.Sprintf("%d connections hold %d MiB", conns, each*conns>>20), "")
	}
	closeAll(held)
}

func thousandAtOnce(s *session.Session) {
	const conns = 1200
	held := make([]*session.Conn, conns)
	spread(s, conns, func(i int) { held[i] = s.Open() })
	spread(s, conns, func(i int) { held[i].Exchange(s.Payload(64)) })
	spread(s, conns, func(i int) { held[conns-1-i].Exchange(s.Payload(64)) })
	closeAll(held)
	s.Sane()
}

func pollersAfterChurn(s *session.Session) {
	const spare = 4
	watched := func() (n int) {
		for _, p := range observed(s, "the pollers", s.Tree().Pollers) {
			n += len(p.Watched)
		}
		return n
	}
	churnOnce := func() (peak int) {
		conns := make([]*session.Conn, several(s, 200))
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
	s.Sane()
	s.Pause(2 * settle)
	before, after := watched(), 0
	peak := churnOnce()
	if _, held := s.Holds(2*s.Await(), func() bool { after = watched(); return after <= before+spare }); !held {
		s.Failf(session.Wrong, fmt.Sprintf("%d descriptors of ended connections are still registered", after-before),
			fmt.Sprintf("%d registered as before, and %d to spare", before, spare), fmt.Sprintf("%d; %d with the connections open", after, peak), "")
	}
	s.Sane()
}
