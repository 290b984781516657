package session

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

// clients brings in n clients, each of whom is served and stays.
func clients(n int) func(s *Session) {
	return func(s *Session) {
		for range n {
			s.Open().Exchange(s.Payload(20))
		}
	}
}

// places serves that many clients at a time; the others wait.
func places(n int) func(c *net.TCPConn) {
	free := make(chan struct{}, n)
	return func(c *net.TCPConn) {
		free <- struct{}{}
		echo(c)
		<-free
	}
}

func TestALimitOfTheTargetsOwnIsNoFailure(t *testing.T) {
	a := attempt(t, places(4), clients(7))
	if a.Failure != nil || !strings.Contains(a.Untested, "it holds 4 clients at once") || !strings.Contains(a.Untested, "max_clients: 4") {
		t.Errorf("with four places: failure %v, untested %q", a.Failure, a.Untested)
	}
	together := func(s *Session) {
		for range 7 {
			s.Go(func() { clients(1)(s) })
		}
	}
	if a := attempt(t, places(4), together); a.Failure != nil || !strings.Contains(a.Untested, "it holds 4 clients at once") {
		t.Errorf("with four places for seven that come together: failure %v, untested %q", a.Failure, a.Untested)
	}
}

// turns echoes in RESP for that many clients at a time, and turns the others away, with
// words or without.
func turns(n int32, words string) func(c *net.TCPConn) {
	var beside atomic.Int32
	return func(c *net.TCPConn) {
		defer beside.Add(-1)
		if beside.Add(1) > n {
			_, _ = c.Write([]byte(words))
			return
		}
		for in := bufio.NewReader(c); ; {
			var size int
			if _, err := fmt.Fscanf(in, "*2\r\n$4\r\nECHO\r\n$%d\r\n", &size); err != nil {
				return
			}
			payload := make([]byte, size+2)
			if _, err := io.ReadFull(in, payload); err != nil {
				return
			}
			fmt.Fprintf(c, "$%d\r\n%s", size, payload)
		}
	}
}

func TestWhoIsTurnedAwayInWordsMetALimit(t *testing.T) {
	resp := func(setup *Setup) {
		var err error
		if setup.Dialect, err = dialect.Lookup("resp"); err != nil {
			t.Fatal(err)
		}
	}
	a := attempt(t, turns(4, "-ERR max number of clients reached\r\n"), clients(7), resp)
	if a.Failure != nil || !strings.Contains(a.Untested, "it holds 4 clients at once") {
		t.Errorf("with words: failure %v, untested %q", a.Failure, a.Untested)
	}
	if a := attempt(t, turns(4, ""), clients(7), resp); a.Failure == nil || a.Untested != "" {
		t.Errorf("without a word: failure %v, untested %q", a.Failure, a.Untested)
	}
	var count atomic.Int32
	fifth := func(c *net.TCPConn) {
		if count.Add(1) == 5 {
			_, _ = c.Write([]byte("-ERR not now\r\n"))
			return
		}
		turns(100, "")(c)
	}
	if a := attempt(t, fifth, clients(7), resp); a.Failure == nil || a.Untested != "" {
		t.Errorf("the fifth of all connections is turned away: failure %v, untested %q", a.Failure, a.Untested)
	}
}

func TestWhoIsLostIsAFailure(t *testing.T) {
	var count atomic.Int32
	never := func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 1)); <-time.After(4 * await) }
	for name, serve := range map[string]func(*net.TCPConn){
		"one client in five is forgotten": func(c *net.TCPConn) {
			if count.Add(1)%5 == 0 {
				never(c)
				return
			}
			echo(c)
		},
		"one client at a time": places(1),
		"the fifth client waits for time to pass": func(c *net.TCPConn) {
			if count.Add(1) == 5 {
				<-time.After(2 * await)
			}
			echo(c)
		},
		"nobody is served from the fifth on": func(c *net.TCPConn) {
			if count.Add(1) >= 5 {
				never(c)
				return
			}
			echo(c)
		},
	} {
		count.Store(0)
		if a := attempt(t, serve, clients(7)); a.Failure == nil || a.Failure.Kind != Late || a.Untested != "" {
			t.Errorf("%s: failure %v, untested %q", name, a.Failure, a.Untested)
		}
	}
}

func TestRoom(t *testing.T) {
	for most, want := range map[int]int{0: 12, 1: 1, 2: 1, 10: 8, 100: 12} {
		declared := func(setup *Setup) { setup.Info.MaxClients = most }
		a := attempt(t, echo, func(s *Session) {
			if got := s.Room(12); got != want {
				t.Errorf("with max_clients %d there is room for %d of 12, want %d", most, got, want)
			}
			if got := s.Room(100); most > 0 && got > most {
				t.Errorf("with max_clients %d there is room for %d of 100", most, got)
			}
		}, declared)
		if a.Failure != nil || a.HarnessError != "" {
			t.Errorf("max_clients %d: %v %s", most, a.Failure, a.HarnessError)
		}
	}
	attempt(t, echo, func(s *Session) {
		if got := s.Room(5000); got != roomBlind {
			t.Errorf("there is room for %d where nobody sees the target's descriptors, want %d", got, roomBlind)
		}
	})
}

// TestAShortQueue has clients come and go faster than a queue of three is emptied:
// nobody waits for a second to be let in.
func TestAShortQueue(t *testing.T) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	raw, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), 2) }); err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(time.Second))
			echo(c) // one at a time, and each is waited for
			_ = c.Close()
		}
	}()
	defer func() { listener.Close(); <-served }()
	on := target.Target{File: target.File{Dialect: "echo"}, Addr: "tcp://" + listener.Addr().String()}
	instance, err := on.Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spoken, err := dialect.Lookup("echo")
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	a := Check{Run: func(s *Session) {
		if got := s.AtOnce(50); got != 3 {
			t.Errorf("%d may begin at once where three may wait", got)
		}
		for range 40 {
			s.Dial().Reset()
		}
		s.ServesFresh()
	}}.Attempt(context.Background(), Setup{Target: instance, Info: on.File, Dialect: spoken, Seed: 1, Budget: short})
	if a.Failure != nil || time.Since(started) > 900*time.Millisecond {
		t.Errorf("after %s: %v", time.Since(started), a.Failure)
	}
}

// TestAFullUnixQueue dials a unix socket whose queue is full: connect(2) says EAGAIN at
// once, and again until somebody takes from the queue.
func TestAFullUnixQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	raw, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), 0) }); err != nil {
		t.Fatal(err)
	}
	on := target.Target{File: target.File{Dialect: "echo", Class: spec.Iterative}, Addr: "unix://" + path}
	instance, err := on.Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spoken, err := dialect.Lookup("echo")
	if err != nil {
		t.Fatal(err)
	}
	a := Check{Run: func(s *Session) {
		var waiting sync.WaitGroup
		for full := false; !full; {
			_, err := s.TryDial()
			full = err != nil
		}
		waiting.Go(func() {
			<-time.After(2 * await)
			for range 3 { // what Launch and the loop above put there, and the one below
				if c, err := listener.AcceptUnix(); err == nil {
					defer c.Close()
				}
			}
		})
		s.Dial()
		_ = listener.Close()
		waiting.Wait()
	}}.Attempt(t.Context(), Setup{Target: instance, Info: on.File, Dialect: spoken, Seed: 1, Budget: long})
	if a.Failure != nil || a.HarnessError != "" {
		t.Errorf("%v %s", a.Failure, a.HarnessError)
	}
}

// long is short, with the kernel's time for whoever is to be let in.
var long = func() Budget {
	b := short
	b.Handshake = 10 * await
	return b
}()

// TestSlowIsNotBroken gives a check that gets on more than its deadline, and takes one
// that never ends for too slow, not for broken.
func TestSlowIsNotBroken(t *testing.T) {
	trickle := func(n int) func(c *net.TCPConn) {
		return func(c *net.TCPConn) {
			for range n {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
				<-time.After(40 * time.Millisecond)
			}
		}
	}
	brief := func(setup *Setup) { setup.Budget.Check = 500 * time.Millisecond }
	read := func(n int) func(s *Session) { return func(s *Session) { s.Dial().Read(n) } }
	if a := attempt(t, trickle(20), read(20), brief); a.Failure != nil || a.Untested != "" || a.Hung {
		t.Errorf("twenty bytes in 0.8 s: %v %q", a.Failure, a.Untested)
	}
	if a := attempt(t, trickle(100), read(100), brief); a.Failure != nil || !strings.Contains(a.Untested, "too slow for this check") {
		t.Errorf("a hundred bytes in 4 s: %v %q", a.Failure, a.Untested)
	}
	silent := func(s *Session) {
		s.Dial()
		s.Pause(3 * time.Second)
	}
	if a := attempt(t, trickle(0), silent, brief); a.Failure == nil || a.Failure.Kind != Late {
		t.Errorf("nothing in 3 s: %v %q", a.Failure, a.Untested)
	}
}
