package poll

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// OpenListener opens a close-on-exec stream listener at network ("tcp", "tcp4",
// "tcp6" or "unix") and address, and returns its descriptor with the address it
// is bound to. A blocking listener is for the classes without loops.
//
// TCP_NODELAY is set on the listener: Linux hands it down to every connection
// accepted from it, which saves a system call for each; without it a small reply waits
// for the acknowledgement of the one before (CONN-17). SO_REUSEADDR lets a restarted
// server take its port back while old connections are in TIME_WAIT (ACC-9).
func OpenListener(network, address string, backlog int, blocking bool) (fd int, bound net.Addr, err error) {
	domain, sockaddr, err := resolve(network, address)
	if err != nil {
		return -1, nil, err
	}
	kind := unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	if !blocking {
		kind |= unix.SOCK_NONBLOCK
	}
	fd, err = unix.Socket(domain, kind, 0)
	if err == unix.EAFNOSUPPORT && network == "tcp" && domain == unix.AF_INET6 {
		return OpenListener("tcp4", address, backlog, blocking) // no IPv6 here, and nobody asked for it by name
	}
	if err != nil {
		return -1, nil, os.NewSyscallError("socket", err)
	}
	if err := bind(fd, network, domain, sockaddr, backlog); err != nil {
		unix.Close(fd)
		return -1, nil, fmt.Errorf("listen on %s %s: %w", network, address, err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		unix.Close(fd)
		return -1, nil, os.NewSyscallError("getsockname", err)
	}
	return fd, netAddr(name), nil
}

func bind(fd int, network string, domain int, sockaddr unix.Sockaddr, backlog int) error {
	if domain != unix.AF_UNIX {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if domain == unix.AF_INET6 {
		only := 0
		if network == "tcp6" {
			only = 1
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, sockaddr); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return os.NewSyscallError("listen", err)
	}
	return nil
}

// resolve turns an address into the kernel's form. The socket file that a dead
// server left behind is removed (LIFE-20); one that still answers, or a file of another kind, is not.
func resolve(network, address string) (domain int, sockaddr unix.Sockaddr, err error) {
	if network == "unix" {
		if err := removeStale(address); err != nil {
			return 0, nil, err
		}
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: address}, nil
	}
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return 0, nil, fmt.Errorf("network %q: want tcp, tcp4, tcp6 or unix", network)
	}
	tcp, err := net.ResolveTCPAddr(network, address)
	if err != nil {
		return 0, nil, err
	}
	if ip := tcp.IP.To4(); ip != nil || network == "tcp4" {
		sa := &unix.SockaddrInet4{Port: tcp.Port}
		copy(sa.Addr[:], ip)
		return unix.AF_INET, sa, nil
	}
	sa := &unix.SockaddrInet6{Port: tcp.Port}
	copy(sa.Addr[:], tcp.IP)
	if tcp.Zone != "" {
		link, err := net.InterfaceByName(tcp.Zone)
		if err != nil {
			return 0, nil, err
		}
		sa.ZoneId = uint32(link.Index)
	}
	return unix.AF_INET6, sa, nil
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("listen on unix %s: the file exists and is no socket", path)
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return fmt.Errorf("listen on unix %s: a server answers there already", path)
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// AcceptConn takes one connection off a listener's queue as a close-on-exec
// socket, which no child inherits (ACC-8), blocking or not as asked; from is not valid
// for a Unix socket. On a non-blocking listener ErrAgain says that the queue is empty; a
// blocking one sleeps in accept(2), and EINVAL says that it was shut down. Only the caller
// that asks for blocking sockets may sleep.
func AcceptConn(listener int, blocking bool) (fd int, from netip.AddrPort, err error) {
	flags := unix.SOCK_CLOEXEC
	if !blocking {
		flags |= unix.SOCK_NONBLOCK
	}
	for {
		fd, from, errno := accept4(listener, flags, blocking)
		switch errno {
		case 0:
			return fd, from, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return -1, netip.AddrPort{}, ErrAgain
		default:
			return -1, netip.AddrPort{}, os.NewSyscallError("accept4", errno)
		}
	}
}

// IsTransient reports whether accept(2) met a connection that is already gone,
// or a network error pending on it (accept(2), "Error handling"): take the next.
func IsTransient(err error) bool {
	switch errnoOf(err) {
	case unix.EINTR, unix.ECONNABORTED, unix.ECONNRESET, unix.EPROTO, unix.ENETDOWN, unix.ENOPROTOOPT,
		unix.EHOSTDOWN, unix.ENONET, unix.EHOSTUNREACH, unix.EOPNOTSUPP, unix.ENETUNREACH, unix.ETIMEDOUT, unix.EPERM:
		return true
	}
	return false
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}

// ShutdownRead ends the input of fd: a thread blocked in read(2) or accept(2)
// on it returns. The descriptor stays valid.
func ShutdownRead(fd int) error {
	return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_RD))
}

// ShutdownWrite sends the FIN after what is in the socket's send queue.
func ShutdownWrite(fd int) error {
	return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_WR))
}

// ShutdownBoth ends both directions; blocked readers and writers return.
func ShutdownBoth(fd int) error {
	return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_RDWR))
}

// Disconnect resets a TCP connection and keeps its descriptor: the peer gets RST
// and no FIN before it, what is queued is dropped, and threads blocked on fd return.
// Kernels that refuse that while a thread is blocked (6.4, 6.5) and sockets that
// are not TCP are an error.
func Disconnect(fd int) error {
	sockaddr := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sockaddr)), unsafe.Sizeof(sockaddr))
	if errno != 0 {
		return os.NewSyscallError("connect", errno)
	}
	return nil
}

// CloseWithReset closes fd so that the peer gets RST and what is queued is dropped.
func CloseWithReset(fd int) error {
	// A socket that knows no linger (Unix) just closes.
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	return Close(fd)
}

// Unsent is the number of bytes in the socket's send queue that the peer's
// kernel has not acknowledged yet, the FIN counting as one (SIOCOUTQ in tcp(7));
// for a Unix socket, the bytes that the peer has not read. 0 if that cannot be told.
func Unsent(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}

// SetTimeouts bounds each later ReadBlocking and WriteBlocking on fd; 0 is for ever.
func SetTimeouts(fd int, d time.Duration) error {
	t := timeval(d)
	for _, option := range [...]int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &t); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// PendingError takes the error that Fault announced, nil if there is none.
func PendingError(fd int) error {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || n == 0 {
		return nil
	}
	return os.NewSyscallError("read", syscall.Errno(n))
}

// PeerAddr is the address of fd's peer, nil once it is gone.
func PeerAddr(fd int) net.Addr {
	name, err := unix.Getpeername(fd)
	if err != nil {
		return nil
	}
	return netAddr(name)
}

func netAddr(name unix.Sockaddr) net.Addr {
	if sa, ok := name.(*unix.SockaddrUnix); ok {
		return &net.UnixAddr{Net: "unix", Name: sa.Name}
	}
	return net.TCPAddrFromAddrPort(addrPort(name))
}

func addrPort(name unix.Sockaddr) netip.AddrPort {
	switch sa := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(inZone(netip.AddrFrom16(sa.Addr), sa.ZoneId), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// inZone is an IPv6 address with the name of the link that its scope is, if it has one.
func inZone(addr netip.Addr, zone uint32) netip.Addr {
	addr = addr.Unmap()
	if zone == 0 {
		return addr
	}
	link, err := net.InterfaceByIndex(int(zone))
	if err != nil {
		return addr
	}
	return addr.WithZone(link.Name)
}
