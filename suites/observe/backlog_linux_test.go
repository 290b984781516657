package observe

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// listener makes one with a queue that package net does not offer.
func listener(t *testing.T, at unix.Sockaddr, family, backlog int) unix.Sockaddr {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, at), unix.Listen(fd, backlog)); err != nil {
		t.Skip(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestBacklog(t *testing.T) {
	wants := func(name string, at net.Addr, want int) {
		if got, err := Backlog(at); err != nil || got != want {
			t.Errorf("%s: a queue of %d (%v), want %d", name, got, err, want)
		}
	}
	four := listener(t, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, unix.AF_INET, 3).(*unix.SockaddrInet4)
	wants("IPv4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: four.Port}, 4)
	if _, err := Backlog(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: four.Port}); !errors.Is(err, ErrNoListener) {
		t.Errorf("beside the listener's address: %v", err)
	}
	any := listener(t, &unix.SockaddrInet4{}, unix.AF_INET, 7).(*unix.SockaddrInet4)
	wants("any address", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: any.Port}, 8)
	six := listener(t, &unix.SockaddrInet6{}, unix.AF_INET6, 5).(*unix.SockaddrInet6)
	wants("IPv6", &net.TCPAddr{IP: net.IPv6loopback, Port: six.Port}, 6)
	wants("IPv4 by a socket of IPv6", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: six.Port}, 6)

	path := filepath.Join(t.TempDir(), "s")
	listener(t, &unix.SockaddrUnix{Name: path}, unix.AF_UNIX, 2)
	wants("a path", &net.UnixAddr{Name: path, Net: "unix"}, 3)
	abstract := "@reactorspec-backlog-" + filepath.Base(filepath.Dir(path)) + "-" + filepath.Base(os.Args[0])
	listener(t, &unix.SockaddrUnix{Name: abstract}, unix.AF_UNIX, 9)
	wants("an abstract name", &net.UnixAddr{Name: abstract, Net: "unix"}, 10)
}
