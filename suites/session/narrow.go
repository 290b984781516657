package session

import "net"

const (
	// narrowSegment is the greatest segment of a narrow connection, in bytes: that of
	// Ethernet. The kernel lets a sender buffer a few dozen segments, and those of
	// loopback have 64 KiB.
	narrowSegment = 1448
	// narrowWindow is the receive buffer of a narrow connection, in bytes; the kernel
	// doubles it.
	narrowWindow = 16 << 10
)

// DialNarrow is Dial for a connection on which the kernel holds little between the two
// sides, some 200 KiB instead of some 8 MiB, so that output which nobody reads soon waits
// in the server itself.
func (s *Session) DialNarrow() *Conn {
	number, way := s.turn()
	if !way {
		s.makeWay(number)
	}
	return s.dialWith(net.Dialer{KeepAlive: -1, Control: narrow}, number, s.secured)
}

// Arrived is how many bytes have come so far on the connection: those that were read, and those that
// wait in the client's socket. Unheard is how many of what the client sent have not reached
// the server's socket yet. ok is false where the kernel does not tell: over TLS its bytes are others.
func (c *Conn) Arrived() (bytes int64, ok bool) {
	waiting, ok := c.queued(unread)
	return c.got.Load() + int64(waiting), ok
}

// Received is how many bytes were read from the connection's socket so far, be they looked at or not.
func (c *Conn) Received() int64 { return c.got.Load() }

// Unheard is said at Arrived.
func (c *Conn) Unheard() (bytes int, ok bool) { return c.queued(unacknowledged) }
