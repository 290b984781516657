//go:build unix

package session

import (
	"math"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// descriptorsLeft is how many descriptors this process may still open.
func descriptorsLeft() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	list := "/dev/fd"
	if runtime.GOOS == "linux" {
		list = "/proc/self/fd"
	}
	open, err := os.ReadDir(list)
	if err != nil {
		return 0, err
	}
	return int(min(limit.Cur, math.MaxInt32)) - len(open), nil
}

// What the system says when a connection was reset, when this process has nothing left
// to open one with, when nobody answered, and of a socket that is connected no more.
var (
	resets      = []error{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED}
	shortages   = []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS}
	silences    = []error{syscall.ETIMEDOUT, syscall.EAGAIN}
	unconnected = []error{syscall.ENOTCONN}
)
