package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
)

func TestStopLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		start(t, o).sign("ECHO").Close() // what the runtime and the tests open once is open now
		before := descriptors(t)
		s := start(t, o)
		var clients []*client
		for i := range 20 {
			if o.Class == Iterative && i > 0 {
				break
			}
			c := s.sign([]string{"ECHO", "SINK", "MAIN", "PROBE"}[i%4])
			clients = append(clients, c)
		}
		s.dial() // one that has not signed on
		threads := loopThreads(s)
		stop(t, s)
		for _, c := range clients {
			c.wantEnd()
			c.Close()
		}
		eventually(t, "the loops' threads to end", func() bool { return !slices.ContainsFunc(threads, lives) })
		eventually(t, "the descriptors to be closed", func() bool { return descriptors(t) <= before+1 }) // the client that did not sign on is ours
		if conn, err := net.Dial("tcp", s.addr.String()); err == nil {
			conn.Close()
			t.Error("the stopped server still takes connections")
		}
		if err := s.Stop(context.Background()); err == nil {
			t.Error("a second Stop reports nothing")
		}
	})
}

// loopThreads are the paths of the threads of a server's loops in /proc. The
// process's first thread is left out: the runtime never ends it.
func loopThreads(s *served) (paths []string) {
	k, ok := s.class.(*reactors)
	if !ok {
		return nil
	}
	loops := []*Loop{k.acceptor.loop}
	for _, r := range k.loops {
		loops = append(loops, r.Loop)
	}
	for _, l := range loops {
		eventually(s.t, "a loop to run", func() bool { return l.tid() != 0 })
		if l.tid() != os.Getpid() {
			paths = append(paths, fmt.Sprint("/proc/self/task/", l.tid()))
		}
	}
	return paths
}

// What was asked for before the stop is delivered, to a reader that starts after it.
func TestStopDeliversWhatIsDue(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		const n = 24 << 20
		s := start(t, o)
		c := s.sign(fmt.Sprint("SOURCE ", n))
		stopped := beginStop(s)
		eventually(t, "the listener to be closed", func() bool {
			conn, err := net.Dial("tcp", s.addr.String())
			if err == nil {
				conn.Close()
			}
			return err != nil
		})
		if got, err := io.Copy(io.Discard, c.r); err != nil || got != n {
			t.Errorf("%d of %d bytes came, %v", got, n, err)
		}
		c.Close()
		if err := await(t, "Stop", stopped); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

// A client that takes nothing is cut at the deadline.
func TestStopDeadline(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		s := start(t, o)
		c := s.sign("SOURCE 1000000000")
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if took := time.Since(began); took < 200*time.Millisecond || took > within {
			t.Errorf("Stop took %v with a deadline of 200 ms", took)
		}
		if _, err := io.Copy(io.Discard, c.r); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client's reading ended with %v; want a reset, for it has not everything", err)
		}
	})
}

// A worker that blocks does not hold a stop beyond its deadline, but is told of.
func TestStopBesideBlockedWorker(t *testing.T) {
	s := start(t, Options{})
	c := s.sign("PROBE")
	c.request(1, "OFFLOAD", "3000 x")
	c.call("PING", "")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := s.Stop(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 workers still blocked") || strings.Contains(err.Error(), "loop") {
		t.Errorf("Stop: %v; want the worker that did not end, and no loop blamed", err)
	}
	for i := range s.options.Loops {
		if r := s.class.loop(i); r.state.Load() != ended {
			t.Errorf("loop %d has not ended when Stop returns", i)
		}
	}
	await(t, "the worker", s.class.pool().ended)
}

// Tasks that were posted before a stop run, and none after it.
func TestStopRunsPostedTasks(t *testing.T) {
	s := start(t, Options{Class: MultiReactor})
	ran := make(chan struct{}, 2000)
	r := s.class.loop(1)
	for range cap(ran) {
		if err := r.Post(func() { ran <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, s)
	if len(ran) != cap(ran) {
		t.Errorf("%d of %d tasks ran", len(ran), cap(ran))
	}
	if err := r.Post(func() {}); !errors.Is(err, contract.ErrStopped) {
		t.Errorf("a post after the stop reports %v", err)
	}
}
