package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/reactorspec/reactorspec/suites/load"
)

// churnWidths are how many connections are on their way at a time.
var (
	churnWidths = []int{1, 64}
	churnCases  = []string{"1 at a time", "64 at a time"}
)

// barChurn is the CPU a connection of the reference over raw C epoll's.
const barChurn = 1.10

// churn is connect, one exchange, close.
func (p plan) churn(ctx context.Context, _ *Section, k int, server server) (Figures, error) {
	i, err := p.launch(ctx, server)
	if err != nil {
		return nil, err
	}
	defer i.stop()
	o := load.Options{Addr: i.addr, Conns: churnWidths[k], Size: 64, Depth: 1, Duration: p.warmth(server), SignOn: server.SignOn}
	if _, err := load.Churn(ctx, o); err != nil {
		return nil, err
	}
	before, err := processCPU(i.pid)
	if err != nil {
		return nil, err
	}
	o.Duration = p.Slice
	r, err := load.Churn(ctx, o)
	if err != nil {
		return nil, err
	}
	after, err := processCPU(i.pid)
	if err != nil {
		return nil, err
	}
	return Figures{"cpu": float64(after-before) / 1e3 / float64(r.Requests), "rate": r.Rate(), "p99": float64(r.Percentile(99)) / 1e3}, nil
}

func churnReport(s Section) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Connect, one request of 64 bytes and its reply, close (by the client, with a FIN). The reference's connections sign on as well: one more line each way, in the same packets.\n\n")
	s.bars(&b, "cpu", "CPU a connection / raw C epoll ≤ 1.10", func(int) (float64, bool) { return barChurn, true })
	fmt.Fprint(&b, "\nServer CPU a connection, µs (over raw C epoll's), connections a second:\n\n")
	s.table(&b, func(k int, server Shown) string {
		return fmt.Sprintf("%s (%s), %s", s.number(k, server.Name, "cpu", 2), interval(s.ratio(k, server.Name, "epoll", "cpu")), s.number(k, server.Name, "rate", 0))
	})
	return b.String()
}
