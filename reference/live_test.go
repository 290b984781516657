package reference

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	_ "pgregory.net/rapid" // its flags are set here, before the command line is read

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// Ten seconds make a failing case small enough to read, where rapid's thirty for
// each of several properties could outlast the test's timeout. The case is kept
// below testdata/rapid, where the failure says how to run it again; git ignores it.
func init() {
	for name, value := range map[string]string{"rapid.shrinktime": "10s", "rapid.nofailfile": "false"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

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

// anyAddress is a free one, of loopback or in a directory of the test.
func anyAddress(t testing.TB, network string) string {
	if network == "unix" {
		return filepath.Join(t.TempDir(), "s")
	}
	return "127.0.0.1:0"
}

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

func stop(t testing.TB, s *served) {
	t.Helper()
	if err := <-beginStop(s); err != nil {
		t.Fatalf("Stop: %v", err)
	}
}

// beginStop stops s beside the test, and tells how that ended.
func beginStop(s *served) <-chan error {
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		stopped <- s.Stop(ctx)
	}()
	return stopped
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// within is how long a test waits for what must happen.
const within = 10 * time.Second

// await waits for a channel to be closed or to give a value.
func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(within):
		t.Fatalf("waited %v in vain for %s", within, what)
	}
	return v
}

// runLoop runs a loop on a goroutine of its own until the test's end.
func runLoop(t testing.TB, o LoopOptions) *Loop {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet()
	}
	l, err := NewLoop(o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := await(t, "Run to return", ended); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	return l
}

// do runs f on the loop's thread and waits for it.
func do(t testing.TB, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := l.Post(func() { defer close(done); f() }); err != nil {
		t.Fatal(err)
	}
	await(t, "a task", done)
}

// eachKind runs a test with every poller and every waker.
func eachKind(t *testing.T, f func(t *testing.T, o LoopOptions)) {
	for _, p := range poll.Kinds {
		for _, w := range Wakeups {
			t.Run(p+"/"+w, func(t *testing.T) { f(t, LoopOptions{Poller: p, Wakeup: w}) })
		}
	}
}

// onEachLoop is onEach without the classes that have no loops.
func onEachLoop(t *testing.T, f func(t *testing.T, o Options)) {
	onEach(t, func(t *testing.T, o Options) {
		if !o.hasLoops() {
			t.Skip("for loops")
		}
		f(t, o)
	})
}

// beyond is more than the kernel takes for a peer that reads nothing.
const beyond = 24 << 20

// scripted is a handler of functions.
type scripted struct {
	open, end, drain func(c *Conn)
	data             func(c *Conn, data []byte) int
	close            func(c *Conn, err error)
}

func (h *scripted) OnOpen(c *Conn) {
	if h.open != nil {
		h.open(c)
	}
}

func (h *scripted) OnData(c *Conn, data []byte) int {
	if h.data != nil {
		return h.data(c, data)
	}
	return len(data)
}

func (h *scripted) OnEnd(c *Conn) {
	if h.end != nil {
		h.end(c)
		return
	}
	c.Close()
}

func (h *scripted) OnDrain(c *Conn) {
	if h.drain != nil {
		h.drain(c)
	}
}

func (h *scripted) OnClose(c *Conn, err error) {
	if h.close != nil {
		h.close(c, err)
	}
}

func (o Options) with(h *scripted) Options {
	o.Handler = func(*Conn) Handler { return h }
	return o
}

// stopping is a handler with something to say at a stop.
type stopping struct {
	scripted
	stop func(c *Conn)
}

func (h *stopping) OnStop(c *Conn) { h.stop(c) }

// logged is what a process wrote to its standard error.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// descriptors counts this process's open descriptors.
func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func lives(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// starve has the server accept without descriptors until it has paused that often.
func starve(t *testing.T, s *served, pauses uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	low := limit
	low.Cur = 3
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}()
	to := syscall.SockaddrInet4{Port: s.addr.(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.Connect(fd, &to); err != nil {
		t.Fatal(err)
	}
	eventually(t, "accepting to fail", func() bool { return s.Stats().AcceptErrors >= pauses })
}
