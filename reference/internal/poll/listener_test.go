package poll

import (
	"net"
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
	for network, both := range map[string]bool{"tcp": true, "tcp6": false} {
		fd, addr, err := OpenListener(network, "[::]:0", 1, false)
		if err != nil {
			t.Skipf("no IPv6 on this machine: %v", err)
		}
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
