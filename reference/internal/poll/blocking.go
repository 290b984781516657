package poll

import (
	"os"

	"golang.org/x/sys/unix"
)

// The calls of the classes without loops. Their threads sleep in the kernel, so
// these are ordinary system calls (see rawio.go), and a signal that the
// runtime sends to its threads means no more than to call again.

// ReadBlocking reads from a blocking descriptor: the calling thread sleeps in
// read(2) until there is something, the end of input (0), or an error. ErrAgain
// says that the receive timeout of the socket passed.
func ReadBlocking(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, ErrAgain
		default:
			return 0, os.NewSyscallError("read", err)
		}
	}
}

// WriteBlocking writes all of p to a blocking descriptor; n says how far it
// came before an error. ErrAgain says that the send timeout of the socket passed.
func WriteBlocking(fd int, p []byte) (n int, err error) {
	for n < len(p) {
		m, err := unix.Write(fd, p[n:])
		switch err {
		case nil:
			n += m
		case unix.EINTR:
		case unix.EAGAIN:
			return n, ErrAgain
		default:
			return n, os.NewSyscallError("write", err)
		}
	}
	return n, nil
}
