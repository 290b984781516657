package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/reactorspec/reactorspec/suites/load"
)

// tailShapes are the points of the grid whose tails are measured, and tailLoads
// the shares of raw C epoll's own maximum that are offered.
var (
	tailShapes = []Cell{{1, 64, 1}, {100, 64, 1}}
	tailLoads  = []int{30, 60, 80} // percent
	tailCases  = tailNames()
)

func tailNames() (names []string) {
	for _, c := range tailShapes {
		for _, share := range tailLoads {
			names = append(names, fmt.Sprintf("%v at %d %%", c, share))
		}
	}
	return names
}

// barTail is the p99 of the reference over raw C epoll's, at 60 %.
const barTail = 1.10

// capacity measures what raw C epoll carries at most, in a closed loop, at each
// shape: the loads are shares of it, the same for every server. The notes keep it.
func (p plan) capacity(ctx context.Context, s *Section) error {
	for _, c := range tailShapes {
		var rates []float64
		for range 5 {
			r, _, err := p.drive(ctx, servers[0], c, nil)
			if err != nil {
				return err
			}
			rates = append(rates, r.Rate())
		}
		most := median(rates)
		p.offered[c] = most
		s.Notes = append(s.Notes, fmt.Sprintf("Raw C epoll's own maximum at %v: %.0f requests a second (closed loop, median of 5 runs).", c, most))
	}
	return nil
}

// tail offers a share of the maximum and takes the latencies, each counted from
// when its request was due.
func (p plan) tail(ctx context.Context, s *Section, k int, server server) (Figures, error) {
	c, share := tailShapes[k/len(tailLoads)], tailLoads[k%len(tailLoads)]
	rate := p.offered[c] * float64(share) / 100
	offer := func(g *load.Generator) (load.Result, error) { return g.Offer(ctx, rate, p.Slice) }
	r, cpu, err := p.drive(ctx, server, c, offer)
	if errors.Is(err, load.ErrOverrun) || errors.Is(err, load.ErrSilent) {
		return Figures{"overrun": 1}, nil // it cannot carry so much: its latency has no bound
	}
	if err != nil {
		return nil, err
	}
	return Figures{"cpu": cpu, "p50": float64(r.Percentile(50)) / 1e3, "p99": float64(r.Percentile(99)) / 1e3, "p999": float64(r.Percentile(99.9)) / 1e3}, nil
}

func tailReport(s Section) string {
	var b strings.Builder
	fmt.Fprintf(&b, `Open loop: requests are due at a fixed rate, evenly spaced, on one connection after another, whatever the server does. A latency counts from
when its request was due, so a stall counts against every request that falls into it. The rates are 30, 60 and 80 %% of what raw C epoll carries at most. µs, medians over
runs; the other tables have them as ratios to raw C epoll's of the same round. A server that fell behind by 4,096 requests on one connection is “overrun”.

`)
	s.bars(&b, "p99", "p99 / raw C epoll ≤ 1.10 at 60 %", func(k int) (float64, bool) { return barTail, tailLoads[k%len(tailLoads)] == 60 })
	fmt.Fprint(&b, "\np50 / p99 / p99.9:\n\n")
	s.table(&b, func(k int, server Shown) string {
		if _, over := s.median(k, server.Name, "overrun"); over {
			return "overrun"
		}
		return s.number(k, server.Name, "p50", 0) + " / " + s.number(k, server.Name, "p99", 0) + " / " + s.number(k, server.Name, "p999", 0)
	})
	for _, figure := range []struct{ name, title string }{{"p50", "p50"}, {"p99", "p99"}, {"p999", "p99.9"}} {
		fmt.Fprintf(&b, "\n%s over raw C epoll's:\n\n", figure.title)
		s.table(&b, func(k int, server Shown) string { return interval(s.ratio(k, server.Name, "epoll", figure.name)) })
	}
	return b.String()
}
