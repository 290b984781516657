package poll

import (
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNetAddr(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skipf("no loopback interface of that name: %v", err)
	}
	linkLocal := [16]byte{0xfe, 0x80, 15: 1}
	for want, sa := range map[string]unix.Sockaddr{
		"127.0.0.1:80":    &unix.SockaddrInet4{Port: 80, Addr: [4]byte{127, 0, 0, 1}},
		"[::1]:81":        &unix.SockaddrInet6{Port: 81, Addr: [16]byte{15: 1}},
		"127.0.0.2:82":    &unix.SockaddrInet6{Port: 82, Addr: [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 2}}, // an IPv4 client of a listener on both
		"[fe80::1]:83":    &unix.SockaddrInet6{Port: 83, Addr: linkLocal},
		"[fe80::1%lo]:84": &unix.SockaddrInet6{Port: 84, Addr: linkLocal, ZoneId: uint32(lo.Index)},
		"/run/s":          &unix.SockaddrUnix{Name: "/run/s"},
	} {
		if got := netAddr(sa); got.String() != want {
			t.Errorf("%+v is %s, want %s", sa, got, want)
		}
	}
}

// A listener on tcp6 takes IPv6 clients alone, one on tcp both.
func TestOnlyTCP6IsForIPv6Alone(t *testing.T) {
	if !hasIPv6() {
		t.Skip("no IPv6 on this machine")
	}
	for network, both := range map[string]bool{"tcp": true, "tcp6": false} {
		fd, addr, err := OpenListener(network, "[::]:0", 1, false)
		must(t, err)
		port := addr.(*net.TCPAddr).Port
		c, err := net.DialTCP("tcp4", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			c.Close()
		}
		if (err == nil) != both {
			t.Errorf("%s: an IPv4 client gets %v, want it served: %t", network, err, both)
		}
		if err := Close(fd); err != nil {
			t.Error(err)
		}
	}
}

func TestTimeval(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		0: 0, 1: time.Microsecond, time.Microsecond: time.Microsecond, time.Microsecond + 1: 2 * time.Microsecond,
		time.Second - 1: time.Second, 90 * time.Minute: 90 * time.Minute,
	} {
		tv := timeval(d)
		if got := time.Duration(tv.Nano()); got != want {
			t.Errorf("%v is %v, want %v", d, got, want)
		}
	}
}

// No timeout is for ever, and the shortest one is not none.
func TestSetTimeouts(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, d := range []time.Duration{time.Nanosecond, time.Second, 0} {
		if err := SetTimeouts(fd, d); err != nil {
			t.Fatal(err)
		}
		for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
			tv, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, option)
			if err != nil {
				t.Fatal(err)
			}
			if got := time.Duration(tv.Nano()); got < d || (got == 0) != (d == 0) || got > d+100*time.Millisecond { // the kernel counts in jiffies
				t.Errorf("option %d: %v is set for %v", option, got, d)
			}
		}
	}
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}

// The address says the family, and where it says none the network does.
func TestListenersFamily(t *testing.T) {
	for _, x := range []struct {
		network, address string
		family           int
	}{
		{"tcp", "127.0.0.1:0", unix.AF_INET},
		{"tcp4", "127.0.0.1:0", unix.AF_INET},
		{"tcp4", ":0", unix.AF_INET},
		{"tcp", ":0", unix.AF_INET6},
		{"tcp", "[::1]:0", unix.AF_INET6},
		{"tcp6", "[::1]:0", unix.AF_INET6},
		{"tcp6", "[::1%lo]:0", unix.AF_INET6},
		{"tcp6", ":0", unix.AF_INET6},
	} {
		if x.family == unix.AF_INET6 && !hasIPv6() {
			continue
		}
		fd, bound, err := OpenListener(x.network, x.address, 1, false)
		if err != nil {
			t.Errorf("%s %s: %v", x.network, x.address, err)
			continue
		}
		if family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || family != x.family {
			t.Errorf("%s %s is of family %d, %v; want %d", x.network, x.address, family, err, x.family)
		}
		c, err := net.Dial("tcp", bound.String())
		if err != nil {
			t.Errorf("%s %s: %v", x.network, x.address, err)
		} else {
			c.Close()
		}
		must(t, Close(fd))
	}
	for _, x := range [][2]string{{"udp", ":0"}, {"tcp", "127.0.0.1"}, {"tcp6", "[fe80::1%none]:0"}, {"unix", "/proc/none/s"}} {
		if fd, _, err := OpenListener(x[0], x[1], 1, false); err == nil || fd != -1 {
			t.Errorf("%s %s: descriptor %d, %v; want none", x[0], x[1], fd, err)
		}
	}
}

// A connection is close-on-exec, and blocks as asked; none is no descriptor.
func TestAccept(t *testing.T) {
	for _, blocking := range []bool{false, true} {
		fd, address, err := OpenListener("tcp4", "127.0.0.1:0", 1, blocking)
		must(t, err)
		defer unix.Close(fd)
		if !blocking {
			if none, _, err := AcceptConn(fd, blocking); none != -1 || err != ErrAgain {
				t.Errorf("an empty queue gives descriptor %d, %v; want -1, ErrAgain", none, err)
			}
		}
		peer, err := net.Dial("tcp4", address.String())
		must(t, err)
		defer peer.Close()
		conn, from, err := AcceptConn(fd, blocking)
		must(t, err)
		defer unix.Close(conn)
		if from.String() != peer.LocalAddr().String() {
			t.Errorf("a connection of %v is from %v", peer.LocalAddr(), from)
		}
		for what, fd := range map[string]int{"listener": fd, "connection": conn} {
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("a %s is inherited by children (%v)", what, err)
			}
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || (flags&unix.O_NONBLOCK == 0) != blocking {
				t.Errorf("a %s has flags %#x, %v; want it to block: %t", what, flags, err, blocking)
			}
		}
	}
}

// Whoever asks is told where a connection is from, as it is over each network.
func TestAcceptedFrom(t *testing.T) {
	for _, x := range []struct{ network, address, dial string }{
		{"tcp4", "127.0.0.1:0", "tcp4"},
		{"tcp6", "[::1]:0", "tcp6"},
		{"tcp", ":0", "tcp4"}, // over IPv6's socket, as ::ffff:127.0.0.1
		{"tcp", ":0", "tcp6"},
		{"unix", filepath.Join(t.TempDir(), "s"), "unix"},
	} {
		fd, address, err := OpenListener(x.network, x.address, 1, true)
		must(t, err)
		at := address.String()
		if tcp, ok := address.(*net.TCPAddr); ok {
			at = map[string]string{"tcp4": "127.0.0.1:", "tcp6": "[::1]:"}[x.dial] + strconv.Itoa(tcp.Port)
		}
		peer, err := net.Dial(x.dial, at)
		must(t, err)
		conn, from, err := AcceptConn(fd, true)
		must(t, err)
		if x.network == "unix" {
			if from.IsValid() {
				t.Errorf("a connection over a unix socket is from %v", from)
			}
		} else if from.String() != peer.LocalAddr().String() {
			t.Errorf("%s at %s: a connection of %v is from %v", x.dial, x.address, peer.LocalAddr(), from)
		}
		peer.Close()
		must(t, Close(conn))
		must(t, Close(fd))
	}
}

// tcpPair is a connection over loopback, its server's end not blocking; the test's end closes both.
func tcpPair(t *testing.T) (server int, client *net.TCPConn) {
	t.Helper()
	fd, address, err := OpenListener("tcp4", "127.0.0.1:0", 1, true)
	must(t, err)
	defer unix.Close(fd)
	conn, err := net.Dial("tcp4", address.String())
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	server, _, err = AcceptConn(fd, false)
	must(t, err)
	t.Cleanup(func() { unix.Close(server) })
	return server, conn.(*net.TCPConn)
}

// What the kernel says of a connection, and its silence: no error, no peer, nothing unsent.
func TestStateOfAConnection(t *testing.T) {
	fd, client := tcpPair(t)
	if addr := PeerAddr(fd); addr == nil || addr.String() != client.LocalAddr().String() {
		t.Errorf("the peer of %v is %v", client.LocalAddr(), addr)
	}
	if err := PendingError(fd); err != nil {
		t.Errorf("an error is pending on a sound connection: %v", err)
	}
	must(t, client.SetLinger(0))
	client.Close() // with a reset
	p, err := New("poll")
	must(t, err)
	must(t, p.Add(fd, 1, 0))
	ready(t, p, Forever)
	if err := PendingError(fd); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("pending after a reset: %v", err)
	}
	if err := PendingError(fd); err != nil {
		t.Errorf("pending once it was taken: %v", err)
	}
	if addr := PeerAddr(fd); addr != nil {
		t.Errorf("the peer that is gone is %v", addr)
	}
	a, b := pair(t)
	if n := Unsent(a); n != 0 {
		t.Errorf("%d bytes unsent before any was written", n)
	}
	Write(a, []byte("x"))
	if n := Unsent(a); n == 0 {
		t.Error("nothing is unsent beside a byte that was not read")
	}
	var buf [8]byte
	Read(b, buf[:])
	if n := Unsent(a); n != 0 {
		t.Errorf("%d bytes unsent after all were read", n)
	}
	if addr, err, n := PeerAddr(-1), PendingError(-1), Unsent(-1); addr != nil || err != nil || n != 0 {
		t.Errorf("no descriptor has the peer %v, the error %v, %d bytes unsent", addr, err, n)
	}
}

// Disconnect resets a TCP connection; what is not TCP is an error.
func TestDisconnect(t *testing.T) {
	fd, client := tcpPair(t)
	if err := Disconnect(fd); err != nil {
		t.Skipf("this kernel refuses it: %v", err)
	}
	client.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the peer's reading ended with %v, want a reset", err)
	}
	a, _ := pair(t)
	if err := Disconnect(a); err == nil {
		t.Error("a Unix socket was disconnected without an error")
	}
}
