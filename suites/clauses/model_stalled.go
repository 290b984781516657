package clauses

import (
	"fmt"
	"maps"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// fewestStalled is how many clients stall at least. Most pools have 32 threads or
	// fewer, and forty stopped one of 32 where eight did not (gunicorn 3518).
	fewestStalled = 40
	// beyondThreads is how many more stall than the target has threads.
	beyondThreads = 8
	// mostStalled is how many stall at the most, and mostUnread of those that do not
	// read: each of these holds some 6 MiB in the kernel's buffers.
	mostStalled, mostUnread = 400, 80
	// stallBytes is what a client that does not read asks for, in bytes: more than
	// loopback's buffers hold on its way, and no more than a server can well queue.
	stallBytes = 8 << 20
)

// stalledKeepNobody stalls more clients than the target has threads, with half a request sent and
// then with replies unread: four others must be served beside them.
func stalledKeepNobody(s *session.Session) {
	threads := len(observed(s, "the threads", s.Tree().Threads))
	want := max(fewestStalled, threads+beyondThreads)
	room := s.Room(min(want, mostStalled)+spareOthers) - spareOthers
	if room < 2 {
		s.Untested(fmt.Sprintf("there is room for %d clients only: too few to stall", room+spareOthers))
	}
	halves := stallHalf(s, room)
	judgeBeside(s, halves, "have sent half a request")
	closeAll(halves)
	s.ServesFresh()
	said := fmt.Sprintf("%d clients with half a request", len(halves))
	beyond := len(halves) > threads
	if s.Dialect.Pipelines() && !dialect.Ends(s.Dialect) && !dialect.Constant(s.Dialect) {
		readers := stallReaders(s, min(room, mostUnread))
		judgeBeside(s, readers, "do not read")
		closeAll(readers)
		s.ServesFresh()
		said += fmt.Sprintf(" and %d that do not read", len(readers))
		beyond = beyond && len(readers) > threads
	}
	s.Note("others were served beside %s; it has %d threads", said, threads)
	if !beyond && !s.Declared() {
		s.Untested(fmt.Sprintf("it has %d threads, and no more stalled than %s: whether as many as there are threads would keep others waiting was not seen", threads, said))
	}
}

// spareOthers is how many clients a target has to have room for beside those that stall.
const spareOthers = 4

// stallHalf opens n connections that have sent half a request.
func stallHalf(s *session.Session, n int) []*session.Conn {
	conns := make([]*session.Conn, n)
	for i := range conns {
		t := newFramedTalk(s, 2000)
		request := t.request(0)
		if len(request) < 2 {
			s.Untested("a request is one byte: there is no half of one")
		}
		t.c.Send(request[:len(request)/2])
		conns[i] = t.c
	}
	return conns
}

// stallReaders opens n connections and asks for more on each than it reads, until the
// server takes no more, or has taken stallBytes. It returns those on which output met a
// full buffer: the server has stopped to read, at rest, or keeps what its socket has no
// room for.
func stallReaders(s *session.Session, n int) []*session.Conn {
	const rounds, mostAhead = 4, 20_000 // requests: where they are small, a server works through more for too long
	talks := make([]*talk, n)
	for i := range talks {
		c := s.Open()
		c.SetReadBuffer(64 << 10)
		talks[i] = newTalk(s, c, pieceSize)
	}
	took, cut := make([]bool, n), make([]bool, n) // in the last round; closed by the server
	for round := range rounds {
		for i, t := range talks {
			if round > 0 && !took[i] {
				continue
			}
			s.Go(func() {
				asked, left := t.asked, len(t.rest)
				_, err := t.push(min(t.requests(stallBytes), mostAhead), stallPatience)
				cut[i] = err != nil
				took[i] = !cut[i] && (t.asked != asked || len(t.rest) != left)
			})
		}
		s.Join()
		quiet(s) // what stood still may have been slow
	}
	unsent := map[string]bool{}
	for _, socket := range observed(s, "the sockets", s.Tree().Sockets) {
		unsent[socket.Remote] = socket.TxQueue > 0
	}
	var stalled []*session.Conn
	for i, t := range talks {
		if cut[i] {
			continue
		}
		if !took[i] && len(t.rest) > 0 || unsent[t.c.Local().String()] && t.asked*t.size >= stallBytes {
			stalled = append(stalled, t.c)
		}
	}
	if len(stalled) < n {
		s.Note("of %d clients that do not read %d met a full buffer", n, len(stalled))
	}
	return stalled
}

// quiet waits until no more bytes move in the server's sockets: it works through what
// it was sent, and is not to be blamed for that.
func quiet(s *session.Session) {
	began := time.Now()
	for before := queues(s); ; {
		s.Pause(settle)
		now := queues(s)
		if maps.Equal(now, before) {
			return
		}
		if before = now; time.Since(began) > restPatience {
			s.Untested(fmt.Sprintf("the server still worked through what it was sent, %v later", restPatience))
		}
	}
}

// judgeBeside fails the clause if others are not served beside the stalled clients.
// A thread for each connection may have a bounded number of them, which is the
// target's own affair: then half of those that stall leave, and whoever is served
// in their place was waiting for it.
func judgeBeside(s *session.Session, stalled []*session.Conn, how string) {
	refused := s.Trial(func() {
		for range spareOthers {
			s.ServesFresh()
		}
	})
	if refused == nil {
		return
	}
	if s.Info.Class == "thread-per-connection" && !s.Declared() {
		closeAll(stalled[:(len(stalled)+1)/2])
		if s.Trial(s.ServesFresh) == nil {
			s.Untested(fmt.Sprintf("it serves nobody beside %d clients that %s: it holds fewer than %d at once, and its class leaves open how many: say max_clients", len(stalled), how, len(stalled)))
		}
	}
	refused.Reason = fmt.Sprintf("beside %d clients that %s, %s", len(stalled), how, refused.Reason)
	if refused.Why == "" {
		refused.Why = "a thread stays with its client until that has gone on, and there are no more threads"
	}
	s.Fail(refused)
}
