package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// ErrOverrun is wrapped when the target fell so far behind the offered rate that
// a connection would have more than MaxDepth requests in flight.
var ErrOverrun = errors.New("the target fell behind the offered rate")

// offer is the plan of an open loop.
type offer struct {
	every  float64 // ns between requests
	total  int     // requests in all
	issued int
}

// Offer sends rate requests a second for d, evenly spaced, by one connection after
// the other, and then waits for the replies still due. A latency counts from the
// moment at which its request was due, so that a stall of the target is felt by all
// the requests that fall into it. Between requests it polls without sleeping: the
// generator wants a core of its own.
func (g *Generator) Offer(ctx context.Context, rate float64, d time.Duration) (Result, error) {
	if g.failed != nil {
		return Result{}, g.failed
	}
	if rate <= 0 || d <= 0 {
		return Result{}, fmt.Errorf("load: an offer of %v requests a second for %v: use more than 0", rate, d)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	total := max(1, int(rate*d.Seconds()))
	r := drive{g: g, until: int64(d), latency: histogram(), began: time.Now(), offer: &offer{every: 1e9 / rate, total: total}}
	return r.finish(ctx)
}

// issue starts the requests that are due, and returns for how many milliseconds
// the poll may wait then: pollMillis when no more will come.
func (r *drive) issue() (wait int, err error) {
	o := r.offer
	if o == nil || o.issued == o.total {
		return pollMillis, nil
	}
	for now := r.now(); o.issued < o.total; o.issued++ {
		due := int64(float64(o.issued) * o.every)
		if due > now {
			return 0, nil
		}
		i := o.issued % len(r.g.conns)
		if err := r.g.conns[i].room(); err != nil {
			return 0, fmt.Errorf("load: connection %d: %w", i, err)
		}
		if err := r.start(i, 1, due); err != nil {
			return 0, err
		}
	}
	return 0, nil // those just sent may be answered already
}

// room makes the ring of requests in flight larger where it is full.
func (c *client) room() error {
	if c.flying < len(c.sent) {
		return nil
	}
	if c.flying >= MaxDepth {
		return fmt.Errorf("%d requests wait for their replies: %w", c.flying, ErrOverrun)
	}
	larger := make([]int64, 2*len(c.sent))
	for k := range c.flying {
		larger[k] = c.sent[(c.head+k)%len(c.sent)]
	}
	c.sent, c.head = larger, 0
	return nil
}
