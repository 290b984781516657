package load_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/load"
)

// An offer sends as many requests as its rate and its time say, in whatever time
// they are answered.
func TestOfferSendsAtItsRate(t *testing.T) {
	addr := serve(t, "tcp", "127.0.0.1:0", echo)
	g, err := load.Dial(t.Context(), load.Options{Addr: addr, Conns: 3, Size: 64, Depth: 1, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	r, err := g.Offer(t.Context(), 2000, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests != 200 || r.Latency.TotalCount() != 200 {
		t.Errorf("%d replies and %d latencies of 2,000 a second for 100 ms, want 200", r.Requests, r.Latency.TotalCount())
	}
	if r.Elapsed < 99*time.Millisecond {
		t.Errorf("the last reply came after %v: the requests are to be spread over 100 ms", r.Elapsed)
	}
	if _, err := g.Drive(t.Context(), 10*time.Millisecond); err != nil {
		t.Errorf("a closed loop after the open one: %v", err)
	}
}

// A stall is felt by every request that falls due in it, not only by those that
// were under way when it began.
func TestOfferCountsWhoWaitsBehindAStall(t *testing.T) {
	const stall = 100 * time.Millisecond
	addr := serve(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
		first := make([]byte, 64)
		if _, err := c.Read(first); err != nil {
			return
		}
		<-time.After(stall)
		_, _ = c.Write(first)
		echo(c)
	})
	g, err := load.Dial(t.Context(), load.Options{Addr: addr, Conns: 1, Size: 64, Depth: 1, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	r, err := g.Offer(t.Context(), 1000, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if half := r.Percentile(50); half < stall/4 {
		t.Errorf("half of the requests took less than %v, though all of them were due within a stall of %v", half, stall)
	}
}

func TestOfferEndsWhenTheTargetFallsBehind(t *testing.T) {
	addr := serve(t, "tcp", "127.0.0.1:0", func(c net.Conn) { <-t.Context().Done() })
	g, err := load.Dial(t.Context(), load.Options{Addr: addr, Conns: 1, Size: 1, Depth: 1, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.Offer(t.Context(), 1e6, time.Second); !errors.Is(err, load.ErrOverrun) {
		t.Errorf("offered a million a second to a server that never answers: %v, want ErrOverrun", err)
	}
	if _, err := g.Offer(t.Context(), 0, time.Second); err == nil {
		t.Error("a rate of 0 was accepted")
	}
}

func TestChurnCountsConnections(t *testing.T) {
	came := make(chan struct{}, 1<<20)
	addr := serve(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
		came <- struct{}{}
		echo(c)
	})
	for _, at := range []int{1, 16} {
		r, err := load.Churn(t.Context(), load.Options{Addr: addr, Conns: at, Size: 64, Depth: 1, Duration: 30 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(came); r.Requests < uint64(at) || int(r.Requests) != n {
			t.Errorf("%d at a time: %d connections counted, %d came", at, r.Requests, n)
		}
		for len(came) > 0 {
			<-came
		}
	}
	if _, err := load.Churn(t.Context(), load.Options{Addr: addr, Conns: 1, Size: 64, Depth: 2, Duration: time.Millisecond}); err == nil {
		t.Error("a churn with two requests a connection was accepted")
	}
}
