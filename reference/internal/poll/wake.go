package poll

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// EventFD makes a counter that is readable while it is not 0: a write adds to
// it, one read takes all (eventfd(2)). Both ends are the same descriptor.
func EventFD() (int, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("eventfd2", err)
	}
	return fd, nil
}

// Pipe makes a non-blocking pipe.
func Pipe() (read, write int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return -1, -1, os.NewSyscallError("pipe2", err)
	}
	return fds[0], fds[1], nil
}

// SocketPair makes a non-blocking pair of connected Unix stream sockets.
func SocketPair() (read, write int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, os.NewSyscallError("socketpair", err)
	}
	return fds[0], fds[1], nil
}

var one = binary.NativeEndian.AppendUint64(nil, 1)

// Signal writes one wakeup to a non-blocking descriptor: 8 bytes for an eventfd,
// which takes nothing less, 1 for the others, which should fill up late. EAGAIN
// is success: what is full has wakeups in it that nobody read yet, and a post must neither
// wait nor fail for that (WAKE-6).
func Signal(fd, size int) error {
	if _, errno := Write(fd, one[:size]); errno != 0 && errno != unix.EAGAIN {
		return os.NewSyscallError("write", errno)
	}
	return nil
}

// Drain reads until nothing is left, however many wakeups have gathered. An
// eventfd is empty after one read, which says so by giving all 8 bytes of a
// longer request; a stream is empty when a read comes back short.
func Drain(fd int) error {
	var sink [256]byte
	for {
		n, errno := Read(fd, sink[:])
		switch {
		case errno == unix.EAGAIN:
			return nil
		case errno != 0:
			return os.NewSyscallError("read", errno)
		case n < len(sink):
			return nil
		}
	}
}
