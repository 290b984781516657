package load_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/load"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs handle for each connection until the test ends.
func serve(t *testing.T, network, address string, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-over })
	return l.Addr().String()
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

func TestRunCountsEveryReply(t *testing.T) {
	for _, shape := range []struct{ conns, size, depth int }{
		{1, 1, 1}, {3, 64, 1}, {8, 64, 16}, {2, 16384, 1}, {2, 300_000, 3}, {1, 64, 4096},
	} {
		t.Run(fmt.Sprintf("%+v", shape), func(t *testing.T) {
			addr := serve(t, "tcp", "127.0.0.1:0", echo)
			r, err := load.Run(t.Context(), load.Options{Addr: addr, Conns: shape.conns, Size: shape.size, Depth: shape.depth, Duration: 30 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if r.Requests < uint64(shape.conns*shape.depth) {
				t.Errorf("%d replies, want at least the %d of the first round", r.Requests, shape.conns*shape.depth)
			}
			if n := uint64(r.Latency.TotalCount()); n != r.Requests {
				t.Errorf("%d latencies for %d replies", n, r.Requests)
			}
			if r.Percentile(50) <= 0 || r.Percentile(50) > r.Percentile(100) || r.Rate() <= 0 {
				t.Errorf("p50 %v, max %v, rate %v", r.Percentile(50), r.Percentile(100), r.Rate())
			}
		})
	}
}

func TestDriveLeavesTheTargetQuiet(t *testing.T) {
	// Between two drives nothing is in flight: the second starts afresh and
	// the server has echoed whole requests only.
	total := make(chan int64, 1)
	addr := serve(t, "unix", filepath.Join(t.TempDir(), "s"), func(c net.Conn) {
		n, _ := io.Copy(c, c)
		total <- n
	})
	g, err := load.Dial(t.Context(), load.Options{Network: "unix", Addr: addr, Conns: 1, Size: 100, Depth: 5, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for range 3 {
		r, err := g.Drive(t.Context(), 10*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		sum += r.Requests
	}
	g.Close()
	if n := <-total; n != int64(sum)*100 {
		t.Errorf("the server echoed %d bytes, %d replies of 100 were counted", n, sum)
	}
}

func TestSignOn(t *testing.T) {
	addr := serve(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
		r := bufio.NewReader(c)
		if line, _ := r.ReadString('\n'); line != "ECHO\n" {
			return
		}
		fmt.Fprint(c, "OK 17\n")
		_, _ = io.Copy(c, r)
	})
	o := load.Options{Addr: addr, Conns: 2, Size: 10, Depth: 1, Duration: 10 * time.Millisecond, SignOn: "ECHO"}
	if _, err := load.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o.SignOn = "NONSENSE"
	if _, err := load.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a refused sign-on gave %v", err)
	}
}

func TestBadTargets(t *testing.T) {
	const soon, patient = 200 * time.Millisecond, time.Minute // whatever answers is waited for
	for name, bad := range map[string]struct {
		handle   func(net.Conn)
		patience time.Duration
		want     error
		phrase   string
	}{
		"silent": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, soon, load.ErrSilent, "replies due"},
		"garbled": {func(c net.Conn) {
			b := make([]byte, 64)
			_, _ = io.ReadFull(c, b)
			b[40] ^= 1
			_, _ = c.Write(b)
			echo(c)
		}, patient, load.ErrEcho, "differ"},
		"chatty":  {func(c net.Conn) { fmt.Fprint(c, strings.Repeat("hello", 200)); echo(c) }, patient, load.ErrEcho, "due"},
		"closing": {func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 64)) }, patient, nil, "closed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load.Run(t.Context(), load.Options{Addr: serve(t, "tcp", "127.0.0.1:0", bad.handle), Conns: 1, Size: 64, Depth: 1,
				Duration: 50 * time.Millisecond, Patience: bad.patience})
			if err == nil || !strings.Contains(err.Error(), bad.phrase) || bad.want != nil && !errors.Is(err, bad.want) {
				t.Errorf("got %v, want %v with %q", err, bad.want, bad.phrase)
			}
		})
	}
}

func TestCancelEndsADrive(t *testing.T) {
	addr := serve(t, "tcp", "127.0.0.1:0", echo)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := load.Run(ctx, load.Options{Addr: addr, Conns: 1, Size: 1, Depth: 1, Duration: time.Hour}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestOptionsNameTheirRange(t *testing.T) {
	good := load.Options{Addr: "127.0.0.1:1", Conns: 1, Size: 1, Depth: 1, Duration: time.Second}
	for phrase, spoil := range map[string]func(*load.Options){
		"Addr":     func(o *load.Options) { o.Addr = "" },
		"Conns":    func(o *load.Options) { o.Conns = load.MaxConns + 1 },
		"Size":     func(o *load.Options) { o.Size = 0 },
		"Depth":    func(o *load.Options) { o.Depth = -1 },
		"Duration": func(o *load.Options) { o.Duration = 0 },
		"Warmup":   func(o *load.Options) { o.Warmup = -1 },
		"Patience": func(o *load.Options) { o.Patience = -1 },
		"network":  func(o *load.Options) { o.Network = "udp" },
		"connect":  func(o *load.Options) {}, // nothing listens on port 1
	} {
		o := good
		spoil(&o)
		if _, err := load.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), phrase) {
			t.Errorf("%s: got %v", phrase, err)
		}
	}
}
