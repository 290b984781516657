package clauses

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

var handshakes = []session.Check{
	{Clause: "TLS-1", Needs: session.Words, Run: stalledHandshakesDelayNobody},
	{Clause: "TLS-2", Needs: session.Words, Run: handshakeInPieces},
	{Clause: "TLS-3", Study: true, Needs: session.Words, Run: floodOfHandshakes},
	{Clause: "TLS-4", Study: true, Needs: session.Words, Run: restsBesideHandshakes},
	{Clause: "TLS-5", Run: failedHandshakesEnd, Needs: session.Words},
	{Clause: "TLS-6", Study: true, Needs: session.Words, Run: descriptorsAfterHandshakes},
	{Clause: "TLS-7", Study: true, Long: true, Needs: session.Words, Run: memoryAfterHandshakes},
	{Clause: "TLS-8", Study: true, Long: true, Needs: session.Words, Run: idleTimeoutInHandshakes},
}

// stop is a state in which a client's handshake stops.
type stop int

const (
	unsaid   stop = iota // the client has said nothing
	half                 // it has sent half a ClientHello
	answered             // it has sent all of it, and holds the beginning of the server's answer
)

var stops = []stop{unsaid, half, answered}

func (at stop) String() string {
	return [...]string{"before a word of it", "amid its ClientHello", "behind the ServerHello"}[at]
}

// begun is a client whose handshake has come as far as that, and stops there.
func begun(s *session.Session, hello []byte, at stop) *session.Conn {
	c := s.DialBelow()
	switch at {
	case half:
		c.Send(hello[:len(hello)/2])
	case answered:
		c.Send(hello)
		if _, err := c.Input().Peek(1); err != nil {
			c.Blame(err, "the ServerHello", 0)
		}
	}
	return c
}

// The ways in which a client leaves its handshake.
const (
	byFIN = iota
	byReset
	waysToLeave
)

// breakOff leaves the handshake; FIN is sent by itself first, since the kernel makes of a
// close with unread input a reset.
func breakOff(c *session.Conn, way int) {
	if way == byReset {
		c.Reset()
		return
	}
	c.CloseWrite()
	c.Linger(lingers)
	c.Close()
}

const (
	// lingers is how long a client that has sent FIN amid its handshake leaves the server
	// to see it before its close, which may be a reset.
	lingers = 30 * time.Millisecond
	// stalling is how many clients stall in each state.
	stalling = 10
)

// stalledHandshakesDelayNobody stalls up to 30 handshakes, and lets the bytes of one more trickle:
// an old client and fresh ones must be served beside them.
func stalledHandshakesDelayNobody(s *session.Session) {
	hello := s.ClientHello()
	const others = 3 // one that is connected, one whose bytes trickle, and a fresh one
	places := s.Room(len(stops)*stalling + others)
	if places < len(stops)+others {
		s.Untested(fmt.Sprintf("there is room for %d clients only, and three stall while others are served", places))
	}
	before := s.Ready(s.Dial())
	one := s.Dialect.Requests() == 1
	if !one {
		before.Exchange(s.Payload(32))
	}
	for n := range min(len(stops)*stalling, places-others) {
		begun(s, hello, stops[n%len(stops)])
	}
	trickling := s.DialBelow()
	for n := range 8 {
		_, _ = trickling.TrySend(hello[n : n+1]) // it may have been closed
		s.ServesFresh()
	}
	if before.Over() {
		return
	}
	before.Exchange(s.Payload(32))
}

// piecesPause is how long the bytes stop behind each place in TLS-2: long enough for a
// server to have read what came, and no clause rests on it.
const piecesPause = 20 * time.Millisecond

// handshakeInPieces sends a ClientHello with pauses at five places, and one split into three
// records: both handshakes must succeed, and an exchange follow.
func handshakeInPieces(s *session.Session) {
	hello := len(s.ClientHello())
	c := s.Ready(s.DialTrickling(piecesPause, 1, 5, 6, hello/3, hello-1))
	c.Exchange(s.Payload(32))
	c.Close()
	c = s.Ready(s.DialFragmented(hello/3 + 1))
	c.Exchange(s.Payload(32))
	c.Close()
}

const (
	// flood is how many handshakes are begun and left, and floodTime for how long at most.
	flood     = 2000
	floodTime = 20 * time.Second
	// fewestFlood is how many have to have been for it to be one.
	fewestFlood = 100
)

// floodOfHandshakes begins up to 2,000 handshakes and leaves them amid: clients must be served
// beside that, and after it.
func floodOfHandshakes(s *session.Session) {
	hello := s.ClientHello()
	var over atomic.Bool
	if !serial(s) {
		before := opened(s, 1)[0]
		s.Go(func() {
			defer over.Store(true) // a failure ends the flood too
			for !over.Load() {
				s.ServesFresh()
				if !before.Over() {
					before.Exchange(s.Payload(32))
				}
				s.Pause(settle)
			}
		})
	}
	watch := s.Clock()
	var left atomic.Int32
	workers := s.AtOnce(several(s, churners))
	var churning sync.WaitGroup // and no Join, which would wait for who is served beside
	for w := range workers {
		churning.Add(1)
		s.Go(func() {
			whole := false
			defer churning.Done()
			defer func() { over.CompareAndSwap(false, !whole) }()
			for i := w; left.Load() < flood && watch.Wall() < floodTime && !over.Load(); i += workers {
				// After the last one of this churner was answered, so that the server sets the pace: what it
				// does meanwhile is work, and what waits for it is a handful.
				c := begun(s, hello, stops[i%len(stops)])
				if i/len(stops)%waysToLeave == byReset {
					c.Reset()
				} else {
					c.Close()
				}
				left.Add(1)
			}
			whole = true
		})
	}
	churning.Wait()
	over.Store(true)
	s.Join()
	s.ServesFresh()
	s.Note("%d handshakes were begun and left in %v", left.Load(), watch.Wall().Round(10*time.Millisecond))
	if left.Load() < fewestFlood {
		s.Untested(fmt.Sprintf("only %d handshakes were begun and left in %v, and clients were served beside them: that is no flood", left.Load(), floodTime))
	}
}

// restsBesideHandshakes stalls a handshake in each of three states, and then sends FIN there: the
// server must come to rest beside both, and serve a fresh client.
func restsBesideHandshakes(s *session.Session) {
	s.Tree() // or nothing can be seen
	hello := s.ClientHello()
	for _, at := range stops {
		c := begun(s, hello, at)
		rests(s, fmt.Sprintf("while a handshake stalls %s", at))
		c.CloseWrite()
		rests(s, fmt.Sprintf("while a client that has sent FIN %s is there", at))
		c.Close()
		s.ServesFresh()
	}
}

// Records that no handshake can go on from (RFC 8446, sections 5.1, 5.2 and 6).
var (
	// undecodable is a ClientHello of 32 bytes that is none.
	undecodable = append([]byte{22, 3, 1, 0, 36, 1, 0, 0, 32}, make([]byte, 32)...)
	// fatalAlert is handshake_failure, as it is said before there are keys.
	fatalAlert = []byte{21, 3, 3, 0, 2, 2, 40}
	// overlong is a record of 65,535 bytes, where 16,640 are the most that any may have.
	overlong = append([]byte{22, 3, 1, 0xff, 0xff}, make([]byte, 0xffff)...)
)

// failures are the ways in which a handshake fails, each on a connection of its own.
func failures(hello []byte) []failing {
	return []failing{
		{"a ClientHello that cannot be decoded", unsaid, undecodable, false},
		{"a record of 65,535 bytes", unsaid, overlong, false},
		{"a fatal alert behind the ServerHello", answered, fatalAlert, false},
		{"FIN amid a ClientHello", half, nil, true},
		{"FIN behind the ServerHello", answered, nil, true},
	}
}

type failing struct {
	what string
	at   stop
	sent []byte
	fin  bool
}

// failedHandshakesEnd makes handshakes fail, by malformed records, an alert and FIN: each
// connection must be closed within ten seconds, and a fresh client be served.
func failedHandshakesEnd(s *session.Session) {
	hello := s.ClientHello()
	for _, f := range failures(hello) {
		c := begun(s, hello, f.at)
		if len(f.sent) > 0 {
			_, _ = c.TrySend(f.sent) // it may be cut off amid it
		}
		if f.fin {
			c.CloseWrite()
		}
		c.Patience(max(reapWithin-s.Budget.Await, 0))
		if _, end := c.ReadAll(1 << 20); end != session.EOF && end != session.Reset {
			c.Failf(session.Late, fmt.Sprintf("a connection whose handshake has failed, by %s, is still open after %v", f.what, reapWithin),
				"it is closed (FIN or RST)", "silence; connection open", "the path on which a handshake fails leaves the connection to the client")
		}
		c.Close()
		s.ServesFresh()
	}
}

// descriptorsAfterHandshakes leaves 500 handshakes amid, by FIN and by reset, and 500 more if
// descriptors are missing: only a few more than before may be open.
func descriptorsAfterHandshakes(s *session.Session) {
	const conns = 500
	hello := s.ClientHello()
	observed(s, "the descriptors", s.Tree().SocketFDs)
	leave := func(i int) {
		at := stops[i%len(stops)]
		c := begun(s, hello, at)
		if at == answered && i%4 == 0 {
			_, _ = c.TrySend(fatalAlert)
		}
		breakOff(c, i/len(stops)%waysToLeave)
	}
	comeAndGo(s, conns/8, leave) // a warm-up: what is opened once is not lost
	s.ServesFresh()
	s.Pause(settle)
	list := slices.DeleteFunc(holdings(s, s.Spec.ID), func(h *held) bool { return h.clause != s.Spec.ID })
	broken := map[string]*session.Failure{}
	for again := false; ; again = true {
		comeAndGo(s, conns, leave)
		s.ServesFresh()
		more := keptMore(s, list, conns, "were left amid their handshake", broken)
		if failure := broken[s.Spec.ID]; failure != nil {
			s.Fail(failure)
		}
		if again || !more {
			return
		}
	}
}

// memoryAfterHandshakes leaves 1,500 handshakes a round behind the ServerHello: a round must come
// in which the memory grows by no more than 8 MiB.
func memoryAfterHandshakes(s *session.Session) {
	const conns, free = 1500, 8 << 20 // 5,592 bytes of each
	s.Tree()
	hello := s.ClientHello()
	one := func(i int) {
		c := begun(s, hello, answered)
		if i%4 == 0 {
			c.CloseWrite()
			c.Close()
		} else {
			c.Reset() // which leaves no port behind in TIME_WAIT
		}
	}
	comeAndGo(s, conns/2, one)
	s.ServesFresh()
	leak := steady(s, "handshake that was broken off", func() (came int, allowed int64) {
		comeAndGo(s, conns, one)
		s.ServesFresh()
		s.Pause(settle)
		return conns, free
	})
	if leak != nil {
		s.Fail(leak)
	}
}

// idleTimeoutInHandshakes stalls a handshake in each of three states: each connection must be
// closed no later than two seconds after the declared timeout.
func idleTimeoutInHandshakes(s *session.Session) {
	timeout := declaredTimeout(s)
	hello := s.ClientHello()
	for _, at := range stops { // LIFE-9's clients have shaken hands
		wait := func() {
			closedWhenSilent(s, begun(s, hello, at), timeout, "a connection whose handshake stalled "+at.String())
		}
		if serial(s) {
			wait()
		} else {
			s.Go(wait)
		}
	}
	s.Join()
	s.ServesFresh()
}
