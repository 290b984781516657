package clauses

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/reactorspec/reactorspec/suites/session"
)

// sendUrgent sends one byte out of band over TCP.
func sendUrgent(c *session.Conn) error {
	raw, err := c.Raw().(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Control(func(fd uintptr) { sent = syscall.Sendto(int(fd), []byte{'!'}, syscall.MSG_OOB, nil) }); err != nil {
		return err
	}
	return os.NewSyscallError("sendto", sent)
}

// delayAcks puts the client's socket into the state of a long interactive
// connection, in which Linux delays acknowledgements (tcp(7), TCP_QUICKACK).
func delayAcks(c *session.Conn) { acks(c, 0) }

// promptAcks is the contrary, until something is sent again: what a server sends in parts,
// with Nagle's algorithm on, does not wait for us.
func promptAcks(c *session.Conn) { acks(c, 1) }

func acks(c *session.Conn, quick int) {
	if socket, ok := c.Raw().(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) {
				_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, quick)
			})
		}
	}
}

// finished reports whether the server has ended the connection, though nothing of what it
// sent before that was read. TLS, and sockets that are not TCP's, do not tell.
func finished(c *session.Conn) (over bool) {
	const established = 1 // enum in net/tcp_states.h
	onSocket(c, func(fd int) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		over = err == nil && info.State != established
	})
	return over
}

// unreadInput is how many bytes of input nobody has read yet (tcp(7), SIOCINQ); told is
// false where that cannot be seen.
func unreadInput(c *session.Conn) (bytes int, told bool) {
	var err error
	told = onSocket(c, func(fd int) { bytes, err = unix.IoctlGetInt(fd, unix.SIOCINQ) })
	return bytes, told && err == nil
}

func onSocket(c *session.Conn, f func(fd int)) bool {
	socket, ok := c.Raw().(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	return err == nil && raw.Control(func(fd uintptr) { f(int(fd)) }) == nil
}
