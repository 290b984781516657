package clauses

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

// writesToTheGone closes and resets connections for which the server still has output: no process
// that is there to stay may die, and a fresh client must be served.
func writesToTheGone(s *session.Session) {
	before := standing(s)
	for round := range 4 {
		// A write after FIN and RST raises SIGPIPE; after an RST alone, the second one does.
		conns, _ := halfClosed(s)
		s.Pause(settle)
		if round%2 == 1 || serial(s) {
			closeAll(conns)
			conns = nil
		}
		for i := range several(s, 8) {
			var c *session.Conn
			if i%2 == 1 && offers(s, "source") {
				c = s.Converse("SOURCE 16777216")
			} else {
				c = s.Open()
				stuff(s, c, 1<<20)
			}
			conns = append(conns, c)
		}
		for i, c := range conns {
			if (i+round)%2 == 0 {
				c.Reset()
			} else {
				c.Close() // with output unread: the kernel answers what follows with RST
			}
		}
	}
	s.Pause(settle)
	if gone := ended(s, before); len(gone) > 0 {
		endByThemselves(s)
		s.Failf(session.Wrong, fmt.Sprintf("process %d died when it wrote to connections that their clients had closed", gone[0].Pid),
			"the process goes on", fmt.Sprintf("%d of %d processes are gone", len(gone), len(before)), "SIGPIPE is not ignored, or EPIPE is taken for fatal")
	}
	s.ServesFresh()
}

// halfClosed brings several connections to the state in which the server
// knows of the FIN and still has output it cannot deliver. How much fits into
// the kernel's buffers on the way differs, so the amounts are staggered: some
// of them stop the server short of the FIN, some leave it with output pending. cut is on
// how many of them the server itself came first with its end.
func halfClosed(s *session.Session) (conns []*session.Conn, cut int) {
	conns = make([]*session.Conn, several(s, 8))
	var ended atomic.Int32
	for i := range conns {
		c := s.Open()
		c.SetReadBuffer(128 << 10)
		conns[i] = c
		s.Go(func() {
			if stuff(s, c, (i+1)<<20).cut {
				ended.Add(1)
			}
			if half, ok := c.Raw().(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite() // a server that closed it already may have
			}
		})
	}
	s.Join()
	return conns, int(ended.Load())
}

// standing lists the processes of the target that are there for more than a
// connection: those that were there before some came, and are when they have gone.
func standing(s *session.Session) []observe.Process {
	s.ServesFresh()
	s.Pause(settle)
	before := observed(s, "the processes", s.Tree().Processes)
	for range 3 {
		s.ServesFresh()
		s.Pause(settle)
	}
	gone := ended(s, before)
	return slices.DeleteFunc(before, func(p observe.Process) bool { return slices.Contains(gone, p) })
}

// ended lists the processes that the target has no more.
func ended(s *session.Session, before []observe.Process) (gone []observe.Process) {
	after := observed(s, "the processes", s.Tree().Processes)
	for _, p := range before {
		if !slices.Contains(after, p) {
			gone = append(gone, p)
		}
	}
	return gone
}

// endByThemselves ends the check where processes of the target end in quiet times too,
// as the spare ones of a pool do, or those that outlive their connection by a moment.
func endByThemselves(s *session.Session) {
	known := map[observe.Process]bool{}
	for range 20 {
		for _, p := range observed(s, "the processes", s.Tree().Processes) {
			known[p] = true
		}
		s.ServesFresh()
		s.Pause(settle / 2)
	}
	if gone := ended(s, slices.Collect(maps.Keys(known))); len(gone) > 0 {
		s.Untested(fmt.Sprintf("%d of its processes ended without any abuse: what one dies of cannot be told", len(gone)))
	}
}
