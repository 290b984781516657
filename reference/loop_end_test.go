package reference

import (
	"errors"
	"io"
	"net"
	"testing"
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
