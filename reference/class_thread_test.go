package reference

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// onEachThreads is onEach with the classes that have no loops.
func onEachThreads(t *testing.T, f func(t *testing.T, o Options)) {
	for _, class := range []string{Iterative, ThreadPerConnection} {
		t.Run(class, func(t *testing.T) { f(t, Options{Class: class}) })
	}
}

// A thread that has ended makes room for another.
func TestEndedThreadMakesRoom(t *testing.T) {
	s := start(t, Options{Class: ThreadPerConnection, MaxThreads: 2})
	k := s.class.(*threads)
	for range 5 {
		c := s.sign("ECHO")
		c.send("x")
		c.want("x")
		c.Close()
		eventually(t, "its thread to end", func() bool { return k.live.Load() == 0 })
	}
	if n := s.Stats().Refused; n != 0 {
		t.Errorf("%d connections were refused", n)
	}
}

// A client that waits to be accepted is let go by a stop.
func TestStopLetsGoWhoWaits(t *testing.T) {
	s := startOn(t, "unix", filepath.Join(t.TempDir(), "s"), Options{Class: Iterative})
	s.sign("ECHO")
	waits := s.dial()
	waits.SetDeadline(time.Now().Add(within / 2))
	stop(t, s)
	if got, err := io.ReadAll(waits.r); len(got) > 0 || err != nil {
		t.Errorf("it reads %q, %v; want an end", got, err)
	}
}

// A thread that is blocked in its write is freed at a stop's deadline, also where the
// kernel knows no reset.
func TestStopFreesBlockedWriter(t *testing.T) {
	onEachThreads(t, func(t *testing.T, o Options) {
		s := startOn(t, "unix", filepath.Join(t.TempDir(), "s"), o)
		s.sign("SOURCE 1000000000")
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

// A client that goes on talking gets all of the output, and an end in order.
func TestCloseBesideInput(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		const total, piece = 400_000, 20_000
		s := start(t, o.with(&scripted{data: func(c *Conn, data []byte) int {
			c.Write(make([]byte, total))
			c.Close()
			return len(data)
		}}))
		c := s.dial()
		c.send("go")
		var got int
		for buf := make([]byte, piece); ; {
			n, err := io.ReadFull(c.r, buf)
			if got += n; err == io.EOF || err == io.ErrUnexpectedEOF {
				break
			}
			if err != nil {
				t.Fatalf("after %d bytes of %d: %v", got, total, err)
			}
			_, _ = c.Write([]byte("more")) // at the end the server may be gone
		}
		if got != total {
			t.Errorf("%d bytes of %d came", got, total)
		}
	})
}

// A client that talks until it hears of the end hears of it.
func TestEndComesBesideInput(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		s := start(t, o.with(&scripted{data: func(c *Conn, data []byte) int { c.Close(); return len(data) }}))
		c := s.dial()
		var heard atomic.Bool
		var talk sync.WaitGroup
		talk.Go(func() {
			for !heard.Load() {
				if _, err := c.Write(make([]byte, 1000)); err != nil {
					return // which the reading tells of
				}
			}
		})
		c.wantEnd()
		heard.Store(true)
		talk.Wait()
	})
}

// A thread that finishes a connection sends the end behind the output, and waits until its
// peer has both, whatever else the peer says.
func TestFinishWaitsForDelivery(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[0])
	defer syscall.Close(pair[1])
	for fd, text := range map[int]string{pair[0]: "due", pair[1]: "more"} {
		if _, err := syscall.Write(fd, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&Conn{fd: int32(pair[0])}).finish(make([]byte, 16))
	}()
	select {
	case <-done:
		t.Error("it does not wait for the peer to read")
	case <-time.After(3 * lingerTick):
	}
	var got [8]byte
	for _, want := range []string{"due", ""} {
		if n, err := syscall.Read(pair[1], got[:]); err != nil || string(got[:n]) != want {
			t.Errorf("the peer reads %q, %v; want %q", got[:max(0, n)], err, want)
		}
	}
	await(t, "the connection to be finished", done)
}

// A client that does not end its side holds the next one up for a moment only.
func TestFinishedClientHoldsNobodyUp(t *testing.T) {
	s := start(t, Options{Class: Iterative}.with(&scripted{data: func(c *Conn, data []byte) int {
		c.Write(data)
		c.Close()
		return len(data)
	}}))
	for range 3 {
		c := s.dial()
		c.SetDeadline(time.Now().Add(within / 2))
		c.send("x")
		c.want("x")
		c.wantEnd()
	}
}

// What was sent before a stop is served, and then comes the end.
func TestStopServesWhatWasSent(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		blocked, release := make(chan struct{}), make(chan struct{})
		s := startOn(t, "unix", filepath.Join(t.TempDir(), "s"), o.with(&scripted{data: func(c *Conn, data []byte) int {
			if data[0] == '1' {
				close(blocked)
				<-release
			}
			c.Write(data)
			return len(data)
		}}))
		c := s.dial()
		c.send("1")
		await(t, "the handler to block", blocked)
		c.send("2")
		stopped := beginStop(s)
		eventually(t, "the stop to begin", func() bool {
			k, ok := s.class.(*threads)
			return ok && k.isDraining() || !ok && s.stopped.Load()
		})
		close(release)
		c.want("12")
		c.wantEnd()
		c.Close()
		if err := await(t, "Stop", stopped); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

// Each connection of the class has a thread, blocked in read(2).
func TestThreadPerConnection(t *testing.T) {
	const clients = 12
	s := start(t, Options{Class: ThreadPerConnection, MaxThreads: clients})
	tids := map[string]bool{}
	for range clients {
		tid, _ := s.sign("PROBE").call("WHERE", "").Field("tid")
		tids[tid] = true
	}
	if len(tids) != clients {
		t.Errorf("%d connections have %d threads", clients, len(tids))
	}
	for tid := range tids {
		eventually(t, "thread "+tid+" to block in read(2)", func() bool { return sleepsIn(tid, syscall.SYS_READ) })
	}
	if got, _ := io.ReadAll(s.dial().r); len(got) > 0 {
		t.Errorf("a connection beyond the limit of threads got %q", got)
	}
	if n := s.Stats().Refused; n != 1 {
		t.Errorf("%d connections were refused, want 1", n)
	}
	stop(t, s)
	for tid := range tids {
		eventually(t, "thread "+tid+" to end", func() bool {
			_, err := os.Stat("/proc/self/task/" + tid)
			return err != nil || tid == strconv.Itoa(os.Getpid()) // the runtime never ends the first
		})
	}
}

// The iterative class serves the second client when the first has gone.
func TestIterativeServesOneAtATime(t *testing.T) {
	s := start(t, Options{Class: Iterative})
	first := s.sign("ECHO")
	second := s.dial()
	second.send("ECHO\nwaited")
	second.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := second.r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the second client was served beside the first: %v", err)
	}
	second.SetReadDeadline(time.Now().Add(within))
	first.send("x")
	first.want("x")
	first.Close()
	second.line()
	second.want("waited")
}

// sleepsIn reports whether a thread of this process sleeps in a system call: what the
// kernel shows begins with its number, and is "running" for one that does not sleep.
func sleepsIn(tid string, call int) bool {
	state, err := os.ReadFile("/proc/self/task/" + tid + "/syscall")
	number, _, _ := strings.Cut(string(state), " ")
	return err == nil && number == strconv.Itoa(call)
}
