package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tracepoint is where the kernel counts every entry into a system call.
const tracepoint = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"

// Syscalls are the calls of one run, by what they are for.
type Syscalls struct {
	Reads  float64 `json:"reads"`  // read, readv, recvfrom, recvmsg
	Writes float64 `json:"writes"` // write, writev, sendto, sendmsg (wakeups of an eventfd too)
	Polls  float64 `json:"polls"`  // epoll_wait, epoll_pwait, epoll_pwait2
	Total  float64 `json:"total"`
}

// counter counts the system calls of one process, its later threads included,
// with the raw_syscalls tracepoint: exact, and without strace's stops, which
// slow the server down until its batches no longer look like themselves.
type counter struct {
	fds   []int
	group []int // index into the counted sums, parallel to fds
}

var filters = []string{
	"", // everything
	numbers(unix.SYS_READ, unix.SYS_READV, unix.SYS_RECVFROM, unix.SYS_RECVMSG),
	numbers(unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_SENDTO, unix.SYS_SENDMSG),
	numbers(unix.SYS_EPOLL_WAIT, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2),
}

func numbers(nrs ...int) string {
	terms := make([]string, len(nrs))
	for i, nr := range nrs {
		terms[i] = "id==" + strconv.Itoa(nr)
	}
	return strings.Join(terms, "||")
}

// countSyscalls opens the counters of pid; they start at zero.
func countSyscalls(pid int) (*counter, error) {
	b, err := os.ReadFile(tracepoint)
	if err != nil {
		return nil, fmt.Errorf("counting system calls needs root and tracefs (mount -t tracefs nodev /sys/kernel/tracing): %w", err)
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tracepoint, err)
	}
	tids, err := tasksOf(pid)
	if err != nil {
		return nil, err
	}
	c := &counter{}
	for _, tid := range tids {
		for group, filter := range filters {
			attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Config: id, Bits: unix.PerfBitInherit}
			attr.Size = uint32(unsafe.Sizeof(attr))
			fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
			if err != nil {
				c.close()
				return nil, os.NewSyscallError("perf_event_open", err)
			}
			c.fds, c.group = append(c.fds, fd), append(c.group, group)
			if filter == "" {
				continue
			}
			text, err := unix.BytePtrFromString(filter)
			if err == nil {
				_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.PERF_EVENT_IOC_SET_FILTER, uintptr(unsafe.Pointer(text)))
				if errno != 0 {
					err = os.NewSyscallError("ioctl", errno)
				}
			}
			if err != nil {
				c.close()
				return nil, err
			}
		}
	}
	return c, nil
}

// read returns the counts since the counters were opened.
func (c *counter) read() (Syscalls, error) {
	sums := make([]float64, len(filters))
	var b [8]byte
	for i, fd := range c.fds {
		if _, err := unix.Read(fd, b[:]); err != nil {
			return Syscalls{}, os.NewSyscallError("read", err)
		}
		sums[c.group[i]] += float64(binary.NativeEndian.Uint64(b[:]))
	}
	return Syscalls{Total: sums[0], Reads: sums[1], Writes: sums[2], Polls: sums[3]}, nil
}

func (c *counter) close() {
	for _, fd := range c.fds {
		unix.Close(fd)
	}
}
