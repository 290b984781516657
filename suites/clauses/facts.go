package clauses

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/session"
)

const (
	// settle is what a server gets to finish what it was just asked.
	settle = 150 * time.Millisecond
	// The spec's bounds on undisturbed time.
	prompt   = session.Prompt
	punctual = session.Punctual
)

// observed reads something the kernel says of the target. A process that is gone is
// the target's failure, a fact that we may not read is nobody's.
func observed[T any](s *session.Session, what string, read func() (T, error)) T {
	value, err := read()
	switch {
	case err == nil:
	case errors.Is(err, observe.ErrGone), errors.Is(err, observe.ErrReused):
		s.Failf(session.Wrong, "the server's process ended", "the process goes on", err.Error(), "it crashed, or took a condition of one connection for the end")
	default:
		unable(s, what+" cannot be seen", err)
	}
	return value
}

// unable ends the check over what cannot be seen of the target or done to it: untested
// where we have no right to it, as we shall have none the next time.
func unable(s *session.Session, what string, err error) {
	if errors.Is(err, observe.ErrDenied) {
		s.Untested(fmt.Sprintf("%s: %v", what, err))
	}
	s.Inconclusive(fmt.Sprintf("%s: %v", what, err))
}

// several is n, or as many clients as the target has room for: one, if it is
// iterative.
func several(s *session.Session, n int) int { return s.Room(n) }

// beside opens n connections, or as many as several, for a check that one could do alone:
// where the second is not served beside the first, which is MODEL's matter, there is one.
func beside(s *session.Session, n int) []*session.Conn {
	conns := []*session.Conn{s.Open()}
	conns[0].Exchange(s.Payload(32))
	for range several(s, n) - 1 {
		var c *session.Conn
		if waits := s.Trial(func() {
			c = s.Open()
			c.Exchange(s.Payload(32))
		}); waits != nil {
			s.Note("a client beside %d others is not served: %s", len(conns), waits.Reason)
			if c != nil {
				c.Close()
			}
			break
		}
		conns = append(conns, c)
	}
	return conns
}

// opened returns n connections, or as many as several, that have had one exchange each
// and go on; where a connection takes one request only, they have that before them.
func opened(s *session.Session, n int) []*session.Conn {
	const tries = 8
	conns := make([]*session.Conn, several(s, n))
	for i := range conns {
		conns[i] = s.Open()
		if s.Dialect.Requests() == 1 {
			continue
		}
		for try := 0; try == 0 || conns[i].Over(); try++ {
			if try == tries {
				s.Untested(fmt.Sprintf("the server closed %d connections in a row behind their first reply, as it said, and the check needs some that stay open", tries))
			}
			conns[i] = conns[i].Next()
			conns[i].Exchange(s.Payload(32))
		}
	}
	return conns
}

func closeAll(conns []*session.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// patient is how long a write may make no progress before the server counts as
// having stopped to read. It only chooses how much is sent.
const patient = 250 * time.Millisecond

// mostStuffed bounds the requests that stuff sends, however small they are: a
// server works through them for seconds at most. So few are sent where the replies to
// all of those would fit into the sockets: no number of them makes output wait, and
// eight clients that each have 100,000 are a minute's work for some.
const (
	mostStuffed = 100_000
	fewStuffed  = 1_000
)

// stuffing is the payload of the requests that stuff sends, in bytes.
const stuffing = 64 << 10

// firstStuffed is how many small requests go ahead, to see whether the server takes more.
const firstStuffed = 2

// stuff writes requests and reads nothing, until the server takes no more, or closes, or
// most bytes were written. In a dialect that has a client wait for each reply it is one
// request. Where requests are small the first ones go ahead: a server that ends the
// connection behind its first reply may still work through all that it was sent, and
// would have 100,000 of them.
func stuff(s *session.Session, c *session.Conn, most int) (done stuffed) {
	const piece = 32 << 10 // bytes of one write
	request := c.Dialect().Request(s.Payload(stuffing))
	one := len(request)
	if one == 0 {
		return done
	}
	most = min(most, mostStuffed*one)
	pieces, ahead := request, 0
	if !s.Dialect.Pipelines() {
		most = 1
	} else if len(request) < piece {
		pieces = bytes.Repeat(request, min(piece, most)/len(request)+1)
		ahead = firstStuffed * one
	}
	socket, sent := c.Raw(), 0
	for sent < most {
		if finished(c) {
			done.cut = true
			break
		}
		request = pieces
		if sent < ahead {
			request = pieces[:ahead]
		}
		_ = socket.SetWriteDeadline(time.Now().Add(patient))
		n, err := socket.Write(request)
		c.Sent(request[:n])
		if sent += n; err != nil {
			done.stood = errors.Is(err, os.ErrDeadlineExceeded)
			done.cut = !done.stood
			break
		}
		if sent == ahead {
			if came := answers(s, c); came > 0 && came/firstStuffed*mostStuffed < owedBySockets/8 {
				most = min(most, ahead+fewStuffed*one)
				pieces = pieces[:min(len(pieces), fewStuffed*one)]
			}
		}
	}
	_ = socket.SetWriteDeadline(time.Time{})
	s.Note("%s took %d bytes of requests unread", c.Local(), sent)
	done.asked = sent / one
	return done
}

// stuffed is what came of it, as a talk has it.
type stuffed struct {
	asked      int // requests written whole
	stood, cut bool
}

// answers waits until something of an answer has come, which stays unread, and a moment
// longer: the end of the connection may follow. It waits for no longer than patient, and
// returns how many bytes came; 0 where that is not told.
func answers(s *session.Session, c *session.Conn) (came int) {
	const moment = 20 * gap
	for began := time.Now(); !finished(c) && time.Since(began) < patient; s.Pause(s.Budget.Poll) {
		unread, told := unreadInput(c)
		if !told {
			return 0
		}
		if unread > 0 {
			s.Pause(moment)
			came, _ = unreadInput(c)
			return came
		}
	}
	return 0
}

// stopped runs f while the target is stopped by SIGSTOP.
func stopped(s *session.Session, f func()) {
	defer suspend(s)()
	f()
}

// suspend stops the target by SIGSTOP, until resume is called.
func suspend(s *session.Session) (resume func()) {
	list := observed(s, "the processes", s.Tree().Processes)
	resume = func() {
		for _, p := range list {
			if err := p.Signal(observe.Continue); err != nil && !errors.Is(err, observe.ErrGone) {
				s.Inconclusive(fmt.Sprintf("process %d of the target cannot be let go on: %v", p.Pid, err))
			}
		}
	}
	for _, p := range list {
		if err := p.Signal(observe.Stop); err != nil && !errors.Is(err, observe.ErrGone) {
			resume()
			unable(s, "the server cannot be stopped", err)
		}
	}
	return resume
}

const (
	// rainPause is the time between two signals to a thread.
	rainPause = time.Millisecond
	// rainLook is after how many signals the threads are listed anew.
	rainLook = 50
)

// rain lets harmless signals fall on every thread of the target until the
// returned function is called, which may be called twice. A signal that is sent
// to a process goes to its first thread, and loops run on others.
func rain(s *session.Session) (end func()) {
	tree := s.Tree()
	threads := observed(s, "the threads", tree.Threads)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(rainPause)
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-s.Context().Done():
				return
			case <-ticker.C:
			}
			if i%rainLook == rainLook-1 {
				if now, err := tree.Threads(); err == nil {
					threads = now
				}
			}
			for _, t := range threads {
				t.Nudge(i) // whoever died shows in the check
			}
		}
	}()
	over := false
	return func() {
		if !over {
			over = true
			close(stop)
		}
		<-done
	}
}

// loops is the number of loops that the target declares, at least 1.
func loops(s *session.Session) int {
	n, err := strconv.Atoi(s.Hello()["loops"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// where asks which loop and thread serve a conversation.
func where(p *session.Probe) (loop, tid int64) {
	reply := p.OK("WHERE")
	return p.Int(reply, "loop"), p.Int(reply, "tid")
}

// neighbours returns two conversations on one loop; where the target cannot
// tell, it returns as many as make it very likely that some share a loop with
// the first.
func neighbours(s *session.Session) (first *session.Probe, others []*session.Probe) {
	first = s.Probe()
	if s.Info.Class != "multi-reactor" || loops(s) == 1 {
		return first, []*session.Probe{s.Probe()}
	}
	if !offers(s, "where") {
		for range 4 * loops(s) {
			others = append(others, s.Probe())
		}
		return first, others
	}
	home, _ := where(first)
	for range 16 * loops(s) {
		p := s.Probe()
		if loop, _ := where(p); loop == home {
			return first, []*session.Probe{p}
		}
		others = append(others, p)
	}
	return first, others
}

// onLoops returns one conversation on each loop, as far as 16 tries a loop find them.
func onLoops(s *session.Session) map[int64]*session.Probe {
	found := map[int64]*session.Probe{}
	for range 16 * loops(s) {
		p := s.Probe()
		loop, _ := where(p)
		if found[loop] != nil {
			p.Conn().Close()
			continue
		}
		if found[loop] = p; len(found) == loops(s) {
			break
		}
	}
	return found
}

// wantField fails the clause unless a field of a reply has that value.
func wantField(s *session.Session, what string, fields map[string]string, key string, value any) {
	if expected := fmt.Sprint(value); fields[key] != expected {
		s.Failf(session.Wrong, fmt.Sprintf("%s: %s=%s instead of %s", what, key, fields[key], expected), key+"="+expected, fmt.Sprint(fields), "")
	}
}

// inTime fails the clause Late when took exceeds limit.
func inTime(s *session.Session, what string, took, limit time.Duration, why string) {
	if took > limit {
		s.Failf(session.Late, fmt.Sprintf("%s took %v", what, took.Round(time.Millisecond)),
			fmt.Sprintf("at most %v of undisturbed time", limit), took.Round(100*time.Microsecond).String(), why)
	}
}
