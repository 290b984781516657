package session

import (
	"math"

	"golang.org/x/sys/windows"
)

// Windows has no limit of descriptors that a process could read.
func descriptorsLeft() (int, error) { return math.MaxInt32, nil }

// Winsock's errors are none of those that package syscall names as on Unix.
var (
	resets      = []error{windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAENETRESET}
	shortages   = []error{windows.WSAEMFILE, windows.WSAEADDRNOTAVAIL, windows.WSAENOBUFS}
	silences    = []error{windows.WSAETIMEDOUT}
	unconnected = []error{windows.WSAENOTCONN}
)
