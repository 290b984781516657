package reference

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestNetworks(t *testing.T) {
	for _, class := range Classes {
		for _, network := range []string{"tcp", "tcp4", "tcp6", "unix"} {
			t.Run(class+" "+network, func(t *testing.T) {
				address := "localhost:0"
				switch network {
				case "unix":
					address = filepath.Join(t.TempDir(), "s")
				case "tcp6":
					if !hasIPv6() {
						t.Skip("no IPv6 on this machine")
					}
					address = "[::1]:0"
				}
				var log strings.Builder
				s := startOn(t, network, address, Options{Class: class, Log: slog.New(slog.NewTextHandler(&log, nil))})
				c := s.sign("ECHO")
				c.send("x")
				c.want("x")
				c.Close()
				stop(t, s)
				if strings.Contains(log.String(), "level=ERROR") { // the server has ended, and writes no more
					t.Errorf("it logged\n%s", log.String())
				}
				if network == "unix" {
					if _, err := os.Lstat(address); !errors.Is(err, os.ErrNotExist) {
						t.Errorf("the socket file is still there: %v", err)
					}
				}
			})
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

func TestStaleSocketFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := New(Options{Log: quiet()})
	if _, err := s.Start("unix", path); err == nil || !strings.Contains(err.Error(), "answers there already") {
		t.Fatalf("Start beside a live server: %v", err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	startOn(t, "unix", path, Options{}).sign("ECHO")
}

func TestStartErrors(t *testing.T) {
	taken := start(t, Options{})
	for _, c := range []struct{ network, address, want string }{
		{"tcp", taken.addr.String(), "bind: address already in use"},
		{"udp", "127.0.0.1:0", `network "udp"`},
		{"tcp", "127.0.0.1", "missing port"},
		{"unix", t.TempDir() + "/none/s", "bind: no such file"},
		{"unix", t.TempDir(), "is no socket"},
	} {
		for _, class := range Classes {
			s, err := New(Options{Class: class, Log: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Start(c.network, c.address); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: Start(%s, %s): %v; want %q in it", class, c.network, c.address, err, c.want)
			}
			if _, err := s.Start("tcp", "127.0.0.1:0"); err == nil {
				t.Errorf("%s: a second Start worked", class)
			}
			if err := s.Stop(context.Background()); err != nil {
				t.Errorf("%s: Stop of what never ran: %v", class, err)
			}
		}
	}
}

// A listener may be descriptor 0, where a process has closed its standard input.
func TestListenerIsDescriptor0(t *testing.T) {
	input, err := syscall.Dup(0)
	if err != nil {
		t.Skipf("standard input: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Dup3(input, 0, 0), syscall.Close(input)); err != nil {
			t.Error(err)
		}
	})
	syscall.Close(0)
	s, err := New(Options{Class: Iterative, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if s.listener != 0 {
		t.Errorf("the listener is descriptor %d: nothing is tried", s.listener)
	}
	ctx, cancel := context.WithTimeout(context.Background(), within/4)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if fd, err := syscall.Dup(0); err == nil {
		syscall.Close(fd)
		t.Error("the listener is open after Stop")
	}
}

func TestNoDelayIsInherited(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		seen := make(chan bool, 1)
		o.Handler = func(c *Conn) Handler {
			on, err := syscall.GetsockoptInt(int(c.fd), syscall.IPPROTO_TCP, syscall.TCP_NODELAY)
			seen <- on != 0 && err == nil
			return echo{}
		}
		start(t, o).dial()
		if !await(t, "a connection", seen) {
			t.Error("an accepted connection has no TCP_NODELAY")
		}
	})
}
