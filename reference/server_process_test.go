package reference

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// What a test must not do to its own process, it does to a child: this test
// binary again, as `serve`.

const childEnv = "REFERENCE_TEST_CHILD"

// child serves with the flags of its command line until its input ends. For each
// line of input it prints the bytes of memory in use.
func child() int {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	serve := Command(fs)
	if err := fs.Parse(os.Args[1:]); err != nil {
		return 2
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			fmt.Println(m.HeapInuse + m.StackInuse)
		}
	}()
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// process is a server in a process of its own.
type process struct {
	t    testing.TB
	pid  int
	addr string
	in   io.Writer
	out  *bufio.Reader
	log  *logged
}

func launch(t testing.TB, flags ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"--listen=127.0.0.1:0"}, flags...)...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log := new(logged)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v\n%.3000s", err, log.String())
		}
	})
	p := &process{t, cmd.Process.Pid, "", in, bufio.NewReader(out), log}
	p.addr = strings.TrimPrefix(p.line(), "listening on ")
	return p
}

func (p *process) line() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// memory is the bytes that Go uses in the server.
func (p *process) memory() (bytes int) {
	p.t.Helper()
	fmt.Fprintln(p.in)
	fmt.Sscan(p.line(), &bytes)
	return bytes
}

// cpu is the time that the server has used a processor.
func (p *process) cpu() (total time.Duration) {
	p.t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, task := range tasks {
		var ran time.Duration
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", p.pid, task.Name())); err == nil {
			fmt.Sscan(string(stat), (*int64)(&ran))
		}
		total += ran
	}
	return total
}

// limitDescriptors lowers or raises the server's soft limit to that number.
func (p *process) limitDescriptors(n uint64) {
	p.t.Helper()
	limit := syscall.Rlimit{Cur: n, Max: 20_000}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		p.t.Fatal(err)
	}
	limit.Cur = min(n, limit.Max)
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.pid), syscall.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		p.t.Skip("prlimit:", errno)
	}
}

func (p *process) dial() *client {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * within))
	return &client{conn, p.t, bufio.NewReader(conn)}
}

// Out of descriptors the server serves whom it has, burns no processor, and goes
// on accepting when it can.
func TestOutOfDescriptors(t *testing.T) {
	for _, flags := range []string{
		"--class=iterative", "--class=thread-per-connection", "--class=reactor", "--class=multi-reactor",
		"--class=reactor --poller=epollet", "--class=multi-reactor --poller=poll", "--class=reactor --poller=select",
	} {
		t.Run(flags, func(t *testing.T) {
			p := launch(t, strings.Fields(flags)...)
			served := p.dial()
			served.send("ECHO\n")
			served.line()
			p.limitDescriptors(3)
			var waiting []*client
			for range 5 {
				c := p.dial()
				c.send("ECHO\nx")
				waiting = append(waiting, c)
			}
			before := p.cpu()
			const window = 600 * time.Millisecond
			<-time.After(window)
			if used := p.cpu() - before; used > window/5 {
				t.Errorf("the server used %v of %v while out of descriptors", used, window)
			}
			served.send("still")
			served.want("still")
			p.limitDescriptors(20_000)
			served.Close()
			for _, c := range waiting {
				c.line()
				c.want("x")
				c.Close()
			}
		})
	}
}

// select(2) watches no descriptor at or beyond FD_SETSIZE: who comes when there is no other
// waits in the queue until there is, and the rest is served on.
func TestBeyondSelect(t *testing.T) {
	p := launch(t, "--class=multi-reactor", "--poller=select")
	const all, surely = 1100, 900
	var clients []*client
	for range all {
		c := p.dial()
		c.send("ECHO\nx")
		clients = append(clients, c)
	}
	served := func(c *client) {
		c.line()
		c.want("x")
	}
	for _, c := range clients[:surely] {
		served(c)
	}
	eventually(t, "the pause to be told", func() bool { return strings.Contains(p.log.String(), "accepting pauses") })
	for _, c := range clients[:all-surely] {
		c.send("y")
		c.want("y")
		c.Close()
	}
	for _, c := range clients[surely:] {
		served(c)
	}
	if strings.Contains(p.log.String(), "cannot watch") {
		t.Errorf("a connection was refused:\n%.2000s", p.log.String())
	}
}

// An idle connection costs less than 1 KiB of Go memory (and what the kernel has).
func TestIdleConnectionMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 connections")
	}
	const clients = 10_000
	for _, class := range []string{Reactor, MultiReactor} {
		t.Run(class, func(t *testing.T) {
			p := launch(t, "--class="+class)
			before := p.memory()
			conns := make([]net.Conn, clients)
			request := []byte("ECHO\nx")
			for i := range conns {
				conn, err := net.Dial("tcp", p.addr)
				if err != nil {
					t.Skipf("connection %d: %v", i, err)
				}
				defer conn.Close()
				if _, err := conn.Write(request); err != nil {
					t.Fatal(err)
				}
				conns[i] = conn
			}
			answer := make([]byte, 32)
			for i, conn := range conns {
				conn.SetReadDeadline(time.Now().Add(2 * within))
				for n := 0; n == 0 || answer[n-1] != 'x'; {
					m, err := conn.Read(answer[n:])
					if err != nil {
						t.Fatalf("connection %d: %v", i, err)
					}
					n += m
				}
			}
			each := (p.memory() - before) / clients
			t.Logf("%d bytes a connection", each)
			if each >= 1024 {
				t.Errorf("an idle connection costs %d bytes of Go memory; want less than 1024", each)
			}
		})
	}
}

// A request in steady state allocates nothing: a number of them no more than the runtime
// does now and then for itself.
func TestRequestsAllocateNothing(t *testing.T) {
	const requests, allowed = 2000, 20
	onEach(t, func(t *testing.T, o Options) {
		for _, way := range []struct{ command, request string }{
			{"ECHO", strings.Repeat("x", 64)},
			{"PROBE", string(probe.AppendRequest(nil, probe.Request{ID: 1, Verb: "PING", Args: []byte("0123456789")}))},
		} {
			c := start(t, o).sign(way.command)
			request, answer := []byte(way.request), make([]byte, 64<<10)
			exchange := func() {
				if _, err := c.Conn.Write(request); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Conn.Read(answer); err != nil {
					t.Fatal(err)
				}
			}
			for range 100 {
				exchange()
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range requests {
				exchange()
			}
			runtime.ReadMemStats(&after)
			if n := after.Mallocs - before.Mallocs; n > allowed {
				t.Errorf("%s: %d allocations in %d requests", way.command, n, requests)
			}
		}
	})
}

// Descriptors may become fewer than poll(2) is given, and more again.
func TestPollBeyondDescriptors(t *testing.T) {
	p := launch(t, "--class=reactor", "--poller=poll")
	var clients []*client
	for range 5 {
		c := p.dial()
		c.send("ECHO\n")
		c.line()
		clients = append(clients, c)
	}
	p.limitDescriptors(3)
	for _, c := range clients {
		c.send("x") // wakes the loop, whose next polls are refused
	}
	<-time.After(50 * time.Millisecond) // it meets the limit
	p.limitDescriptors(20_000)
	for _, c := range clients {
		c.send("y")
		c.want("xy")
	}
}
