package reference

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"
)

// A closed connection whose peer takes nothing is cut after DrainTimeout.
func TestDrainTimeout(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		o.DrainTimeout = 100 * time.Millisecond
		reason := make(chan error, 1)
		s := start(t, o.with(&scripted{
			open:  func(c *Conn) { c.Write(make([]byte, beyond)); c.Close() },
			close: func(_ *Conn, err error) { reason <- err },
		}))
		began := time.Now()
		c := s.dial()
		if err := await(t, "OnClose", reason); !errors.Is(err, ErrSlow) {
			t.Errorf("OnClose got %v", err)
		}
		if took := time.Since(began); took < o.DrainTimeout {
			t.Errorf("it was cut after %v", took)
		}
		if _, err := io.Copy(io.Discard, c.r); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer's reading ended with %v; want a reset", err)
		}
	})
}

// An idle timeout that passes in the turn in which the handler closed does not
// take away the output that is due.
func TestIdleInTheTurnOfClose(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		o.IdleTimeout, o.Limit = time.Hour, 2*beyond
		opened := make(chan *Conn, 1)
		reason := make(chan error, 1)
		s := start(t, o.with(&scripted{
			open:  func(c *Conn) { opened <- c },
			close: func(_ *Conn, err error) { reason <- err },
		}))
		peer := s.dial()
		c := await(t, "the connection", opened)
		do(t, c.reactor.Loop, func() {
			c.Write(make([]byte, beyond))
			c.Close()
			c.wait.leave(c) // as the list's timer does
			c.reactor.expire(c, &c.reactor.quiet)
		})
		if n, err := io.Copy(io.Discard, peer.r); n != beyond || err != nil {
			t.Errorf("%d of %d bytes came, %v", n, beyond, err)
		}
		peer.Close()
		if err := await(t, "OnClose", reason); err != nil {
			t.Errorf("OnClose got %v", err)
		}
	})
}

// Reading resumes when no more than LowWater of the output waits, and then does.
func TestReadingResumesAtLowWater(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		o.Limit, o.LowWater = 4<<20, 1<<20
		var stalls, early, congested int
		stalled := false
		opened := make(chan *Conn, 1)
		s := start(t, o.with(&scripted{
			open: func(c *Conn) { opened <- c },
			data: func(c *Conn, data []byte) int {
				if stalled {
					stalls++
					if c.Pending() > o.LowWater {
						early++
					}
				}
				for range 8 { // grows faster than it is taken
					c.Write(data)
				}
				if stalled = c.Congested(); stalled {
					congested++
				}
				return len(data)
			},
		}))
		c := s.dial()
		loop := await(t, "the connection", opened).Loop() // what the handler counts is its thread's
		const n = 4 << 20
		go func() {
			c.Write(make([]byte, n))
			c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		}()
		eventually(t, "the loop to pause reading", func() bool {
			paused := false
			do(t, loop, func() { paused = stalled })
			return paused
		})
		if got, err := io.Copy(io.Discard, c.r); got != 8*n || err != nil {
			t.Errorf("%d of %d bytes came, %v", got, 8*n, err)
		}
		do(t, loop, func() {})
		if stalls == 0 || early > 0 {
			t.Errorf("reading paused %d times and resumed %d times, %d of them with more than LowWater waiting", congested, stalls, early)
		}
	})
}

// A handler that takes long does not make its connection look idle.
func TestLongTurnIsNotIdle(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		o.IdleTimeout = 500 * time.Millisecond
		s := start(t, o.with(&scripted{data: func(c *Conn, data []byte) int {
			if string(data) == "long" {
				<-time.After(o.IdleTimeout + 50*time.Millisecond)
			}
			c.Write(data)
			return len(data)
		}}))
		c := s.dial()
		c.send("long") // the timer of the idle is due in the same turn, behind the answer
		c.want("long")
		c.send("short")
		c.want("short")
	})
}

// The wait for the peer's FIN begins when ours is sent, not with the turn.
func TestLongTurnLeavesTimeToLinger(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		opened := make(chan *Conn, 1)
		s := start(t, o.with(&scripted{open: func(c *Conn) { opened <- c }}))
		peer := s.dial()
		c := await(t, "the connection", opened)
		var closed, since time.Duration
		do(t, c.Loop(), func() {
			<-time.After(50 * time.Millisecond)
			closed = c.reactor.now()
			c.Close()
			c.ready(0)
			since = c.wait.since
		})
		if since < closed {
			t.Errorf("a connection counts as waiting since %v before it was finished", closed-since)
		}
		peer.wantEnd()
	})
}
