package clauses

import (
	"fmt"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

// What a server owes when it is told to stop. A client of any dialect has output wait: it asks on
// a narrow connection, and reads nothing.

const (
	// beyondNarrow is more than the kernel holds of a narrow connection in both directions,
	// in bytes.
	beyondNarrow = 4 << 20
	// stillFor is for how long nothing may move for output to count as waiting: by then all that
	// arrived has been acknowledged, which may take 200 ms.
	stillFor = 250 * time.Millisecond
	// takenWithin is how long a server may take to read a request. It only
	// says when to go on.
	takenWithin = 300 * time.Millisecond
)

// socketOf is the server's socket of a connection; false when it has none, or none that is open.
func socketOf(s *session.Session, c *session.Conn) (observe.Socket, bool) {
	client := c.Local().String()
	for _, socket := range observed(s, "the sockets", s.Tree().Sockets) {
		if socket.Remote == client {
			return socket, socket.State == "ESTABLISHED" || socket.State == "CLOSE_WAIT"
		}
	}
	return observe.Socket{}, false
}

// openAt reports whether the server still has the connection open.
func openAt(s *session.Session, c *session.Conn) bool {
	_, open := socketOf(s, c)
	return open
}

// waiting is what waits in the server's socket of a connection.
func waiting(s *session.Session, c *session.Conn) queue {
	socket, _ := socketOf(s, c)
	return queue{socket.RxQueue, socket.TxQueue}
}

// narrowTalk is a talk on a narrow connection, and how many requests it may take.
func narrowTalk(s *session.Session, bytes int) (t *talk, total int) {
	if s.Target.Network() == "unix" {
		s.Untested("of unix sockets the kernel does not tell what waits in them: judge it over TCP")
	}
	const mostAhead = 20_000 // where requests are small, a server works through more for too long
	t = newTalk(s, s.Ready(s.DialNarrow()), pieceSize)
	t.before = t.c.Received()
	if _, told := t.c.Unheard(); !told {
		s.Untested("over TLS the kernel does not tell what waits of a server's output: judge it without")
	}
	total = min(t.requests(bytes), mostAhead)
	switch {
	case !s.Dialect.Pipelines() || s.Dialect.Requests() == 1:
		total = 1
	case s.Dialect.Name() == "http":
		total = min(total, mostRequests-1)
	}
	return t, total
}

// unreadOutput has a client ask until the server takes no more, or a great deal was taken, and read nothing.
// When it returns output waits in the server's socket, and nothing moves.
func unreadOutput(s *session.Session) *talk {
	t, total := narrowTalk(s, beyondNarrow+min(unreadLimit(s), 64<<20))
	if _, err := t.push(total, stallPatience); err != nil {
		endedEarly(s, t)
	}
	outputWaits(s, t)
	return t
}

// outputWaits ends the check unless output waits in the server's socket, and returns since when.
func outputWaits(s *session.Session, t *talk) (since time.Time) {
	var last queue
	since = time.Now()
	if _, waits := s.Holds(s.Await(), func() bool {
		if !openAt(s, t.c) {
			endedEarly(s, t)
		}
		now := waiting(s, t.c)
		if now != last {
			last, since = now, time.Now()
		}
		return now.unsent > 0 && time.Since(since) > stillFor
	}); !waits {
		s.Untested(fmt.Sprintf("no output waits: %d requests of %d bytes were sent ahead, and %d bytes wait in the server's socket to be sent", t.asked, t.size, last.unsent))
	}
	return since
}

// endedEarly ends the check: the server does not keep clients that read nothing.
func endedEarly(s *session.Session, t *talk) {
	s.Untested(fmt.Sprintf("the server ended the connection of a client that had read nothing of the replies to %d requests of %d bytes, before anything was asked of it", t.asked, t.size))
}

// writtenTo is how many bytes the server has written to a connection so far: what has arrived, and
// what its socket holds. Bytes that are not acknowledged yet count twice, as many as the narrow window
// holds, until nothing moves.
func writtenTo(s *session.Session, c *session.Conn) int64 {
	for { // bytes may pass from one to the other while they are counted
		before := waiting(s, c).unsent
		arrived, _ := c.Arrived()
		if after := waiting(s, c).unsent; after == before {
			return arrived + int64(after)
		}
	}
}

// readOutput has output wait of which no request is left unread: the client asks
// piece by piece, and where the server stops reading it takes replies until all is read. since is
// when something moved last.
func readOutput(s *session.Session, bytes int) (t *talk, since time.Time) {
	t, total := narrowTalk(s, bytes)
	const pieces = 4 // at a time
	taken := func() bool {
		unheard, _ := t.c.Unheard()
		return unheard == 0 && len(t.rest) == 0 && waiting(s, t.c).unread == 0
	}
	for all := true; all && t.asked < total; {
		if _, err := t.push(min(t.asked+pieces, total), stallPatience); err != nil {
			endedEarly(s, t)
		}
		_, all = s.Holds(takenWithin, taken)
	}
	for !taken() && t.heard < t.asked {
		t.hear(t.heard + 1)
		if len(t.rest) > 0 {
			_, _ = t.push(t.asked, stallPatience/10)
		}
		s.Holds(takenWithin/10, taken)
	}
	since = outputWaits(s, t)
	if !taken() {
		s.Untested(fmt.Sprintf("the server leaves a part of %d requests of %d bytes unread for as long as output waits", t.asked, t.size))
	}
	return t, since
}

// slowOutput is a connection with much output waiting, and since when it waits.
func slowOutput(s *session.Session) (c *session.Conn, since time.Time) {
	if offers(s, "source") {
		return s.DialNarrow().SignOn(fmt.Sprintf("SOURCE %d", int64(1)<<40)), time.Now()
	}
	t, since := readOutput(s, beyondNarrow)
	return t.c, since
}

// everyByteIsDue reports whether what the server has read is due at once, as an echo is.
func everyByteIsDue(s *session.Session) bool {
	return s.Dialect.Name() == "echo" || s.Dialect.Name() == "probe"
}

// due is what a server owes a client when it is told to stop: so many bytes, from the start of the
// connection, and the rest of a reply that has begun.
type due struct {
	*talk
	bytes int64
}

// owed is what is due to t's client by now: what has been written and, of an echo, what has
// been read.
func owed(s *session.Session, t *talk) due {
	d := due{t, writtenTo(s, t.c)}
	if everyByteIsDue(s) {
		unheard, _ := t.c.Unheard()
		sent := int64(t.asked)*int64(t.size) - int64(len(t.rest))
		d.bytes = max(d.bytes, t.before+sent-int64(unheard)-int64(waiting(s, t.c).unread))
	}
	return d
}

// arrives reads what is due, and fails the clause where it does not come.
func (d due) arrives() {
	d.c.Patience(stopWithin)
	for ; d.heard < d.asked; d.heard++ {
		read := d.c.Received() - int64(d.c.Input().Buffered())
		if everyByteIsDue(d.s) && read >= d.bytes {
			return
		}
		failure := d.s.Trial(func() { d.reply(d.heard) })
		if failure == nil {
			continue
		}
		got := d.c.Received()
		if torn := got > read && !everyByteIsDue(d.s); torn || got < d.bytes {
			failure.Reason = fmt.Sprintf("output that was due at SIGTERM did not arrive, %d bytes of at least %d did: %s", got, d.bytes, failure.Reason)
			d.s.Fail(failure)
		}
		return // what was due is there, and the rest was asked for in vain
	}
}

// deliversWhatIsDue sends SIGTERM while output waits for its readers, who then read: all that was
// due must come, and FIN, and the server must exit in time.
func deliversWhatIsDue(s *session.Session) {
	const size = 8 << 20
	var source *session.Conn
	if offers(s, "source") {
		source = s.Converse(fmt.Sprintf("SOURCE %d", size)).Patience(stopWithin)
	}
	var d due
	if source == nil || !serial(s) {
		t, _ := readOutput(s, 1<<20)
		d = owed(s, t)
	}
	s.Pause(settle)
	terminate(s, stopWithin, "with output due", func() {
		s.Pause(settle)
		if source != nil {
			s.Go(func() {
				sourceArrives(s, source, size)
				source.WantEOF()
			})
		}
		if d.talk != nil {
			d.arrives()
			d.c.WantEOF()
		}
		s.Join()
	})
}

// sourceArrives reads n bytes of a SOURCE conversation.
func sourceArrives(s *session.Session, c *session.Conn, n int) {
	const cycle = 251
	pattern := make([]byte, 256*cycle)
	for i := range pattern {
		pattern[i] = byte(i % cycle)
	}
	for done := 0; done < n; {
		piece := min(len(pattern), n-done)
		c.Want(pattern[:piece], fmt.Sprintf("the output that was due, from byte %d of %d on,", done, n))
		done += piece
	}
}

// unreadInputTakesNothing sends SIGTERM while input lies unread on a connection whose output is on
// its way: the output that was due must arrive all the same.
func unreadInputTakesNothing(s *session.Session) {
	t := unreadOutput(s)
	var d due
	ask := func() {
		if waiting(s, t.c).unread == 0 {
			if _, err := t.push(t.asked+1, stallPatience); err != nil {
				endedEarly(s, t)
			}
		}
		if _, unread := s.Holds(takenWithin, func() bool { return waiting(s, t.c).unread > 0 }); !unread {
			s.Untested("no input lies unread in the server's socket")
		}
		d = owed(s, t)
	}
	resume := func() {}
	if waiting(s, t.c).unread == 0 {
		resume = suspend(s) // it reads whatever comes, so it is kept from that
	}
	ask()
	if err := s.Target.Signal(syscall.SIGTERM); err != nil {
		s.Failf(session.Wrong, "the server was gone before SIGTERM", "it serves", err.Error(), "")
	}
	// A close over unread input makes the kernel reset the connection, and drop the output.
	resume()
	d.arrives()
}

// stopsBesideStalledClient sends SIGTERM beside a client that asks and never reads: the server must
// exit with status 0 within six seconds.
func stopsBesideStalledClient(s *session.Session) {
	unreadOutput(s)
	terminate(s, stopWithin+stopGrace, "beside a client that never reads", nil)
}

// acceptsNoMore sends SIGTERM while a client that does not read holds the stop up: nobody who
// connects 0.7 s later may be served.
func acceptsNoMore(s *session.Session) {
	unreadOutput(s) // holds the drain up
	if err := s.Target.Signal(syscall.SIGTERM); err != nil {
		s.Failf(session.Wrong, "the server was gone before SIGTERM", "it serves", err.Error(), "")
	}
	const deaf = 700 * time.Millisecond
	s.Pause(deaf)
	watch, payload := s.Clock(), s.Payload(16)
	var late []*session.Conn
	// All is said while the server is suspended, so that it is there when it takes the connections.
	failure := s.Trial(func() {
		stopped(s, func() {
			for range 4 {
				if c, err := s.TryDial(); err == nil && s.Trial(func() { c.Ask(payload) }) == nil {
					late = append(late, c)
				}
			}
		})
	})
	switch {
	case failure == nil:
	case s.Target.Alive() != nil:
		return // it has stopped by now, and serves nobody
	default:
		s.Fail(failure)
	}
	for _, c := range late {
		if s.Trial(func() { c.Answered(payload) }) == nil {
			s.Failf(session.Late, fmt.Sprintf("a new connection was served %v after SIGTERM", deaf), "it is refused, closed, or never answered",
				"the reply to its request, after "+watch.Elapsed().String(), "the listener is still on")
		}
		c.Close()
	}
}
