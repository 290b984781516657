package session

import (
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// alone reports whether a thread sleeps in a read of one descriptor.
func alone(call observe.Syscall) bool {
	return !call.Running && slices.Contains([]int{unix.SYS_READ, unix.SYS_RECVFROM, unix.SYS_RECVMSG}, call.Number)
}

// polls reports whether a thread waits for a single descriptor, as libraries do that put
// a bound of time on a read.
func polls(call observe.Syscall) bool {
	return !call.Running && (call.Number == unix.SYS_PPOLL || runtime.GOARCH == "amd64" && call.Number == poll) && call.Args[1] == 1
}

// poll is poll(2) on amd64; arm64 has only ppoll(2).
const poll = 7
