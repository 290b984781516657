package reference

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// A handler that stops its own loop leaves no connection behind, and no listener
// from which nobody accepts.
func TestLoopEndsByStop(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		o.Loops = 1
		reason := make(chan error, 1)
		s := start(t, o.with(&scripted{
			data:  func(c *Conn, data []byte) int { c.Loop().Stop(); return len(data) },
			close: func(_ *Conn, err error) { reason <- err },
		}))
		peer := s.dial()
		peer.send("x")
		if err := await(t, "OnClose", reason); !errors.Is(err, ErrCut) {
			t.Errorf("OnClose got %v", err)
		}
		if _, err := io.ReadAll(peer.r); err == nil {
			t.Error("the peer's end looks complete")
		}
		eventually(t, "the connection to be gone", func() bool { return s.Stats().Open == 0 })
		if o.Class == Reactor {
			eventually(t, "the listener to be closed", func() bool {
				conn, err := net.Dial("tcp", s.addr.String())
				if err == nil {
					conn.Close()
				}
				return err != nil
			})
		}
		stop(t, s)
	})
}

// endSecondLoop ends loop 1 of two.
func endSecondLoop(t *testing.T, s *served) { endLoop(t, s, 1) }

func endLoop(t *testing.T, s *served, index int) {
	l := s.class.loop(index)
	l.Stop()
	eventually(t, "the loop to end", func() bool { return l.state.Load() == ended })
}

// A loop that has ended gets no connections; all that come are the others'.
func TestEndedLoopGetsNoConnections(t *testing.T) {
	for _, balance := range Balances {
		t.Run(balance, func(t *testing.T) {
			for index := range 2 {
				s := start(t, Options{Class: MultiReactor, Loops: 2, Balance: balance})
				endLoop(t, s, index)
				for range 6 {
					c := s.sign("ECHO")
					c.send("x")
					c.want("x")
				}
				if n := s.Stats().Refused; n != 0 {
					t.Errorf("beside loop %d, which has ended, %d connections were refused", index, n)
				}
			}
		})
	}
}

// What a request posts to a loop that has ended fails, and is told so.
func TestVerbsOnEndedLoop(t *testing.T) {
	s := start(t, Options{Class: MultiReactor, Loops: 2})
	c := s.sign("PROBE") // on loop 0, the first in turn
	endSecondLoop(t, s)
	for _, r := range [][2]string{{"POST", "1 3"}, {"CROSS", "1 4 3"}, {"RACE", "1 3"}, {"CHAIN", "1 3"}, {"NEST", "1 3"}} {
		if got := c.call(r[0], r[1]); got.Status != probe.Failed {
			t.Errorf("%s %s was answered %s", r[0], r[1], got.Status)
		}
	}
	c.closeWrite()
	c.wantEnd() // nothing is due any more
}

// A connection that comes behind the cut and before the end of its loop is cut with it.
func TestConnectionAmongLastTasks(t *testing.T) {
	reason := make(chan error, 1)
	s := start(t, Options{Class: MultiReactor, Loops: 1}.with(&scripted{close: func(_ *Conn, err error) { reason <- err }}))
	r := s.class.loop(0)
	busy, release := make(chan struct{}), make(chan struct{})
	if err := r.Post(func() { close(busy); <-release; r.cut(); r.Stop() }); err != nil {
		t.Fatal(err)
	}
	await(t, "the loop", busy)
	peer := s.dial()
	eventually(t, "the connection to be handed over", func() bool { return r.open.Load() == 1 })
	// The task is posted behind that count: one more behind it has it in the queue.
	do(t, s.class.(*reactors).acceptor.loop, func() {})
	close(release)
	if err := await(t, "OnClose", reason); !errors.Is(err, ErrCut) {
		t.Errorf("OnClose got %v", err)
	}
	if _, err := io.ReadAll(peer.r); err == nil {
		t.Error("the peer's end looks complete")
	}
	stop(t, s)
}
