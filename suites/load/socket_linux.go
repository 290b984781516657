package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dialLimit bounds connect and the sign-on of one connection.
const dialLimit = 10 * time.Second

// maxAnswer bounds the line that answers a sign-on, in bytes.
const maxAnswer = 256

// resolve turns network and address into what connect(2) wants.
func resolve(ctx context.Context, network, address string) (unix.Sockaddr, int, error) {
	if network == "unix" {
		return &unix.SockaddrUnix{Name: address}, unix.AF_UNIX, nil
	}
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, 0, fmt.Errorf("load: network %q: use tcp, tcp4, tcp6 or unix", network)
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, 0, fmt.Errorf("load: %w", err)
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return nil, 0, fmt.Errorf("load: %w", err)
	}
	if host == "" {
		host = "localhost"
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip"+strings.TrimPrefix(network, "tcp"), host)
	if err != nil {
		return nil, 0, fmt.Errorf("load: %w", err)
	}
	ip := ips[0].Unmap()
	if ip.Is4() {
		return &unix.SockaddrInet4{Port: port, Addr: ip.As4()}, unix.AF_INET, nil
	}
	return &unix.SockaddrInet6{Port: port, Addr: ip.As16()}, unix.AF_INET6, nil
}

// connect opens one connection, signs on and makes it non-blocking. Until then
// it blocks, under the socket's own timeouts.
func connect(family int, sa unix.Sockaddr, o Options) (fd int, err error) {
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	limit := unix.NsecToTimeval(int64(dialLimit))
	for _, option := range []int{unix.SO_SNDTIMEO, unix.SO_RCVTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &limit); err != nil {
			return -1, os.NewSyscallError("setsockopt", err)
		}
	}
	if family != unix.AF_UNIX {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return -1, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := establish(fd, sa); err != nil {
		return -1, os.NewSyscallError("connect", err)
	}
	if o.SignOn != "" {
		if err := signOn(fd, o.SignOn); err != nil {
			return -1, err
		}
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return -1, os.NewSyscallError("fcntl", err)
	}
	return fd, nil
}

// establish connects; a signal in the middle leaves the kernel connecting, and
// only the end of that is waited for (connect(2), EINTR).
func establish(fd int, sa unix.Sockaddr) error {
	err := unix.Connect(fd, sa)
	if err != unix.EINTR {
		return err
	}
	for err == unix.EINTR {
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(dialLimit.Milliseconds()))
	}
	if err != nil {
		return err
	}
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	return err
}

// signOn sends the first line and reads its answer byte by byte, so that
// nothing behind the newline is taken.
func signOn(fd int, line string) error {
	if _, err := unix.Write(fd, []byte(line+"\n")); err != nil {
		return os.NewSyscallError("write", err)
	}
	var answer []byte
	for one := make([]byte, 1); len(answer) < maxAnswer; {
		n, err := unix.Read(fd, one)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("sign-on %q was not answered: %w", line, os.NewSyscallError("read", err))
		case n == 0:
			return fmt.Errorf("sign-on %q: the target closed the connection; does it speak the probe dialect?", line)
		case one[0] == '\n':
			if !strings.HasPrefix(string(answer), "OK ") {
				return fmt.Errorf("sign-on %q was answered %q, not OK and a number", line, answer)
			}
			return nil
		}
		answer = append(answer, one[0])
	}
	return errors.New("the answer to the sign-on has no end")
}

// read and write go to the kernel without telling the Go scheduler: the sockets
// are non-blocking, so the calls are short, and the telling costs more than a
// tenth of a small request.
func read(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func write(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
