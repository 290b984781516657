package session

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// secured is a connection over TLS with the manners of a socket. crypto/tls takes a
// write that timed out for the end of the connection, where the checks write until
// a server takes no more, and go on later; so records go through memory, and what
// the socket did not take yet waits there: a record of 16 KiB at most.
//
// The handshake begins at the first read or write, as a client's that has connected and
// says nothing yet. It goes on by itself, and lasts as long as the server takes, who may
// have no descriptor for this client yet: a read waits for it until its own deadline, and
// a write, as the kernel would, keeps a little until there is somebody to take it.
type secured struct {
	*tls.Conn
	wire     *wire
	patience time.Duration // for the handshake, where the socket's deadlines say nothing
	stalled  *atomic.Int32 // of the session: handshakes that a write has stopped waiting for

	begin sync.Once
	shook chan struct{} // closed when the handshake is over
	cause error         // why it failed; read behind shook

	writing sync.Mutex
	early   []byte // was written during the handshake, which sends it at its end
	over    bool   // the handshake has sent it
	waits   bool   // this one is counted in stalled
	owed    int    // bytes of a write that are encrypted and were not reported
}

// handshakeError is a TLS session that did not come about, or not yet.
type handshakeError struct{ cause error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.cause.Error() }
func (e *handshakeError) Unwrap() error { return e.cause }

const (
	// record is the most that one record carries (RFC 8446 section 5.1), and what a write
	// keeps for the end of the handshake.
	record = 16 << 10 // bytes
	// writePatience is how long a write waits for the handshake before it keeps what it
	// was given, so that a reply's time begins behind the handshake. Where it did not do
	// for one client, as with a server that is stopped or has no descriptors, no other
	// waits. No clause rests on it.
	writePatience = 500 * time.Millisecond
)

func secure(socket net.Conn, config *tls.Config, patience time.Duration, stalled *atomic.Int32) *secured {
	w := newWire(socket)
	return &secured{Conn: tls.Client(w, config), wire: w, patience: patience, stalled: stalled, shook: make(chan struct{})}
}

// shake goes through the handshake, once; what it comes to stays.
func (c *secured) shake() {
	defer close(c.shook)
	err := c.Conn.Handshake()
	c.writing.Lock()
	defer c.writing.Unlock()
	c.over = true
	if c.waits {
		c.stalled.Add(-1)
	}
	if err == nil && len(c.early) > 0 {
		_, err = c.Conn.Write(c.early)
		c.early = nil
	}
	if sent := c.wire.settle(c.patience); err == nil { // after a failure, an alert that says why
		err = sent
	}
	if err != nil {
		c.cause = &handshakeError{err}
	}
}

// shaken waits for the handshake until the deadline that deadline tells, which may change
// meanwhile.
func (c *secured) shaken(deadline func() (time.Time, <-chan struct{})) error {
	c.begin.Do(func() { go c.shake() })
	for {
		select {
		case <-c.shook: // also where the deadline has passed
			return c.cause
		default:
		}
		until, changed := deadline()
		var over <-chan time.Time
		if !until.IsZero() {
			over = time.After(time.Until(until))
		}
		select {
		case <-c.shook:
		case <-over:
			return &handshakeError{os.ErrDeadlineExceeded}
		case <-changed:
		}
	}
}

// within is a deadline that is so far away from now, if the one that is told is not nearer.
func within(patience time.Duration, told func() (time.Time, <-chan struct{})) func() (time.Time, <-chan struct{}) {
	most := time.Now().Add(patience)
	return func() (time.Time, <-chan struct{}) {
		until, changed := told()
		if until.IsZero() || until.After(most) {
			until = most
		}
		return until, changed
	}
}

func (c *secured) Read(b []byte) (int, error) {
	waited := time.Now()
	select {
	case <-c.shook:
		if c.cause != nil {
			return 0, c.cause
		}
	default:
		if err := c.shaken(c.wire.readDeadline); err != nil {
			return 0, err
		}
		c.wire.putOff(time.Since(waited)) // what was awaited begins behind the handshake
	}
	n, err := c.Conn.Read(b)
	var alert *net.OpError
	switch {
	case err == nil || n > 0:
		return n, nil
	case errors.Is(err, io.ErrUnexpectedEOF): // a FIN without close_notify ends it too: spec/transport.md
		err = io.EOF
	case errors.As(err, &alert) && alert.Op == "remote error":
		err = fmt.Errorf("%w, behind the alert %q", syscall.ECONNRESET, alert.Err.Error())
	}
	return 0, err
}

func (c *secured) Write(b []byte) (int, error) {
	patience := writePatience
	if c.stalled.Load() > 0 {
		patience = 0
	}
	_ = c.shaken(within(patience, c.wire.writeDeadline))
	if c.keep(b) {
		return len(b), nil
	}
	if err := c.shaken(c.wire.writeDeadline); err != nil {
		return 0, err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.wire.flush(); err != nil {
		return 0, err
	}
	n := min(c.owed, len(b))
	c.owed -= n
	for n < len(b) {
		piece := b[n:min(n+record, len(b))]
		if _, err := c.Conn.Write(piece); err != nil {
			return n, err
		}
		if err := c.wire.flush(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.owed = len(piece)
			}
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

// keep keeps b for the end of the handshake, if that is still to come and there is room.
func (c *secured) keep(b []byte) bool {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.over || len(c.early)+len(b) > record {
		return false
	}
	if !c.waits {
		c.waits = true
		c.stalled.Add(1)
	}
	c.early = append(c.early, b...)
	return true
}

// CloseWrite says close_notify and sends the FIN.
func (c *secured) CloseWrite() error {
	if err := c.shaken(within(c.patience, c.wire.unbounded)); err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.wire.Conn.SetWriteDeadline(time.Now().Add(c.patience))
	err := errors.Join(c.Conn.CloseWrite(), c.wire.flush())
	until, _ := c.wire.writeDeadline()
	_ = c.wire.Conn.SetWriteDeadline(until)
	if err != nil {
		return err
	}
	return closeWrite(c.wire.Conn)
}

// Close says close_notify, if that is possible at once, and closes the socket.
func (c *secured) Close() error {
	select {
	case <-c.shook:
		if c.cause == nil && c.writing.TryLock() {
			_ = c.Conn.CloseWrite()
			_ = c.wire.Conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_ = c.wire.flush()
			c.writing.Unlock()
		}
	default:
	}
	return c.wire.Conn.Close()
}

func (c *secured) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *secured) SetReadDeadline(t time.Time) error  { return c.wire.setRead(t) }
func (c *secured) SetWriteDeadline(t time.Time) error { return c.wire.setSent(t) }

// reset closes the socket with RST, and says nothing before.
func (c *secured) reset() error {
	if tcp, ok := c.wire.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return c.wire.Conn.Close()
}

// SyscallConn is the socket's, for what is asked of the kernel.
func (c *secured) SyscallConn() (syscall.RawConn, error) {
	if raw, ok := c.wire.Conn.(syscall.Conn); ok {
		return raw.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// SetReadBuffer sets the socket's SO_RCVBUF, in bytes.
func (c *secured) SetReadBuffer(bytes int) error {
	if b, ok := c.wire.Conn.(interface{ SetReadBuffer(int) error }); ok {
		return b.SetReadBuffer(bytes)
	}
	return errors.ErrUnsupported
}

// unsecured ends the check where err is a TLS session that did not come about.
func (c *Conn) unsecured(err error) {
	var shake *handshakeError
	if !errors.As(err, &shake) {
		return
	}
	c.s.alive()
	kind := Wrong
	if errors.Is(err, os.ErrDeadlineExceeded) {
		kind = Late
	}
	hint, untrusted := HandshakeHint(err)
	got := oneLine(shake.cause.Error())
	failure := &Failure{Kind: kind, Reason: "the TLS handshake failed: " + got, Want: "a TLS session", Got: got, Hint: hint, Untrusted: untrusted,
		Conn: c.number, Source: c.socket.LocalAddr().String()}
	if kind == Late { // as in Conn.Failf: those beside it may be all that the target holds
		failure.beside, failure.mute = c.s.beside(), c.s.mute(c)
	}
	panic(failed{failure})
}
