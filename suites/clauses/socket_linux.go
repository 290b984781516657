package clauses

import (
	"os"
	"syscall"

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
