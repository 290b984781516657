package poll

import (
	"errors"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// epollWait is an ordinary call when it may sleep and a raw one when it cannot;
// rawio.go says why. It returns the number of events.
func epollWait(fd int, ready []unix.EpollEvent, ms int) (int, error) {
	buf, size := uintptr(unsafe.Pointer(unsafe.SliceData(ready))), uintptr(len(ready))
	var r uintptr
	var errno unix.Errno
	if ms == 0 {
		r, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), buf, size, 0, 0, 0)
	} else {
		r, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), buf, size, uintptr(ms), 0, 0)
	}
	if errno != 0 {
		return waited("epoll_wait", 0, errno)
	}
	return int(r), nil
}

func pollWait(fds []unix.PollFd, ms int) (int, error) {
	n, err := unix.Poll(fds, ms)
	return waited("poll", n, err)
}

// selectWait counts microseconds, rounded up like milliseconds.
func selectWait(top int, read, write *unix.FdSet, timeout time.Duration) (int, error) {
	var tv *unix.Timeval
	if timeout >= 0 {
		t := timeval(min(timeout, MaxTimeout))
		tv = &t
	}
	n, err := unix.Select(top, read, write, nil, tv)
	return waited("select", n, err)
}

// timeval is d in microseconds, rounded up: 0 alone is 0, which to select(2) is no
// wait at all and to SO_RCVTIMEO one without an end.
func timeval(d time.Duration) unix.Timeval { return unix.NsecToTimeval(int64(d)) } // which rounds up itself

// IsShortage reports whether a wait failed for want of memory, or because the
// limit on descriptors sank below what the poller holds (poll(2), EINVAL; prlimit(1)
// does that to a process that runs): both may pass.
func IsShortage(err error) bool {
	switch errnoOf(err) {
	case unix.ENOMEM:
		return true
	case unix.EINVAL: // to the others this is a descriptor that is no poller, or a mistake of ours
		var call *os.SyscallError
		return errors.As(err, &call) && call.Syscall == "poll"
	}
	return false
}

// waited is the policy of the wait: a signal, or SIGCONT after a stop, ends it without
// events and is never an error, or the loop would end (LOOP-10, LOOP-11). It is not begun
// again here: the caller computes its timeout anew (TIME-12, netty PR #14425), and looks
// for what was posted meanwhile (WAKE-9).
func waited(op string, n int, err error) (int, error) {
	switch err {
	case nil:
		return n, nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, os.NewSyscallError(op, err)
}
