package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/dialect"
)

// Dial opens a raw connection: not a byte is sent.
func (s *Session) Dial() *Conn { return s.DialFrom("") }

// DialFrom is Dial from a local address such as 127.0.0.7, so that many
// connections do not run out of ports. A target that
// is not at such an address itself is dialled as by Dial.
//
// It waits as long as the kernel may take to let somebody in: where the target's
// queue is short and full, that is no matter of the target's speed alone.
func (s *Session) DialFrom(ip string) *Conn { return s.dialOver(ip, s.secured) }

// dialOver is DialFrom through another transport.
func (s *Session) dialOver(ip string, over transport) *Conn {
	number, way := s.turn()
	if !way {
		s.makeWay(number)
	}
	return s.dial(ip, number, over)
}

// DialAtOnce is Dial for one of those that begin at the same moment, AtOnce at the most:
// it makes no room in the target's queue first.
func (s *Session) DialAtOnce() *Conn {
	number, _ := s.turn()
	return s.dial("", number, s.secured)
}

func (s *Session) dial(ip string, number int, over transport) *Conn {
	return s.dialWith(net.Dialer{KeepAlive: -1, LocalAddr: s.local(ip)}, number, over)
}

func (s *Session) dialWith(dialer net.Dialer, number int, over transport) *Conn {
	if most := s.places(); most > 0 && s.open() >= most {
		s.Untested(fmt.Sprintf("there is room for %d clients only (max_clients), and the check needs more", most))
	}
	patience := max(s.Budget.Handshake, s.Budget.Await)
	c, err := s.tryDial(dialer, patience, number, over)
	if err == nil {
		return c
	}
	want := "the connection is accepted"
	switch {
	case s.ended.Load():
		panic(aborted{})
	case isAny(err, shortages):
		s.Inconclusive(fmt.Sprintf("the harness itself cannot open another connection: %v", err))
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isAny(err, silences):
		panic(failed{&Failure{Kind: Late, Reason: fmt.Sprintf("no connection to %s within %s", s.Target.Addr(), milliseconds(s.Budget.Handshake)), Want: want, Got: err.Error(),
			Why: "the accept queue is full and nobody takes from it", beside: s.beside() + 1, mute: s.mute(nil)}})
	default:
		s.Failf(Wrong, fmt.Sprintf("%s refuses connections", s.Target.Addr()), want, err.Error(), "the listener is closed, or the server is gone")
	}
	return nil
}

// TryDial is Dial for checks in which being refused is legal; it waits for an await
// only, and over a unix socket not at all.
func (s *Session) TryDial() (*Conn, error) {
	number, _ := s.turn()
	return s.tryDial(net.Dialer{KeepAlive: -1}, s.Budget.Await, number, s.secured)
}

// tryDial dials for that long, and records it by that number; over makes of the socket
// what is spoken through. A unix socket has no handshake that the kernel would
// repeat: connect(2) says EAGAIN while the queue is full, and whoever is to be let in
// has to ask again.
func (s *Session) tryDial(dialer net.Dialer, patience time.Duration, number int, over transport) (*Conn, error) {
	if s.ended.Load() {
		panic(aborted{})
	}
	watch := s.Clock()
	address := s.Target.Addr()
	for {
		ctx, cancel := context.WithTimeout(s.ctx, patience)
		socket, err := dialer.DialContext(ctx, s.Target.Network(), address.String())
		cancel()
		if err != nil {
			late := errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
			if late && s.ctx.Err() == nil && watch.Elapsed() < patience && watch.Wall() < s.Budget.Wall {
				continue
			}
			if errors.Is(err, syscall.EAGAIN) && patience > s.Budget.Await && watch.Elapsed() < patience {
				s.Pause(s.Budget.Poll)
				continue
			}
			s.log.add(number, "dial", []byte(err.Error()))
			s.unqueued(func(n int) bool { return n == number })
			return nil, err
		}
		socket = over(socket)
		c := &Conn{s: s, socket: socket, number: number, dialect: dialect.PerConn(s.Dialect)}
		c.lull.begin()
		s.log.add(number, "dial", nil)
		s.mu.Lock()
		s.conns = append(s.conns, c)
		s.source = socket.LocalAddr().String()
		s.mu.Unlock()
		if s.ended.Load() {
			_ = socket.Close()
			panic(aborted{})
		}
		return c, nil
	}
}

// local is the address to dial from; nil is any.
func (s *Session) local(ip string) net.Addr {
	if at, tcp := s.Target.Addr().(*net.TCPAddr); ip != "" && tcp && at.IP.To4() != nil && at.IP.IsLoopback() {
		return &net.TCPAddr{IP: net.ParseIP(ip)}
	}
	return nil
}

// Open dials and makes the connection ready for requests in the target's
// dialect; for probe that is the ECHO conversation.
func (s *Session) Open() *Conn { return s.Ready(s.Dial()) }

// Ready performs the dialect's opening on a connection that was dialled.
func (s *Session) Ready(c *Conn) *Conn {
	if s.Dialect.Name() == "probe" {
		c.signOn(probe.Echo)
		return c
	}
	c.greeted()
	c.open(0)
	return c
}

// Fresh makes a connection that was dialled ready, and has one exchange on it.
func (c *Conn) Fresh(payload []byte) {
	c.s.Ready(c)
	c.Exchange(payload)
}

// open goes through the dialect's opening; the first said of its steps that send
// were sent already.
func (c *Conn) open(said int) {
	for i, step := range c.dialect.Opening() {
		switch {
		case step.Read != nil:
			if err := step.Read(c.buffered()); err != nil {
				c.fail(err, fmt.Sprintf("what the server says in the %s dialect's opening", c.dialect.Name()), 0)
			}
		case i >= said:
			c.Send(step.Send)
		}
	}
}

// Ahead is what a client can say on a new connection, before it has heard
// anything, to ask for payload: the opening and the request or, where the dialect
// has it listen first, what comes before that, which may be nothing.
func (c *Conn) Ahead(payload []byte) []byte {
	said, _ := c.ahead(payload)
	return said
}

// ahead is Ahead, and how many steps of the opening it covers; one more than
// there are where the request is in it.
func (c *Conn) ahead(payload []byte) (said []byte, steps int) {
	opening := c.dialect.Opening()
	whole := dialect.TalksAhead(c.dialect)
	for i, step := range opening {
		if step.Read != nil && !whole {
			return said, i
		}
		said = append(said, step.Send...)
	}
	return append(said, c.dialect.Request(payload)...), len(opening) + 1
}

// Ask says Ahead(payload) and reads nothing; Answered does the rest.
func (c *Conn) Ask(payload []byte) {
	if said := c.Ahead(payload); len(said) > 0 {
		c.Send(said)
	}
}

// TryAsk is Ask for checks in which being cut off is legal.
func (c *Conn) TryAsk(payload []byte) error {
	said := c.Ahead(payload)
	if len(said) == 0 {
		return nil
	}
	_, err := c.TrySend(said)
	return err
}

// Answered reads what Ask asked for, and says before it what Ask could not yet.
func (c *Conn) Answered(payload []byte) {
	_, steps := c.ahead(payload)
	c.open(steps)
	if steps <= len(c.dialect.Opening()) {
		c.Request(payload)
	}
	c.Reply(payload)
}

// Converse dials and signs on with a command of the probe dialect, such as
// "SOURCE 100"; the OK line has been read when it returns.
func (s *Session) Converse(signOn string) *Conn {
	return s.Dial().SignOn(signOn)
}

// SignOn is Converse on a connection that was dialled.
func (c *Conn) SignOn(command string) *Conn {
	c.signOn(command)
	return c
}

// signOn sends a sign-on line and reads its answer; the connection number in it
// is kept for Number.
func (c *Conn) signOn(command string) {
	c.greeted()
	c.Send([]byte(command + "\n"))
	line := c.WantLine()
	var number uint64
	if n, err := fmt.Sscanf(line, "OK %d", &number); n != 1 || err != nil || line != fmt.Sprintf("OK %d", number) {
		c.Failf(Wrong, fmt.Sprintf("the sign-on %s was answered %s", Quoted([]byte(command)), Quoted([]byte(line))),
			`"OK <connection number>"`, Quoted([]byte(line)), "")
	}
	c.item = number
}

// greeted reads what a server that declares a greeting sends first.
func (c *Conn) greeted() {
	const chunk = 251 << 8 // a whole number of patterns
	for at, n := int64(0), int64(c.s.Info.Greeting); at < n; {
		want := make([]byte, min(n-at, chunk))
		for i := range want {
			want[i] = byte(i % 251)
		}
		c.Want(want, fmt.Sprintf("bytes %d to %d of the greeting", at, at+int64(len(want))-1))
		at += int64(len(want))
	}
}

// Probe opens a PROBE conversation.
func (s *Session) Probe() *Probe { return &Probe{conn: s.Converse(probe.Probe), s: s} }

// Hello returns the fields of the target's answer to HELLO; a target that
// cannot say HELLO has none.
func (s *Session) Hello() map[string]string {
	s.mu.Lock()
	known := s.hello
	s.mu.Unlock()
	if known != nil {
		return known
	}
	p := s.Probe()
	reply := p.Call("HELLO")
	if reply.Status != probe.OK {
		s.Failf(Wrong, "HELLO was answered "+string(reply.Status), "ok class=… features=…", Quoted(reply.Fields), "")
	}
	fields := Fields(reply)
	p.Conn().Close()
	s.mu.Lock()
	s.hello = fields
	s.mu.Unlock()
	return fields
}

// closeAll ends every connection, so that blocked calls return. Sockets that
// still hold unread data are reset by the kernel; none lingers.
func (s *Session) closeAll() {
	s.ended.Store(true)
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.socket.SetDeadline(time.Unix(1, 0))
		_ = c.socket.Close()
	}
}
