package session

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// recordHeader is type, version and length of a record, in bytes (RFC 8446 section 5.1).
const recordHeader = 5

// transport makes of a socket what is spoken through.
type transport func(net.Conn) net.Conn

// secured is the target's own transport: TLS, or the socket as it is.
func (s *Session) secured(socket net.Conn) net.Conn {
	if s.secure == nil {
		return socket
	}
	return secure(socket, s.secure, s.Budget.Await, &s.unshaken)
}

// DialBelow is Dial below TLS: what is sent is sent as it is, and what is read are
// records. It is for handshakes that are not to come about.
func (s *Session) DialBelow() *Conn {
	return s.dialOver("", func(socket net.Conn) net.Conn { return socket })
}

// DialTrickling is Dial of a client whose bytes leave one at a time, with a pause
// behind each of those places in what it has sent.
func (s *Session) DialTrickling(pause time.Duration, at ...int) *Conn {
	return s.dialOver("", func(socket net.Conn) net.Conn {
		return s.secured(&trickle{Conn: socket, pause: pause, at: at, over: s.ctx.Done()})
	})
}

// DialFragmented is Dial of a client whose first handshake message comes in records of so
// many bytes at most (RFC 8446 section 5.1), all of them in one segment.
func (s *Session) DialFragmented(size int) *Conn {
	return s.dialOver("", func(socket net.Conn) net.Conn {
		return s.secured(&fragmented{Conn: socket, size: size})
	})
}

// fragmented is a socket that cuts the first record that is written into several.
type fragmented struct {
	net.Conn
	size  int
	begun bool
}

func (f *fragmented) Write(b []byte) (int, error) {
	if f.begun || len(b) < recordHeader {
		return f.Conn.Write(b)
	}
	f.begun = true
	end := min(recordHeader+int(b[3])<<8+int(b[4]), len(b))
	var out []byte
	for from := recordHeader; from < end; from += f.size {
		part := b[from:min(from+f.size, end)]
		out = append(append(out, b[0], b[1], b[2], byte(len(part)>>8), byte(len(part))), part...)
	}
	if _, err := f.Conn.Write(append(out, b[end:]...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// CloseWrite is the socket's.
func (f *fragmented) CloseWrite() error { return closeWrite(f.Conn) }

// trickle is a socket whose writes go out byte by byte: segments of one byte, as far
// as the kernel does not join them (TCP_NODELAY is set).
type trickle struct {
	net.Conn
	sent  int
	at    []int
	pause time.Duration
	over  <-chan struct{} // the check's end; the handshake that writes here is no goroutine of the check
}

func (t *trickle) Write(b []byte) (int, error) {
	for n := range b {
		if _, err := t.Conn.Write(b[n : n+1]); err != nil {
			return n, err
		}
		if t.sent++; len(t.at) > 0 && t.sent == t.at[0] {
			t.at = t.at[1:]
			timer := time.NewTimer(t.pause)
			select {
			case <-timer.C:
			case <-t.over:
				timer.Stop()
			}
		}
	}
	return len(b), nil
}

// CloseWrite is the socket's.
func (t *trickle) CloseWrite() error { return closeWrite(t.Conn) }

// closeWrite sends the FIN of a socket that knows one.
func closeWrite(socket net.Conn) error {
	if half, ok := socket.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// ClientHello is the record with which a client of this target begins its handshake;
// nil where it is spoken to without TLS.
func (s *Session) ClientHello() []byte {
	if s.secure == nil {
		return nil
	}
	said := new(unheard)
	_ = tls.Client(said, s.secure).Handshake() // nobody answers
	if len(said.bytes) < recordHeader {
		s.harnessFailed("crypto/tls begins its handshake with %d bytes", len(said.bytes))
	}
	return said.bytes[:recordHeader+int(said.bytes[3])<<8+int(said.bytes[4])]
}

// unheard keeps what is written, and ends where an answer is read.
type unheard struct {
	net.Conn
	bytes []byte
}

func (u *unheard) Write(b []byte) (int, error) {
	u.bytes = append(u.bytes, b...)
	return len(b), nil
}

func (u *unheard) Read([]byte) (int, error) { return 0, io.EOF }

// Linger reads and forgets what comes, for d at most: what the server makes of the
// client's FIN it can say until then.
func (c *Conn) Linger(d time.Duration) {
	_ = c.socket.SetReadDeadline(time.Now().Add(d))
	_, _ = io.Copy(io.Discard, c.socket)
}
