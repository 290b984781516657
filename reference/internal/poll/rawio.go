package poll

import (
	"encoding/binary"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file is the one place that knows what a system call costs in Go.
//
// An ordinary call tells the scheduler that the thread may block: it offers the
// processor to others and takes it back afterwards, which costs a loop that
// makes two such calls a request more than a tenth of its CPU. Read, Write and
// Vector.Write go to non-blocking descriptors, cannot block, and so tell the
// scheduler nothing (RawSyscall). The wait of a poller and everything else that
// may sleep (blocking.go) stays an ordinary call: a raw one would hold its
// processor while it sleeps, and the garbage collector with it.
//
// EINTR is retried (Retried). The other errors come back as errnos, which compare in
// one instruction and cost no allocation; Fail names the call when it matters.

// EAGAIN is the errno of a call that found nothing to do.
const EAGAIN = unix.EAGAIN

// ErrAgain is EAGAIN as an error.
var ErrAgain error = unix.EAGAIN

// Fail is the error of a system call that returned errno.
func Fail(call string, errno syscall.Errno) error { return os.NewSyscallError(call, errno) }

// Retried makes a system call until no signal ends it. It and the call are inlined
// where the call is written in place, so the policy costs nothing.
func Retried(call func() (r1, r2 uintptr, errno syscall.Errno)) (n int, errno syscall.Errno) {
	for {
		r, _, e := call()
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

// Read reads from a non-blocking descriptor. n is 0 with errno 0 at the end of
// input; EAGAIN says that nothing is there yet. p must not be empty.
func Read(fd int, p []byte) (n int, errno syscall.Errno) {
	return Retried(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	})
}

// accept4 is accept4(2), which sleeps only if it may. unix.Accept4 takes 256 bytes of the
// heap for the name of each peer, more than a connection itself does (RES-4).
func accept4(listener, flags int, sleeps bool) (fd int, from netip.AddrPort, errno syscall.Errno) {
	var name unix.RawSockaddrAny
	var r uintptr
	size := uint32(unix.SizeofSockaddrAny)
	if sleeps {
		r, _, errno = syscall.Syscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)), uintptr(flags), 0, 0)
	} else {
		r, _, errno = syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)), uintptr(flags), 0, 0)
	}
	if errno != 0 {
		return -1, from, errno
	}
	switch name.Addr.Family {
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&name))
		from = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), fromNetwork(sa.Port))
	case unix.AF_INET6:
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&name))
		from = netip.AddrPortFrom(inZone(netip.AddrFrom16(sa.Addr), sa.Scope_id), fromNetwork(sa.Port))
	}
	return int(r), from, 0
}

// fromNetwork is a port as it is written, of one in network byte order.
func fromNetwork(port uint16) uint16 {
	return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&port))[:])
}

// Write writes to a non-blocking descriptor and may write less than all of p.
// SIGPIPE is the runtime's to ignore: EPIPE is what is left of it here (LOOP-12).
func Write(fd int, p []byte) (n int, errno syscall.Errno) {
	return Retried(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	})
}

// IOVMax is the greatest number of pieces that one writev(2) takes; with one
// more the kernel answers EINVAL (IOV_MAX in limits.h; gnet #303).
const IOVMax = 1024

// A Vector gathers pieces of memory for one writev. It is reused: 16 KiB a
// loop. The pieces stay the caller's and must live until Write returned.
type Vector struct {
	n   int
	iov [IOVMax]unix.Iovec
}

// Reset empties the vector and forgets the pieces.
func (v *Vector) Reset() {
	clear(v.iov[:v.n])
	v.n = 0
}

// Add appends a piece that is not empty; false means that the vector is full.
func (v *Vector) Add(p []byte) bool {
	if v.n == IOVMax {
		return false
	}
	v.iov[v.n].Base = unsafe.SliceData(p)
	v.iov[v.n].SetLen(len(p))
	v.n++
	return true
}

// Pieces lists what was added.
func (v *Vector) Pieces() [][]byte {
	all := make([][]byte, v.n)
	for i := range all {
		all[i] = unsafe.Slice(v.iov[i].Base, v.iov[i].Len)
	}
	return all
}

// Write writes the pieces in order to a non-blocking descriptor and may write
// less than all of them.
func (v *Vector) Write(fd int) (n int, errno syscall.Errno) {
	return Retried(func() (uintptr, uintptr, syscall.Errno) {
		return syscall.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v.iov)), uintptr(v.n))
	})
}

// Close closes fd. The descriptor is gone whatever close(2) says, so it is
// never repeated, not even after EINTR.
func Close(fd int) error {
	if err := unix.Close(fd); err != nil && err != unix.EINTR {
		return os.NewSyscallError("close", err)
	}
	return nil
}

// ThreadID is the kernel's id of the calling thread, as in /proc/self/task.
func ThreadID() int {
	r, _, _ := syscall.RawSyscall(unix.SYS_GETTID, 0, 0, 0)
	return int(r)
}
