package reference

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reactorspec/reactorspec/spec/probe"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

// setups are the servers that every conversation is tried on.
var setups = []Options{
	{Class: Iterative},
	{Class: ThreadPerConnection},
	{Class: Reactor},
	{Class: Reactor, Poller: "poll", Wakeup: "pipe"},
	{Class: Reactor, Poller: "select", Wakeup: "socketpair"},
	{Class: Reactor, Poller: "epollet"},
	{Class: MultiReactor},
	{Class: MultiReactor, Poller: "epollet", Wakeup: "pipe", Balance: LeastConnections, Loops: 3},
	{Class: MultiReactor, Poller: "poll", Wakeup: "socketpair", Balance: SourceHash},
}

func (o Options) name() string {
	return strings.Trim(fmt.Sprint(o.Class, " ", o.Poller, " ", o.Wakeup, " ", o.Balance), " ")
}

// onEach runs f against every setup.
func onEach(t *testing.T, f func(t *testing.T, o Options)) {
	for _, o := range setups {
		t.Run(o.name(), func(t *testing.T) { f(t, o) })
	}
}

// served is a started server that the test's end stops.
type served struct {
	*Server
	t    testing.TB
	addr net.Addr
}

func start(t testing.TB, o Options) *served { return startOn(t, "tcp", "127.0.0.1:0", o) }

func startOn(t testing.TB, network, address string, o Options) *served {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet()
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Start(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		if err := s.Stop(ctx); err != nil && !s.stopped.Load() {
			t.Errorf("Stop: %v", err)
		}
		if open := s.Stats().Open; open != 0 {
			t.Errorf("%d connections are open after Stop", open)
		}
	})
	return &served{s, t, addr}
}

// client is the other end of a connection.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *served) dial() *client {
	s.t.Helper()
	conn, err := net.Dial(s.addr.Network(), s.addr.String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * within))
	return &client{conn, s.t, bufio.NewReaderSize(conn, 64<<10)}
}

// sign signs on and takes the OK line.
func (s *served) sign(command string) *client {
	s.t.Helper()
	c := s.dial()
	c.send(command + "\n")
	if line := c.line(); !strings.HasPrefix(line, "OK ") {
		s.t.Fatalf("%s was answered %q", command, line)
	}
	return c
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read a line: %q, %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (c *client) want(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
		c.t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

// wantEnd takes the server's FIN, and nothing before it.
func (c *client) wantEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Fatalf("read %d bytes, %v; want FIN", len(rest), err)
	}
}

func (c *client) closeWrite() {
	c.t.Helper()
	if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// call sends one frame and takes the next.
func (c *client) call(verb string, args string) probe.Reply {
	c.t.Helper()
	c.request(7, verb, args)
	return c.reply()
}

func (c *client) request(id uint32, verb, args string) {
	c.t.Helper()
	c.send(string(probe.AppendRequest(nil, probe.Request{ID: id, Verb: verb, Args: []byte(args)})))
}

func (c *client) reply() probe.Reply {
	c.t.Helper()
	header, err := c.r.Peek(4)
	if err != nil {
		c.t.Fatalf("read a reply: %v", err)
	}
	frame := make([]byte, 4+int(header[2])<<8+int(header[3])+int(header[1])<<16)
	if _, err := io.ReadFull(c.r, frame); err != nil {
		c.t.Fatalf("read a reply: %v", err)
	}
	body, _, err := probe.TakeFrame(frame)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := probe.ParseReply(body)
	if err != nil {
		c.t.Fatalf("reply %q: %v", body, err)
	}
	return r
}

// eventually waits for what another thread brings about.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(within); !cond(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", within, what)
		}
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

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
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "s")
			}
			s := startOn(t, network, address, o)
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
				s := startOn(t, network, address, Options{Class: class})
				c := s.sign("ECHO")
				c.send("x")
				c.want("x")
				c.Close()
				stop(t, s)
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

func stop(t testing.TB, s *served) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Fatalf("Stop: %v", err)
	}
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

func TestOptionErrors(t *testing.T) {
	for want, o := range map[string]Options{
		`option Class is "fast": want one of iterative, thread-per-connection, reactor, multi-reactor`: {Class: "fast"},
		`option Poller is "kqueue": want one of epoll, epollet, poll, select`:                          {Poller: "kqueue"},
		`option Wakeup is "signal": want one of eventfd, pipe, socketpair`:                             {Wakeup: "signal"},
		`option Balance is "random": want one of round-robin, least-connections, source-hash`:          {Balance: "random"},
		`option Loops is 257: want 1 to 256`:                                                           {Loops: 257},
		`option Loops is 2: the class reactor has 1 loop; want class multi-reactor`:                    {Class: Reactor, Loops: 2},
		`option Limit is -1: want 1 to 1073741824`:                                                     {Limit: -1},
		`option LowWater is 11: want 0 to 10`:                                                          {Limit: 10, LowWater: 11},
		`option MaxThreads is 10000: want 1 to 8000`:                                                   {MaxThreads: 10_000},
		`option Workers is -4: want 1 to 1000`:                                                         {Workers: -4},
		`option IdleTimeout is -1s: want 0 to 8760h0m0s`:                                               {IdleTimeout: -time.Second},
		`option StallAfter is 1ms: want 10ms to 8760h0m0s`:                                             {StallAfter: time.Millisecond},
	} {
		if _, err := New(o); err == nil || err.Error() != want {
			t.Errorf("New: %v; want %s", err, want)
		}
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
