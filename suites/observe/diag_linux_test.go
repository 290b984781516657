package observe

import (
	"errors"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// sock_diag(7) tells of this process's sockets what the tables of /proc/net tell: of listeners
// with clients that wait, and of connections with bytes on their way in both directions.
func TestDiagnosed(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0", "[::]:0"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Skip(err)
		}
		defer l.Close()
		for n := range 3 {
			client, err := net.Dial("tcp", net.JoinHostPort("localhost", port(l)))
			if err != nil {
				client, err = net.Dial("tcp", l.Addr().String())
			}
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := client.Write(make([]byte, 100+n)); err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				server, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				if _, err := server.Write(make([]byte, 3000)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, which := range []selection{allSockets, listenersOnly} {
		list, err := diagnosed(own, which)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPROTONOSUPPORT) {
			t.Skip(err) // a kernel without it
		}
		if err != nil {
			t.Fatal(err)
		}
		told, err := socketTable("/proc/net", which)
		if err != nil {
			t.Fatal(err)
		}
		held := map[uint64]bool{}
		if err := eachFD(os.Getpid(), func(_ int, link string) error {
			if kind, inode := parseLink(link); kind == "socket" {
				held[inode] = true
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		compared := 0
		for _, s := range list {
			if !held[s.Inode] {
				continue
			}
			compared++
			if s != told[s.Inode] {
				t.Errorf("sock_diag says %+v\n/proc/net %+v", s, told[s.Inode])
			}
		}
		if least := map[selection]int{allSockets: 12, listenersOnly: 3}[which]; compared < least {
			t.Errorf("%d sockets were told, of %d at least", compared, least)
		}
	}
	if _, err := diagnosed("net:[1]", allSockets); !errors.Is(err, errElsewhere) {
		t.Errorf("another namespace: %v", err)
	}
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// What a look at all sockets costs by each way. After a churn there are tens of thousands in
// TIME_WAIT, which /proc/net lists.
func BenchmarkSockets(b *testing.B) {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		b.Fatal(err)
	}
	for name, look := range map[string]func() error{
		"sock_diag": func() error { _, err := diagnosed(own, allSockets); return err },
		"proc":      func() error { _, err := socketTable("/proc/net", allSockets); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := look(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
