package poll

import (
	"errors"
	"net"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refusing runs f on a thread of its own, to which the kernel refuses a system call
// with errno, if its first argument is first; any one for -1.
func refusing(t *testing.T, call uintptr, first int, errno unix.Errno, f func()) {
	t.Helper()
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(call), Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 16}, // the low half of its first argument
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(first), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if first < 0 {
		program[3] = unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA}
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its goroutine
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&filter)), 0, 0)
			runtime.KeepAlive(&filter)
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Skipf("no seccomp(2) here: %v", err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(files)
}

// What could not be opened is no descriptor, says which call failed, and leaves
// nothing open.
func TestRefusedDescriptors(t *testing.T) {
	listener, address, err := OpenListener("tcp4", "127.0.0.1:0", 1, false)
	must(t, err)
	defer unix.Close(listener)
	peer, err := net.Dial("tcp4", address.String())
	must(t, err)
	defer peer.Close()
	listen := func() ([]int, error) {
		fd, _, err := OpenListener("tcp4", "127.0.0.1:0", 1, false)
		return []int{fd}, err
	}
	for _, x := range []struct {
		call   string
		number uintptr
		open   func() ([]int, error)
	}{
		{"eventfd2", unix.SYS_EVENTFD2, func() ([]int, error) { fd, err := EventFD(); return []int{fd}, err }},
		{"pipe2", unix.SYS_PIPE2, func() ([]int, error) { r, w, err := Pipe(); return []int{r, w}, err }},
		{"socketpair", unix.SYS_SOCKETPAIR, func() ([]int, error) { r, w, err := SocketPair(); return []int{r, w}, err }},
		{"epoll_create1", unix.SYS_EPOLL_CREATE1, func() ([]int, error) { _, err := New("epoll"); return nil, err }},
		{"accept4", unix.SYS_ACCEPT4, func() ([]int, error) { fd, _, err := AcceptConn(listener, false); return []int{fd}, err }},
		{"socket", unix.SYS_SOCKET, listen},
		{"setsockopt", unix.SYS_SETSOCKOPT, listen},
		{"bind", unix.SYS_BIND, listen},
		{"listen", unix.SYS_LISTEN, listen},
		{"getsockname", unix.SYS_GETSOCKNAME, listen},
	} {
		before := openFiles(t)
		var fds []int
		var err error
		refusing(t, x.number, -1, unix.ENOMEM, func() { fds, err = x.open() })
		if call := new(os.SyscallError); !errors.As(err, &call) || call.Syscall != x.call || call.Err != unix.ENOMEM {
			t.Errorf("%s is refused: the error is %v", x.call, err)
		}
		for _, fd := range fds {
			if fd != -1 {
				t.Errorf("%s is refused: the descriptors are %v, want -1 for each", x.call, fds)
			}
		}
		if after := openFiles(t); after != before {
			t.Errorf("%s is refused: %d descriptors before, %d after", x.call, before, after)
		}
	}
}

// Without IPv6 a listener on tcp is one on tcp4, unless its address is of IPv6; one
// on tcp6 is refused.
func TestListenWithoutIPv6(t *testing.T) {
	if !hasIPv6() { // which also has net look for IPv6 before it is hidden
		t.Skip("no IPv6 on this machine")
	}
	for _, x := range []struct{ network, address, bound string }{
		{"tcp", ":0", "0.0.0.0"},
		{"tcp", "127.0.0.1:0", "127.0.0.1"},
		{"tcp", "[::1]:0", ""},
		{"tcp6", ":0", ""},
	} {
		var fd int
		var bound net.Addr
		var err error
		refusing(t, unix.SYS_SOCKET, unix.AF_INET6, unix.EAFNOSUPPORT, func() { fd, bound, err = OpenListener(x.network, x.address, 1, false) })
		switch {
		case x.bound == "" && (err == nil || fd != -1):
			t.Errorf("%s %s: descriptor %d, %v; want none", x.network, x.address, fd, err)
		case x.bound != "" && err != nil:
			t.Errorf("%s %s: %v", x.network, x.address, err)
		case x.bound != "" && bound.(*net.TCPAddr).IP.String() != x.bound:
			t.Errorf("%s %s is bound to %v", x.network, x.address, bound)
		}
		unix.Close(fd)
	}
}

// A descriptor that is none is an error of every call.
func TestCallsOnNoDescriptor(t *testing.T) {
	for name, err := range map[string]error{
		"Close": Close(-1), "Signal": Signal(-1, 1), "Drain": Drain(-1), "Disconnect": Disconnect(-1),
		"ShutdownRead": ShutdownRead(-1), "SetTimeouts": SetTimeouts(-1, 1),
	} {
		if !errors.Is(err, unix.EBADF) {
			t.Errorf("%s: %v, want EBADF", name, err)
		}
	}
}

// A signal during close(2) is no failure: the descriptor is gone.
func TestCloseIsInterrupted(t *testing.T) {
	a, _ := pair(t)
	var err error
	refusing(t, unix.SYS_CLOSE, a, unix.EINTR, func() { err = Close(a) })
	if err != nil {
		t.Errorf("Close: %v", err)
	}
}
