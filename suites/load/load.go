// Package load drives an echo server and measures what comes back. It measures
// cost per request and compares servers; it judges no clause.
//
// Drive is a closed loop: every connection keeps a fixed number of requests in
// flight, and a reply that is complete is followed at once by the next request. A
// closed loop cannot overrun its target, so its latencies are those of a full but
// obliging client; they are not what an open system sees after a stall
// (coordinated omission). Offer is the open loop: requests are due at a fixed
// rate, whatever the target does, and each latency counts from when its request
// was due. Churn is a new connection for each request.
//
// It is importable for the benchmark of the reference: there is no compatibility promise.
package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The bounds of what one generator thread can drive and still mean something.
const (
	MaxConns = 19_000  // descriptors; RLIMIT_NOFILE often stops at 20,000
	MaxSize  = 1 << 24 // bytes of one request
	MaxDepth = 4096    // requests in flight on one connection
)

// latencyFloor and latencyCeiling bound the histogram, in nanoseconds; three
// significant digits between them cost about 180 KiB.
const (
	latencyFloor   = 100
	latencyCeiling = int64(60 * time.Second)
	latencyDigits  = 3
)

// Options say whom to load and how.
type Options struct {
	Network  string        // "tcp" (the default), "tcp4", "tcp6" or "unix"
	Addr     string        // host:port, or the path of a Unix socket
	Conns    int           // connections, N; 1 to MaxConns
	Size     int           // bytes of one request and of its reply, S; 1 to MaxSize
	Depth    int           // requests in flight on each connection, P; 1 to MaxDepth
	Duration time.Duration // how long Run measures
	Warmup   time.Duration // how long Run drives before it measures; not counted
	SignOn   string        // a first line sent without its newline, answered by a line "OK …"; "" for none
	Patience time.Duration // the longest silence of the target while replies are due; 0 means 10 s
}

// Result is what one stretch of load measured.
type Result struct {
	Requests uint64        // complete, correct replies
	Elapsed  time.Duration // from the first request to the last reply
	Latency  *hdrhistogram.Histogram
}

// Rate is the number of replies a second.
func (r Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Requests) / r.Elapsed.Seconds()
}

// Percentile is the latency that p percent of the requests did not exceed.
func (r Result) Percentile(p float64) time.Duration {
	if r.Latency == nil {
		return 0
	}
	return time.Duration(r.Latency.ValueAtPercentile(p))
}

// The defaults of options that are zero.
const (
	defaultNetwork  = "tcp"
	defaultPatience = 10 * time.Second
)

// ErrEcho is wrapped by errors that say which bytes came back wrong.
var ErrEcho = errors.New("the target did not echo what was sent")

// ErrSilent is wrapped when replies were due and the target sent nothing for
// Options.Patience.
var ErrSilent = errors.New("the target fell silent")

// Run dials, warms up, measures for o.Duration and closes. Use Dial and Drive
// to do something of one's own between the steps.
func Run(ctx context.Context, o Options) (Result, error) {
	g, err := Dial(ctx, o)
	if err != nil {
		return Result{}, err
	}
	defer g.Close()
	if o.Warmup > 0 {
		if _, err := g.Drive(ctx, o.Warmup); err != nil {
			return Result{}, err
		}
	}
	return g.Drive(ctx, o.Duration)
}

// Check reports the first option that is out of range. Dial and Run check too.
func (o Options) Check() error {
	switch {
	case o.Addr == "":
		return errors.New("load: Addr is empty: name the target's host:port or socket path")
	case o.Conns < 1 || o.Conns > MaxConns:
		return fmt.Errorf("load: Conns is %d: use 1 to %d", o.Conns, MaxConns)
	case o.Size < 1 || o.Size > MaxSize:
		return fmt.Errorf("load: Size is %d: use 1 to %d bytes", o.Size, MaxSize)
	case o.Depth < 1 || o.Depth > MaxDepth:
		return fmt.Errorf("load: Depth is %d: use 1 to %d", o.Depth, MaxDepth)
	case o.Duration <= 0:
		return fmt.Errorf("load: Duration is %v: use more than 0", o.Duration)
	case o.Warmup < 0:
		return fmt.Errorf("load: Warmup is %v: use 0 or more", o.Warmup)
	case o.Patience < 0:
		return fmt.Errorf("load: Patience is %v: use 0 or more", o.Patience)
	}
	return nil
}
