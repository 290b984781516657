package session

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// What queued asks for.
const (
	unread         = unix.SIOCINQ
	unacknowledged = unix.SIOCOUTQ
)

// narrow sets what has to be set before the handshake. Where the kernel refuses it, the
// connection holds more, and that is all.
func narrow(network, _ string, socket syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	return socket.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, narrowSegment)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, narrowWindow)
	})
}

// queued asks for what waits in the socket.
func (c *Conn) queued(which uint) (bytes int, ok bool) {
	socket, plain := c.socket.(*net.TCPConn)
	if !plain {
		return 0, false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, false
	}
	asked := raw.Control(func(fd uintptr) { bytes, err = unix.IoctlGetInt(int(fd), which) })
	return bytes, asked == nil && err == nil
}
