package session

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// secured is a connection over TLS with the manners of a socket. crypto/tls takes a
// write that timed out for the end of the connection, where the checks write until
// a server takes no more, and go on later; so records go through memory, and what
// the socket did not take yet waits there: a record of 16 KiB at most.
//
// The handshake happens at the first read or write, as a client's that has
// connected and says nothing yet.
type secured struct {
	*tls.Conn
	wire     *wire
	patience time.Duration // for the handshake

	shaking sync.Mutex
	shook   bool
	failed  error // of the handshake

	writing sync.Mutex
	owed    int // bytes of a write that are encrypted and were not reported
}

// wire is the socket below TLS, whose Write never blocks.
type wire struct {
	net.Conn
	mu         sync.Mutex
	out        []byte
	shaking    bool
	read, sent time.Time // the deadlines that the checks set
}

// handshakeError is a TLS session that did not come about.
type handshakeError struct{ cause error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.cause.Error() }
func (e *handshakeError) Unwrap() error { return e.cause }

func secure(socket net.Conn, config *tls.Config, patience time.Duration) *secured {
	w := &wire{Conn: socket}
	return &secured{Conn: tls.Client(w, config), wire: w, patience: patience}
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = append(w.out, b...)
	return len(b), nil
}

// Read flushes first while the handshake lasts: the peer waits for what was said.
func (w *wire) Read(b []byte) (int, error) {
	if w.shaking {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	return w.Conn.Read(b)
}

// SetWriteDeadline is crypto/tls's word behind its close_notify, and not for the
// socket: nothing that it writes blocks.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// asSet gives the socket the deadlines that the checks set.
func (w *wire) asSet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.Conn.SetReadDeadline(w.read)
	_ = w.Conn.SetWriteDeadline(w.sent)
}

// flush writes what waits, as far as the socket takes it before the deadline.
func (w *wire) flush() error {
	for {
		w.mu.Lock()
		out := w.out
		w.mu.Unlock()
		if len(out) == 0 {
			return nil
		}
		n, err := w.Conn.Write(out)
		w.mu.Lock()
		w.out = w.out[n:]
		w.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// handshake happens once; what it comes to stays.
func (c *secured) handshake() error {
	c.shaking.Lock()
	defer c.shaking.Unlock()
	if c.shook {
		return c.failed
	}
	c.shook, c.wire.shaking = true, true
	_ = c.wire.Conn.SetDeadline(time.Now().Add(c.patience))
	err := c.Conn.Handshake()
	if err == nil {
		err = c.wire.flush()
	}
	c.wire.shaking = false
	c.wire.asSet()
	if err != nil {
		_ = c.wire.flush() // the alert that says why
		c.failed = &handshakeError{err}
	}
	return c.failed
}

func (c *secured) Read(b []byte) (int, error) {
	if err := c.handshake(); err != nil {
		return 0, err
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
	const record = 16 << 10 // bytes, the most that one carries (RFC 8446 section 5.1)
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.handshake(); err != nil {
		return 0, err
	}
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

// CloseWrite says close_notify and sends the FIN.
func (c *secured) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.handshake(); err != nil {
		return err
	}
	_ = c.wire.Conn.SetWriteDeadline(time.Now().Add(c.patience))
	err := errors.Join(c.Conn.CloseWrite(), c.wire.flush())
	c.wire.asSet()
	if err != nil {
		return err
	}
	if half, ok := c.wire.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close says close_notify, if that is possible at once, and closes the socket.
func (c *secured) Close() error {
	if c.writing.TryLock() {
		if c.shaking.TryLock() {
			if c.shook && c.failed == nil {
				_ = c.Conn.CloseWrite()
				_ = c.wire.Conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
				_ = c.wire.flush()
			}
			c.shaking.Unlock()
		}
		c.writing.Unlock()
	}
	return c.wire.Conn.Close()
}

func (c *secured) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *secured) SetReadDeadline(t time.Time) error {
	c.wire.mu.Lock()
	c.wire.read = t
	c.wire.mu.Unlock()
	return c.unlessShaking(func() error { return c.wire.Conn.SetReadDeadline(t) })
}

func (c *secured) SetWriteDeadline(t time.Time) error {
	c.wire.mu.Lock()
	c.wire.sent = t
	c.wire.mu.Unlock()
	return c.unlessShaking(func() error { return c.wire.Conn.SetWriteDeadline(t) })
}

// unlessShaking leaves the handshake its own deadline; a moment of the past, by
// which a session ends its connections, reaches it too.
func (c *secured) unlessShaking(set func() error) error {
	if !c.shaking.TryLock() {
		return nil
	}
	defer c.shaking.Unlock()
	return set()
}

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
	kind, untrusted, hint := Wrong, false, "see whether it speaks TLS there; if not, leave --tls out"
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		hint = "it does not speak TLS there: leave --tls out"
	case errors.As(err, new(*tls.CertificateVerificationError)):
		untrusted = true
		hint = "name who vouches for it (tls: ca, --tls-ca), its name (server_name), or take any certificate (insecure, --tls-insecure)"
	case errors.Is(err, os.ErrDeadlineExceeded):
		kind = Late
	}
	got := oneLine(shake.cause.Error())
	failure := &Failure{Kind: kind, Reason: "the TLS handshake failed: " + got, Want: "a TLS session", Got: got, Hint: hint, Untrusted: untrusted,
		Conn: c.number, Source: c.socket.LocalAddr().String()}
	if kind == Late { // as in Conn.Failf: those beside it may be all that the target holds
		failure.beside = c.s.beside()
	}
	panic(failed{failure})
}

// alertHead is how a TLS alert begins, as evidence quotes it (RFC 8446 section 5.1):
// what a server that speaks TLS says to a client that does not.
const alertHead = `"\x15\x03`

// plainHint is what to change where a reply is in truth a TLS alert.
func plainHint(got string) string {
	if strings.HasPrefix(got, alertHead) {
		return "it answers in TLS: give --tls, or tls in the target file"
	}
	return ""
}
