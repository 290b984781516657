package reference

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A stop that has no time cuts, and still waits for its threads.
func TestStopWithEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	onEach(t, func(t *testing.T, o Options) {
		for i := range 20 {
			s := start(t, o)
			if i%2 == 0 {
				s.sign("ECHO")
			}
			if err := s.Stop(ctx); err != nil {
				t.Fatalf("stop %d: %v", i, err)
			}
			if open := s.Stats().Open; open != 0 {
				t.Fatalf("stop %d: %d connections are open", i, open)
			}
			if k, ok := s.class.(*reactors); ok {
				for _, r := range append(k.loops, &reactor{Loop: k.acceptor.loop}) {
					if r.state.Load() != ended {
						t.Fatalf("stop %d: loop %d has not ended", i, r.index)
					}
				}
			}
		}
	})
}

// A handler that stops its server is told that it cannot, and nothing has happened.
func TestStopInsideHandler(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		outcome := make(chan error, 2)
		s := start(t, o.with(&scripted{data: func(c *Conn, data []byte) int {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			outcome <- c.Server().Stop(ctx)
			c.Write(data)
			return len(data)
		}}))
		for range 2 {
			c := s.dial()
			c.send("x")
			if err := await(t, "Stop", outcome); err == nil || !strings.Contains(err.Error(), "loop's thread") {
				t.Errorf("Stop: %v", err)
			}
			c.want("x")
		}
		stop(t, s)
	})
}

// A connection that an iterative server accepted while the stop saw none is cut too.
func TestStopCutsWhatWasBeingAccepted(t *testing.T) {
	s := start(t, Options{Class: Iterative})
	s.sign("SOURCE 1000000000")          // its thread blocks in write(2)
	s.gone.Do(func() { close(s.empty) }) // the stop takes it for the last one's end
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if open := s.Stats().Open; open != 0 {
		t.Errorf("%d connections are open after Stop", open)
	}
}

// A stop that finds a connection open gives it all of its time, although others were the
// last to leave before.
func TestStopAfterOthersLeft(t *testing.T) {
	for _, class := range Classes {
		s := start(t, Options{Class: class})
		s.sign("ECHO").Close()
		eventually(t, "the first to be gone", func() bool { return s.Stats().Open == 0 })
		s.sign("SOURCE 1000000000") // of which nothing is read
		const deadline = 50 * time.Millisecond
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("%s: Stop: %v", class, err)
		}
		if took := time.Since(began); took < deadline {
			t.Errorf("%s: Stop took %v of %v", class, took, deadline)
		}
		if open := s.Stats().Open; open != 0 {
			t.Errorf("%s: %d connections are open after Stop", class, open)
		}
	}
}
