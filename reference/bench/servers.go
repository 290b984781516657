package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one echo server of the comparison.
type server struct {
	Name    string // also the directory under peers/ and the binary's name
	Title   string // what the tables call it
	Kind    kind
	SignOn  string // first line of each connection; only ours has one
	Version string
	Asks    []string      // a command that prints the version of what is installed here, where Version names none
	Warmup  time.Duration // more than the plan's, for runtimes that compile what they run; 0: the plan's
	Every   int           // takes part in each so manieth round only; 0: in each
}

// takesPart reports whether the server is measured in a round.
func (s server) takesPart(round int) bool { return s.Every == 0 || round%s.Every == 0 }

// version is that of what is measured; "" where nobody says it.
func (s server) version() string {
	if s.Version != "" || len(s.Asks) == 0 {
		return s.Version
	}
	out, err := exec.Command(s.Asks[0], s.Asks[1:]...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

type kind string

const (
	limit     kind = "limit" // plain C, what the kernel costs
	ours      kind = "ours"  // the reference
	goPeer    kind = "go"    // Go servers we mean to be ahead of
	otherPeer kind = "c"     // other languages' libraries, for orientation
)

// Peers in other languages are there for orientation, and take part in a part of
// the rounds; a virtual machine compiles what it has run often enough, which is
// waited for.
const (
	seldom   = 4
	compiles = 1500 * time.Millisecond
)

var servers = []server{
	{Name: "epoll", Title: "raw C epoll", Kind: limit},
	{Name: "reference", Title: "reference", Kind: ours, SignOn: "ECHO"},
	{Name: "gonet", Title: "Go net", Kind: goPeer, Version: runtime.Version()},
	{Name: "gnet", Title: "gnet", Kind: goPeer, Version: "v2.10.0"},
	{Name: "netpoll", Title: "netpoll", Kind: goPeer, Version: "v0.7.2"},
	{Name: "nbio", Title: "nbio", Kind: goPeer, Version: "v1.6.12"},
	{Name: "evio", Title: "evio", Kind: goPeer, Version: "v1.0.8"},
	{Name: "libuv", Title: "libuv", Kind: otherPeer, Asks: []string{"pkg-config", "--modversion", "libuv"}},
	{Name: "libevent", Title: "libevent", Kind: otherPeer, Asks: []string{"pkg-config", "--modversion", "libevent"}},
	{Name: "asio", Title: "Asio", Kind: otherPeer, Asks: []string{"dpkg-query", "-W", "-f", "${source:Upstream-Version}", "libasio-dev"}, Every: seldom},
	{Name: "mio", Title: "mio", Kind: otherPeer, Version: "1.2.5", Every: seldom},
	{Name: "tokio", Title: "tokio", Kind: otherPeer, Version: "1.54.1", Every: seldom},
	{Name: "netty", Title: "Netty", Kind: otherPeer, Version: "4.2.20", Every: seldom, Warmup: compiles},
	{Name: "node", Title: "Node", Kind: otherPeer, Asks: []string{"node", "--version"}, Every: seldom, Warmup: compiles / 3},
	{Name: "uvloop", Title: "uvloop", Kind: otherPeer, Version: "0.23.0", Every: seldom},
}

// startLimit bounds how long a server may take until it accepts.
const startLimit = 10 * time.Second

// starts is how often a server that does not come up is started anew, on
// another port: between choosing a port and listening on it, it may be taken.
const starts = 3

// instance is a running server.
type instance struct {
	cmd   *exec.Cmd
	addr  string
	pid   int
	ended chan struct{} // closed once it was reaped

	heapFile string // where a Go peer writes its heap at SIGUSR1; "" for the others
}

// launch starts s on the given core and returns once it accepts. The calling
// goroutine must be locked to its thread: the server dies with that thread.
func launch(ctx context.Context, bin string, s server, core int, args ...string) (i *instance, err error) {
	for range starts {
		if i, err = launchOnce(bin, s, core, args); err == nil || ctx.Err() != nil {
			return i, err
		}
	}
	return nil, err
}

func launchOnce(bin string, s server, core int, args []string) (*instance, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	argv := append([]string{"-c", strconv.Itoa(core), filepath.Join(bin, s.Name), strconv.Itoa(port)}, args...)
	cmd := exec.Command("taskset", argv...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var heap string
	if s.Kind == goPeer || s.Kind == ours {
		heap = filepath.Join(os.TempDir(), fmt.Sprintf("reactorspec-bench-heap.%d", port))
		cmd.Env = append(os.Environ(), "BENCH_HEAP="+heap)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	i := &instance{heapFile: heap, cmd: cmd, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), pid: cmd.Process.Pid, ended: make(chan struct{})}
	go func() {
		defer close(i.ended)
		_ = cmd.Wait()
	}()
	if err := i.ready(); err != nil {
		i.stop()
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return i, nil
}

// ready waits until the server accepts.
func (i *instance) ready() error {
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	late := time.NewTimer(startLimit)
	defer late.Stop()
	for {
		c, err := net.DialTimeout("tcp", i.addr, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-again.C:
		case <-i.ended:
			return fmt.Errorf("ended before it accepted on %s: %v", i.addr, i.cmd.ProcessState)
		case <-late.C:
			return fmt.Errorf("does not accept on %s: %w", i.addr, err)
		}
	}
}

// stop kills the server; it owns nothing that outlives it.
func (i *instance) stop() {
	_ = i.cmd.Process.Kill()
	<-i.ended
	if i.heapFile != "" {
		_ = os.Remove(i.heapFile) // it is there only where it was asked for
	}
}

// freePort asks the kernel for a port and gives it back at once; servers take
// their port as an argument.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// spin keeps the cores from halting until the returned function is called.
func spin(bin string, cores ...int) (stop func(), err error) {
	var running []*exec.Cmd
	stop = func() {
		for _, c := range running {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	for _, core := range cores {
		cmd := exec.Command(filepath.Join(bin, "spinner"), strconv.Itoa(core))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			stop()
			return nil, fmt.Errorf("start spinner: %w", err)
		}
		running = append(running, cmd)
	}
	return stop, nil
}
