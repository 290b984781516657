package play

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// server is a small one of ours; what its connections share is guarded by mu.
type server struct {
	mu    sync.Mutex
	conns []*net.TCPConn // open, in the order of accepting
	count int            // accepted so far
}

// leave forgets a connection.
func (v *server) leave(c *net.TCPConn) {
	for i, other := range v.conns {
		if other == c {
			v.conns = append(v.conns[:i], v.conns[i+1:]...)
			return
		}
	}
}

type handler func(v *server, c *net.TCPConn, number int)

// judged runs a check on such a server, in a dialect.
func judged(t *testing.T, name string, info target.File, serve handler, run func(s *session.Session)) session.Attempt {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	v := &server{}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			v.mu.Lock()
			v.conns = append(v.conns, c)
			v.count++
			number := v.count
			v.mu.Unlock()
			conns.Go(func() {
				serve(v, c, number)
				v.mu.Lock()
				v.leave(c)
				v.mu.Unlock()
				_ = c.Close()
			})
		}
	})
	defer conns.Wait()
	defer listener.Close()
	info.Dialect, info.Name = name, "test"
	on := target.Target{File: info, Addr: "tcp://" + listener.Addr().String()}
	instance, err := on.Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := dialect.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	clause := spec.Clause{ID: "CONN-22"}
	if name == "probe" {
		clause.ID = "PROBE-13"
	}
	budget := session.DefaultBudget
	budget.Await = time.Second
	setup := session.Setup{Target: instance, Info: on.File, Dialect: d, Clause: clause, Seed: 1, Budget: budget,
		Replay: func(file string) string { return "again " + file }}
	if name == "probe" {
		setup.Hello = map[string]string{"limit": "0"}
	}
	return session.Check{Clause: clause.ID, Run: run}.Attempt(context.WithoutCancel(t.Context()), setup)
}

// goodEcho sends back what comes.
func goodEcho(_ *server, c *net.TCPConn, _ int) {
	b := make([]byte, 32<<10)
	for {
		n, err := c.Read(b)
		if n > 0 {
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// queued echoes through a queue in memory, as an event loop does.
func queued(_ *server, c *net.TCPConn, _ int) {
	queue := make(chan []byte, 1<<16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := range queue {
			if _, err := c.Write(b); err != nil {
				break
			}
		}
		for range queue {
		}
	}()
	defer func() { <-done }()
	defer close(queue)
	for {
		b := make([]byte, 32<<10)
		n, err := c.Read(b)
		if n > 0 {
			queue <- b[:n]
		}
		if err != nil {
			return
		}
	}
}

// hasty drops what it read last when the end of input is right behind it. It holds
// back what it read for a moment to see that, or, of a connection that has sent
// more than that many bytes, until it does.
func hasty(patientBeyond int) handler {
	return func(_ *server, c *net.TCPConn, _ int) {
		b := make([]byte, 32<<10)
		n, err := c.Read(b)
		for total := n; err == nil; {
			next := make([]byte, 32<<10)
			if total <= patientBeyond {
				_ = c.SetReadDeadline(time.Now().Add(3 * time.Millisecond))
			}
			more, ended := c.Read(next)
			total += more
			_ = c.SetReadDeadline(time.Time{})
			if ended != nil && !errors.Is(ended, os.ErrDeadlineExceeded) {
				return
			}
			if _, err = c.Write(b[:n]); err != nil {
				return
			}
			if b, n = next, more; n == 0 {
				n, err = c.Read(b)
			}
		}
	}
}

// neighbourly is an echo server in which the end of one connection does
// something to another one that was accepted before it.
func neighbourly(onlyReset bool, harm func(other *net.TCPConn)) handler {
	return func(v *server, c *net.TCPConn, number int) {
		b := make([]byte, 32<<10)
		var err error
		for n := 0; err == nil; {
			if n, err = c.Read(b); n > 0 && err == nil {
				_, err = c.Write(b[:n])
			}
		}
		if onlyReset && errors.Is(err, io.EOF) {
			return
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.leave(c)
		if len(v.conns) > 0 {
			harm(v.conns[0])
		}
	}
}

// together spoils a byte of what comes in larger pieces while three are open.
func together(v *server, c *net.TCPConn, _ int) {
	b := make([]byte, 32<<10)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		v.mu.Lock()
		if len(v.conns) > 2 && n > 50 {
			b[n/2]++
		}
		v.mu.Unlock()
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}

// prober speaks ECHO and the frames PING and TIMER; those who left forget their
// timers, unless haunting.
func prober(haunting bool) handler {
	return func(v *server, c *net.TCPConn, number int) {
		r := bufio.NewReader(c)
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprintf(c, "OK %d\n", number)
		if line == "ECHO\n" {
			_, _ = io.Copy(c, r)
			return
		}
		var writing sync.Mutex
		timers := map[string]*time.Timer{}
		var fired sync.WaitGroup
		defer fired.Wait()
		gone := false
		defer func() {
			writing.Lock()
			defer writing.Unlock()
			gone = true
			for _, timer := range timers {
				if !haunting && timer.Stop() {
					fired.Done()
				}
			}
		}()
		answer := func(id uint32, status probe.Status, fields string) {
			to := c
			if gone {
				v.mu.Lock()
				defer v.mu.Unlock()
				if v.leave(c); len(v.conns) == 0 {
					return
				}
				to = v.conns[len(v.conns)-1]
			}
			_, _ = to.Write(probe.AppendReply(nil, probe.Reply{ID: id, Status: status, Fields: []byte(fields)}))
		}
		var input []byte
		b := make([]byte, 32<<10)
		for {
			n, err := r.Read(b)
			if err != nil {
				return
			}
			input = append(input, b[:n]...)
			for {
				body, n, err := probe.TakeFrame(input)
				if err != nil || n == 0 {
					break
				}
				input = input[n:]
				request, _ := probe.ParseRequest(body)
				words := strings.Fields(string(request.Args))
				writing.Lock()
				switch request.Verb {
				case "PING":
					answer(request.ID, probe.OK, string(request.Args))
				case "TIMER":
					delay, _ := time.ParseDuration(words[1] + "ns")
					fired.Add(1)
					timers[words[0]] = time.AfterFunc(delay, func() {
						defer fired.Done()
						writing.Lock()
						defer writing.Unlock()
						if gone && !haunting {
							return
						}
						delete(timers, words[0])
						answer(request.ID, probe.Fired, "key="+words[0]+" seq=0 late=0")
					})
				case "CANCEL":
					cancelled := 0
					if timer := timers[words[0]]; timer != nil && timer.Stop() {
						fired.Done()
						delete(timers, words[0])
						cancelled = 1
					}
					answer(request.ID, probe.OK, fmt.Sprintf("cancelled=%d", cancelled))
				case "FAIL":
					if words[0] == "handler" {
						writing.Unlock()
						return
					}
					answer(request.ID, probe.Failed, "")
				case "RESET":
					reset := 0
					if timer := timers[words[0]]; timer != nil && timer.Stop() {
						delay, _ := time.ParseDuration(words[1] + "ns")
						timer.Reset(delay)
						reset = 1
					}
					answer(request.ID, probe.OK, fmt.Sprintf("reset=%d", reset))
				default:
					answer(request.ID, probe.Unsupported, "")
				}
				writing.Unlock()
			}
		}
	}
}

// numb signs on, echoes where it is asked to, and else reads without a word.
func numb(_ *server, c *net.TCPConn, number int) {
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return
	}
	fmt.Fprintf(c, "OK %d\n", number)
	to := io.Discard
	if line == "ECHO\n" {
		to = c
	}
	_, _ = io.Copy(to, r)
}
