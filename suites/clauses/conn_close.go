package clauses

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

// closeRounds is how many connections a check of a close race opens: 10-byte
// and 100-kB messages show different bugs, and races hide from few.
const closeRounds = 200

// answersAfterFIN sends a request with FIN right behind it, on 200 connections: the whole reply
// must come on each (the end is CONN-8's business).
func answersAfterFIN(s *session.Session) {
	inParallel(s, closeRounds, func(i int) {
		size := 10
		if i%2 == 1 {
			size = 100000
		}
		payload := s.Payload(size)
		c := s.Open()
		c.Request(payload)
		c.CloseWrite()
		c.Reply(payload)
		c.Close()
	})
	s.ServesFresh()
}

// inParallel runs n rounds, in four goroutines or (iterative targets) one.
func inParallel(s *session.Session, n int, round func(i int)) {
	workers := several(s, 4)
	for w := range workers {
		s.Go(func() {
			for i := w; i < n; i += workers {
				round(i)
			}
		})
	}
	s.Join()
}

// pendingOutputAfterFIN leaves megabytes of replies unread, sends FIN behind the last request, and
// reads: all the replies must come, and then the end.
func pendingOutputAfterFIN(s *session.Session) {
	each := replySize(s, pieceSize)
	unlessShed(s, beyondBuffers, func() {
		c := s.Open()
		t := newTalk(s, c, pieceSize)
		total := t.requests(beyondBuffers)
		if !s.Dialect.Pipelines() {
			total = 1
		}
		stalled, err := t.push(total, stallPatience)
		waited := t.owes(each, beyondBuffers)
		written := make(chan error, 1)
		s.Go(func() {
			if stalled && err == nil {
				_, err = t.push(total, s.Budget.Check)
			}
			if err == nil {
				c.CloseWrite()
			}
			written <- err
		})
		if !stalled {
			<-written // FIN is on its way before the first byte is read
			s.Pause(20 * gap)
		}
		t.hear(total)
		c.WantClosed()
		c.Close()
		if !waited {
			s.Untested(short(0, 1, t.asked, each))
		}
	})
	s.ServesFresh()
}

// closesAfterFIN half-closes connections that are new, used or silent, and those amid a login: the
// server must close each, and answer no line that was cut short.
func closesAfterFIN(s *session.Session) {
	stages := []func(*session.Conn){
		func(*session.Conn) {},
		func(c *session.Conn) { c.Exchange(s.Payload(100)) },
		func(c *session.Conn) { c.Exchange(s.Payload(100)); s.Pause(30 * gap) },
		func(*session.Conn) { s.Pause(30 * gap) },
	}
	for _, stage := range stages {
		for range 2 {
			c := s.Open()
			stage(c)
			c.CloseWrite()
			c.WantClosed()
			c.Close()
		}
	}
	if offers(s, "login") {
		for _, line := range []string{"", "USER half", "USER anna\n"} {
			c := s.Converse("MAIN")
			if line != "" {
				c.Send([]byte(line))
			}
			c.CloseWrite()
			if answer, end := c.ReadAll(1 << 10); end != session.EOF && end != session.Reset || strings.HasPrefix(string(answer), "OK USER half") {
				kind := session.Wrong
				if end == session.Timeout {
					kind = session.Late
				}
				s.Failf(kind, fmt.Sprintf("FIN behind %s in a login conversation", session.Quoted([]byte(line))),
					"the answer to a whole line, none to one that was cut short, then the end", session.Quoted(answer)+", then "+string(end), "")
			}
		}
	}
}

// sourceBytes are the bytes that SOURCE sends, from offset on.
func sourceBytes(offset, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte((offset + i) % 251)
	}
	return b
}

// wantSource reads n bytes of SOURCE from offset on.
func wantSource(c *session.Conn, offset, n int) {
	const piece = 251 << 10
	for n > 0 {
		part := min(n, piece)
		c.Want(sourceBytes(offset, part), fmt.Sprintf("the output of SOURCE from byte %d on", offset))
		offset += part
		n -= part
	}
}

// outputGoesOnAfterFIN asks SOURCE for 8 MiB and sends FIN at once, amid the output, and before any
// of it is read: all must come, and then the end.
func outputGoesOnAfterFIN(s *session.Session) {
	const n = 8 << 20
	signOn := []byte(fmt.Sprintf("SOURCE %d\n", n))
	// FIN right behind the sign-on.
	c := s.Dial()
	c.Send(signOn)
	c.CloseWrite()
	wantOK(s, c)
	wantSource(c, 0, n)
	c.WantClosed()
	c.Close()
	// FIN in the middle, and FIN while the reader is stalled.
	for _, first := range []int{1000, 0} {
		c := s.Converse(fmt.Sprintf("SOURCE %d", n))
		wantSource(c, 0, first)
		if first == 0 {
			s.Pause(100 * gap)
		}
		c.CloseWrite()
		s.Pause(10 * gap)
		wantSource(c, first, n-first)
		c.WantClosed()
		c.Close()
	}
	s.ServesFresh()
}

// outputBeforeClose has SOURCE send 0 bytes to 16 MiB and close, for early and late readers, and
// 200 times in a race: every byte must come, and then FIN.
func outputBeforeClose(s *session.Session) {
	for _, n := range []int{0, 1, 100000, beyondBuffers} {
		for _, late := range []bool{false, true} {
			c := s.Converse(fmt.Sprintf("SOURCE %d", n))
			if late {
				s.Pause(60 * gap)
			}
			wantSource(c, 0, n)
			c.WantEOF()
			c.Close()
		}
	}
	// Close races: the last bytes and the close leave the server together.
	inParallel(s, closeRounds, func(i int) {
		n := []int{10, 70000}[i%2]
		c := s.Converse(fmt.Sprintf("SOURCE %d", n))
		wantSource(c, 0, n)
		c.WantEOF()
		c.Close()
	})
}

// inputBeforeFIN sends bytes to SINK with FIN right behind them, on 200 connections: SUNK must
// count every byte, and then the end must come.
func inputBeforeFIN(s *session.Session) {
	const n = 100000
	payload := s.Payload(n)
	inParallel(s, closeRounds, func(i int) {
		n, c := n, s.Dial()
		if i%2 == 0 {
			c.Send([]byte("SINK\n"))
			wantOK(s, c)
			c.Send(payload)
			c.CloseWrite()
		} else { // all at once: data and hang-up meet the server together
			n = 20000
			c.Send(append([]byte("SINK\n"), payload[:n]...))
			c.CloseWrite()
			wantOK(s, c)
		}
		if got := c.WantLine(); got != fmt.Sprintf("SUNK %d", n) {
			s.Failf(session.Wrong, fmt.Sprintf("of %d bytes before FIN the server took in others: %s", n, session.Quoted([]byte(got))),
				fmt.Sprintf("SUNK %d", n), session.Quoted([]byte(got)), "the event with data and hang-up was taken for the hang-up alone")
		}
		c.WantClosed()
		c.Close()
	})
}

// everythingBeforeAccept sends the opening, a request and FIN before it reads, on 100 connections:
// on each the answer must come, and then the end.
func everythingBeforeAccept(s *session.Session) {
	const clients = 100
	if !dialect.TalksAhead(s.Dialect) {
		s.Untested("the dialect has a client listen before it asks, so nothing can be asked before the FIN")
	}
	type client struct {
		c       *session.Conn
		payload []byte
	}
	batch := clients
	if serial(s) {
		batch = 1
	}
	for done := 0; done < clients; done += batch {
		waiting := make([]client, batch)
		for i := range waiting {
			size := 10
			if i%2 == 1 {
				size = 20000
			}
			payload := s.Payload(size)
			c := s.Dial()
			c.Ask(payload)
			c.CloseWrite()
			waiting[i] = client{c, payload}
		}
		for _, w := range waiting {
			w.c.Answered(w.payload)
			w.c.WantClosed()
			w.c.Close()
		}
	}
	s.ServesFresh()
}

// inputBeforeClose sends 20,000 bytes on each of 60 SINK conversations, and closes them, while the
// server is suspended: STATS must count all these bytes.
func inputBeforeClose(s *session.Session) {
	const clients, n = 60, 20000
	p := s.Probe()
	in := func() int64 { return p.Int(p.OK("STATS"), "in") }
	payload := s.Payload(n)
	before := in()
	sinks := make([]*session.Conn, clients)
	for i := range sinks {
		sinks[i] = s.Converse("SINK")
	}
	// Data and hang-up meet the server together then. A closed client cannot be told, so the server's
	// own count is asked.
	stopped(s, func() {
		for _, c := range sinks {
			c.Send(payload)
			c.Close()
		}
	})
	var got int64
	if _, held := s.Holds(s.Budget.Await, func() bool { got = in() - before; return got >= clients*n }); !held {
		s.Failf(session.Wrong, fmt.Sprintf("of %d bytes sent before close the server took in %d", clients*n, got),
			fmt.Sprintf("in= grows by at least %d", clients*n), fmt.Sprintf("%d after %s", got, s.Budget.Await), "the event with data and hang-up was taken for the hang-up alone")
	}
}

// median returns the middle of some durations.
func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
