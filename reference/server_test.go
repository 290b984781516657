package reference

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
)

func TestConversations(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		s := start(t, o)
		t.Run("ECHO", func(t *testing.T) {
			c := s.dial()
			c.send("ECHO\r\nfirst") // in the segment of the sign-on
			if line := c.line(); !strings.HasPrefix(line, "OK ") {
				t.Fatalf("answered %q", line)
			}
			c.want("first")
			c.send("second")
			c.want("second")
			c.closeWrite()
			c.wantEnd()
		})
		t.Run("SINK", func(t *testing.T) {
			c := s.sign("SINK")
			c.send(strings.Repeat("x", 300_000))
			c.closeWrite()
			c.want("SUNK 300000\n")
			c.wantEnd()
		})
		t.Run("SOURCE", func(t *testing.T) {
			for _, n := range []int{0, 1, 251, 1 << 20, 5_000_001} {
				c := s.sign(fmt.Sprint("SOURCE ", n))
				got, err := io.ReadAll(c.r)
				if err != nil || len(got) != n {
					t.Fatalf("SOURCE %d sent %d bytes, %v", n, len(got), err)
				}
				for i, b := range got {
					if b != byte(i%251) {
						t.Fatalf("byte %d is %d", i, b)
					}
				}
				c.Close()
			}
		})
		t.Run("MAIN", func(t *testing.T) {
			c := s.dial()
			c.send("MAIN\nSAY too early\nUSER ann\nSHOW\n")
			id := strings.TrimPrefix(c.line(), "OK ")
			if line := c.line(); !strings.HasPrefix(line, "ERR ") {
				t.Errorf("SAY before KEY was answered %q", line)
			}
			c.want("OK USER ann\nITEM " + id + " MAIN ann 1\n")
			c.send("KEY k\nSAY hi all\nQUIT\nSHOW\n")
			c.want("OK KEY\nSAID ann hi all\nBYE\n")
			c.wantEnd()
		})
		t.Run("PROBE", func(t *testing.T) {
			c := s.sign("PROBE")
			if r := c.call("PING", "a b\x00c"); r.Status != probe.OK || string(r.Fields) != "a b\x00c" || r.ID != 7 {
				t.Errorf("PING was answered %+v", r)
			}
			if class, _ := c.call("HELLO", "").Field("class"); class != o.Class {
				t.Errorf("HELLO says class %q", class)
			}
			if r := c.call("NONESUCH", ""); r.Status != probe.Unsupported {
				t.Errorf("NONESUCH was answered %q", r.Status)
			}
			c.request(1, "PING", "due")
			c.send("\x00\x00\x00\x00")
			if r := c.reply(); string(r.Fields) != "due" {
				t.Errorf("PING was answered %+v", r)
			}
			c.wantEnd()
		})
		t.Run("none", func(t *testing.T) {
			for _, line := range []string{"echo\n", "ECHO x\n", "SOURCE -1\n", "\n", strings.Repeat("x", 300)} {
				c := s.dial()
				c.send(line)
				if got, _ := io.ReadAll(c.r); len(got) > 0 {
					t.Errorf("%q was answered %q", line, got)
				}
			}
			c := s.dial()
			c.send("ECH")
			c.closeWrite()
			c.wantEnd()
		})
	})
}

// A reader that starts late gets every byte, although the client's FIN came long before.
func TestHalfCloseDeliversAll(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		onEach(t, func(t *testing.T, o Options) {
			s := startOn(t, network, anyAddress(t, network), o)
			data := randomBytes(16 << 20)
			c := s.sign("ECHO")
			sent := make(chan error, 1)
			go func() {
				_, err := c.Write(data)
				if err == nil {
					err = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
				}
				sent <- err
			}()
			if s.options.hasLoops() { // the declared limit: nothing of it need be read before all is sent
				if err := await(t, "16 MiB to be taken", sent); err != nil {
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(c.r)
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%d of %d bytes came back, %v", len(got), len(data), err)
			}
		})
	}
}

// A reader that stays away pauses the writer's reading, and only its own.
func TestHighWaterPausesReading(t *testing.T) {
	const limit = 256 << 10
	onEach(t, func(t *testing.T, o Options) {
		o.Limit = limit
		if o.Class == Iterative {
			t.Skip("one client at a time")
		}
		s := start(t, o)
		slow := s.sign("ECHO")
		slow.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		sent, err := slow.Write(make([]byte, 64<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("64 MiB were taken from a client that reads nothing: %d, %v", sent, err)
		}
		other := s.sign("ECHO")
		other.send("still served")
		other.want("still served")
		slow.SetDeadline(time.Now().Add(within))
		slow.closeWrite()
		if n, err := io.Copy(io.Discard, slow.r); err != nil || int(n) != sent {
			t.Fatalf("%d of %d bytes came back, %v", n, sent, err)
		}
	})
}

// Frames that are small and many leave more pieces waiting than one writev takes.
func TestManyPendingWrites(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		s := start(t, o)
		c := s.sign("PROBE")
		const n = 75_000
		payload := strings.Repeat("p", 200)
		if !s.options.hasLoops() {
			go func() { writePings(c, n, payload) }()
		} else {
			writePings(c, n, payload)
		}
		for i := range n {
			if r := c.reply(); r.ID != uint32(i) || string(r.Fields) != payload {
				t.Fatalf("reply %d: %+v", i, r)
			}
		}
	})
}

func writePings(c *client, n int, payload string) {
	var frames []byte
	for i := range n {
		frames = probe.AppendRequest(frames, probe.Request{ID: uint32(i), Verb: "PING", Args: []byte(payload)})
	}
	if _, err := c.Write(frames); err != nil {
		c.t.Error(err)
	}
}

func TestConnectionLimit(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		if o.Class == Iterative {
			t.Skip("one client at a time")
		}
		o.MaxConns = 3
		s := start(t, o)
		var first *client
		for range 3 {
			first = s.sign("ECHO")
		}
		refused := s.dial()
		if got, _ := io.ReadAll(refused.r); len(got) > 0 {
			t.Errorf("a connection beyond the limit got %q", got)
		}
		if n := s.Stats().Refused; n != 1 {
			t.Errorf("%d connections were refused, want 1", n)
		}
		first.Close()
		eventually(t, "a place to be free again", func() bool { return s.Stats().Open == 2 })
		s.sign("ECHO")
	})
}

// Each cause of refusals is told once, and all refusals are counted.
func TestRefusalsAreTold(t *testing.T) {
	log := new(logged)
	s := start(t, Options{Class: MultiReactor, Poller: "select", MaxConns: 2, Log: slog.New(slog.NewTextHandler(log, nil))})
	refused := func(why string) {
		t.Helper()
		before := s.Stats().Refused
		for range 3 {
			if got, _ := io.ReadAll(s.dial().r); len(got) > 0 {
				t.Errorf("a connection beyond the limit got %q", got)
			}
		}
		if n := s.Stats().Refused - before; n != 3 {
			t.Errorf("%d connections were refused, want 3", n)
		}
		if n := strings.Count(log.String(), why); n != 1 {
			t.Errorf("%q is told %d times, want once:\n%s", why, n, log.String())
		}
	}
	first := s.sign("ECHO")
	second := s.sign("ECHO")
	refused("MaxConns")
	second.Close()
	eventually(t, "a place to be free again", func() bool { return s.Stats().Open == 1 })
	for range 1024 { // until the next descriptor is beyond FD_SETSIZE
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	refused("select cannot watch descriptor")
	first.send("x")
	first.want("x")
}

// The first pause of accepting is told, with its cause; later ones are only counted.
func TestPausesAreTold(t *testing.T) {
	log := new(logged)
	s := start(t, Options{Class: Reactor, Log: slog.New(slog.NewTextHandler(log, nil))})
	starve(t, s, 4)
	if told := log.String(); strings.Count(told, "accepting pauses") != 1 || !strings.Contains(told, "too many open files") {
		t.Errorf("of 4 pauses it tells\n%s", told)
	}
}

func TestIdleTimeout(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		t.Parallel()
		o.IdleTimeout = time.Second
		s := start(t, o)
		busy := s.sign("ECHO")
		var last time.Time
		for range 15 { // for longer than the timeout
			last = time.Now()
			busy.send("x")
			busy.want("x")
			<-time.After(o.IdleTimeout / 10)
		}
		busy.wantEnd()
		if idle := time.Since(last); idle < o.IdleTimeout {
			t.Errorf("a connection was closed after %v without a byte", idle)
		}
		busy.Close()
		s.dial().wantEnd() // one that is slow to sign on
	})
}

// An idle connection is closed though one that came before it stays in use.
func TestIdleBehindBusy(t *testing.T) {
	s := start(t, Options{Class: Reactor, IdleTimeout: 300 * time.Millisecond})
	busy, idle := s.sign("ECHO"), s.sign("ECHO")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, idle.r)
	}()
	for end := time.After(within); ; {
		busy.send("x")
		busy.want("x")
		select {
		case <-ended:
			return
		case <-end:
			t.Fatal("the idle connection is still open")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A peer that resets leaves nothing behind, whatever it was in the middle of.
func TestResets(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		s := start(t, o)
		for i := range 60 {
			c := s.sign([]string{"ECHO", "SINK", "SOURCE 100000000", "MAIN", "PROBE"}[i%5])
			c.send("some bytes\n")
			if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
		eventually(t, "all connections to be gone", func() bool { return s.Stats().Open == 0 })
		s.sign("ECHO")
	})
}
