package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

// Backlog is how many connections may wait to be accepted by the server that
// listens at addr: what it gave to listen(2), cut to somaxconn, and one more.
// Of several listeners at one address (SO_REUSEPORT) it is the least. Whoever
// comes beyond is dropped by the kernel, over TCP to try again after a second,
// or turned away with EAGAIN. It is read by sock_diag(7), as ss(8) does, from the
// network namespace of the caller; ErrNoListener where it is not in there.
func Backlog(addr net.Addr) (int, error) {
	var dump []byte
	var lengthOf func(message []byte) (int, bool)
	switch a := addr.(type) {
	case *net.TCPAddr:
		family := uint8(unix.AF_INET)
		if a.IP.To4() == nil {
			family = unix.AF_INET6
		}
		dump = inetSockets(family, listenersOnly.states())
		lengthOf = func(m []byte) (int, bool) { return tcpBacklog(m, a) }
		if least, err := leastBacklog(dump, lengthOf); family == unix.AF_INET6 || err == nil || !errors.Is(err, ErrNoListener) {
			return least, err
		}
		dump = inetSockets(unix.AF_INET6, listenersOnly.states()) // a socket of IPv6 may take both
	case *net.UnixAddr:
		dump = unixListeners()
		lengthOf = func(m []byte) (int, bool) { return unixBacklog(m, a.Name) }
	default:
		return 0, fmt.Errorf("the queue of a %s listener: %w", addr.Network(), ErrNoListener)
	}
	return leastBacklog(dump, lengthOf)
}

// The layout of linux/unix_diag.h, in bytes.
const (
	unixRequest = 24 // struct unix_diag_req
	unixMessage = 16 // struct unix_diag_msg

	showName, showQueue = 1, 0x10 // UDIAG_SHOW_NAME, UDIAG_SHOW_RQLEN
	nameAttr, queueAttr = 0, 4    // UNIX_DIAG_NAME, UNIX_DIAG_RQLEN
	listenState         = 10      // TCP_LISTEN, which unix sockets use too
)

func unixListeners() []byte {
	r := make([]byte, unixRequest)
	r[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(r[4:], 1<<listenState)
	binary.NativeEndian.PutUint32(r[12:], showName|showQueue)
	return r
}

// tcpBacklog reads a listener's message; ok is false for another address's.
func tcpBacklog(m []byte, at *net.TCPAddr) (n int, ok bool) {
	if len(m) < inetMessage || int(binary.BigEndian.Uint16(m[4:])) != at.Port {
		return 0, false
	}
	ip := net.IP(m[8:12])
	if m[0] == unix.AF_INET6 {
		ip = net.IP(m[8:24])
	}
	if !ip.IsUnspecified() && !ip.Equal(at.IP) {
		return 0, false
	}
	return int(binary.NativeEndian.Uint32(m[60:])) + 1, true // idiag_wqueue
}

func unixBacklog(m []byte, path string) (n int, ok bool) {
	if len(m) < unixMessage {
		return 0, false
	}
	name := ""
	for rest := m[unixMessage:]; len(rest) >= 4; {
		size, kind := int(binary.NativeEndian.Uint16(rest)), binary.NativeEndian.Uint16(rest[2:])
		if size < 4 || size > len(rest) {
			break
		}
		switch body := rest[4:size]; {
		case kind == nameAttr:
			name = strings.TrimRight(string(body), "\x00")
		case kind == queueAttr && len(body) >= 8:
			n = int(binary.NativeEndian.Uint32(body[4:])) + 1
		}
		rest = rest[min((size+3)&^3, len(rest)):]
	}
	return n, n > 0 && (name == path || "@"+strings.TrimLeft(name, "\x00") == path)
}

// leastBacklog takes the least length of those sockets that count.
func leastBacklog(request []byte, lengthOf func([]byte) (int, bool)) (int, error) {
	least := 0
	err := diagnose(request, func(m []byte) {
		if length, ok := lengthOf(m); ok && (least == 0 || length < least) {
			least = length
		}
	})
	if err == nil && least == 0 {
		err = ErrNoListener
	}
	return least, err
}
