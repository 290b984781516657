package load

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

const (
	// readSize is the shared read buffer: four of the grid's largest requests.
	readSize = 64 << 10
	// sendSize bounds the prebuilt run of requests that one write draws on.
	sendSize = 256 << 10
	// batch is the number of events that one epoll_wait takes.
	batch = 1024
	// pollMillis is how often a silent target lets the generator look at ctx.
	pollMillis = 100
)

// Generator is a set of open connections ready to be driven. It belongs to one
// goroutine at a time.
type Generator struct {
	o       Options
	ep      int
	conns   []client
	payload []byte // one request, repeated to fill whole writes; its length is a multiple of Size
	in      []byte
	events  []unix.EpollEvent
	failed  error // the first failure: replies may be half read, nothing can be driven any more
}

// client is one connection's place in its two endless streams.
type client struct {
	fd      int
	sent    []int64 // ring of start times of the requests in flight, ns since the drive began
	head    int     // oldest entry of sent
	flying  int     // requests in flight
	got     int     // bytes of the oldest reply received so far
	unsent  int     // bytes of requests in flight not yet accepted by the kernel
	waiting bool    // EPOLLOUT is armed
}

// Dial opens all connections and signs on. On an error everything it opened is
// closed again.
func Dial(ctx context.Context, o Options) (*Generator, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o.Network, o.Patience = cmp.Or(o.Network, defaultNetwork), cmp.Or(o.Patience, defaultPatience)
	sa, family, err := resolve(ctx, o.Network, o.Addr)
	if err != nil {
		return nil, err
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	g := &Generator{o: o, ep: ep, payload: payload(o.Size), in: make([]byte, readSize), events: make([]unix.EpollEvent, batch)}
	g.conns = make([]client, 0, o.Conns)
	for range o.Conns {
		if err := ctx.Err(); err != nil {
			g.Close()
			return nil, err
		}
		fd, err := connect(family, sa, o)
		if err != nil {
			g.Close()
			return nil, fmt.Errorf("load: connection %d of %d to %s: %w", len(g.conns)+1, o.Conns, o.Addr, err)
		}
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(g.conns))}
		g.conns = append(g.conns, client{fd: fd, sent: make([]int64, o.Depth)})
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			g.Close()
			return nil, os.NewSyscallError("epoll_ctl", err)
		}
	}
	return g, nil
}

// Close closes every connection.
func (g *Generator) Close() {
	for i := range g.conns {
		unix.Close(g.conns[i].fd)
	}
	g.conns = nil
	unix.Close(g.ep)
}

// Drive keeps every connection's pipe full for d and then waits for the replies
// still due, so that before and after it the target has nothing to do. It may
// be called again until it fails.
func (g *Generator) Drive(ctx context.Context, d time.Duration) (Result, error) {
	if g.failed != nil {
		return Result{}, g.failed
	}
	// The waits below must not move between cores in the middle of a measurement.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := drive{g: g, until: int64(d), latency: histogram(), began: time.Now()}
	for i := range g.conns {
		if err := r.start(i, g.o.Depth, r.now()); err != nil {
			g.failed = err
			return Result{}, err
		}
	}
	return r.finish(ctx)
}

func histogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(latencyFloor, latencyCeiling, latencyDigits)
}

// drive is one stretch of load.
type drive struct {
	g        *Generator
	began    time.Time
	until    int64 // ns since began: no request starts later
	last     int64 // ns since began: when the last reply was complete
	flying   int
	requests uint64
	latency  *hdrhistogram.Histogram
	offer    *offer // nil in a closed loop
}

func (r *drive) now() int64 { return int64(time.Since(r.began)) }

// finish drives until nothing is in flight, nor due any more.
func (r *drive) finish(ctx context.Context) (Result, error) {
	if err := r.run(ctx); err != nil {
		r.g.failed = err
		return Result{}, err
	}
	return Result{Requests: r.requests, Elapsed: time.Duration(r.last), Latency: r.latency}, nil
}

func (r *drive) run(ctx context.Context) error {
	heard, stop := r.now(), ctx.Done()
	for {
		wait, err := r.issue()
		if err != nil {
			return err
		}
		if r.flying == 0 && wait == pollMillis {
			return nil
		}
		n, err := unix.EpollWait(r.g.ep, r.g.events, wait)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		if n <= 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if quiet := time.Duration(r.now() - heard); r.flying > 0 && quiet > r.g.o.Patience {
				return fmt.Errorf("load: %d replies due and nothing came for %v: %w", r.flying, quiet.Round(time.Millisecond), ErrSilent)
			}
			continue
		}
		select {
		case <-stop:
			return ctx.Err()
		default:
		}
		heard = r.now()
		for _, e := range r.g.events[:n] {
			if err := r.serve(int(e.Fd), e.Events); err != nil {
				return err
			}
		}
	}
}

// serve takes what one ready connection holds: one read, then as many new
// requests as replies were completed.
func (r *drive) serve(i int, events uint32) error {
	c := &r.g.conns[i]
	if events&unix.EPOLLOUT != 0 {
		if err := r.flush(i); err != nil {
			return err
		}
	}
	if events&^uint32(unix.EPOLLOUT) == 0 {
		return nil
	}
	n, err := read(c.fd, r.g.in)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil:
		return fmt.Errorf("load: connection %d with %d replies due: %w", i, c.flying, os.NewSyscallError("read", err))
	case n == 0:
		return fmt.Errorf("load: the target closed connection %d with %d replies due", i, c.flying)
	}
	done, err := r.consume(i, r.g.in[:n])
	if err != nil || done == 0 {
		return err
	}
	now := r.now()
	for range done {
		// A value above the ceiling is recorded as the ceiling.
		_ = r.latency.RecordValue(min(now-c.sent[c.head], latencyCeiling))
		if c.head++; c.head == len(c.sent) {
			c.head = 0
		}
	}
	c.flying -= done
	r.flying -= done
	r.requests += uint64(done)
	r.last = now
	if r.offer == nil && now < r.until {
		return r.start(i, done, now)
	}
	return nil
}

// consume compares what came with what was sent and returns how many replies it
// completed.
func (r *drive) consume(i int, got []byte) (done int, err error) {
	c := &r.g.conns[i]
	size := r.g.o.Size
	if due := c.flying*size - c.got - c.unsent; len(got) > due {
		return 0, fmt.Errorf("load: connection %d: %d bytes came where %d were due: %w", i, len(got), due, ErrEcho)
	}
	total := c.got + len(got)
	for at := c.got; len(got) > 0; {
		n := min(len(got), len(r.g.payload)-at)
		if !bytes.Equal(got[:n], r.g.payload[at:at+n]) {
			return 0, fmt.Errorf("load: connection %d: bytes differ within %d bytes after byte %d of a reply: %w", i, n, at%size, ErrEcho)
		}
		got, at = got[n:], 0
	}
	c.got = total % size
	return total / size, nil
}

// start puts n more requests into flight.
func (r *drive) start(i, n int, now int64) error {
	c := &r.g.conns[i]
	for k := range n {
		c.sent[(c.head+c.flying+k)%len(c.sent)] = now
	}
	c.flying += n
	r.flying += n
	c.unsent += n * r.g.o.Size
	if c.waiting {
		return nil // flush goes on when the kernel has room
	}
	return r.flush(i)
}

// flush writes requests until all are sent or the kernel takes no more.
func (r *drive) flush(i int) error {
	c := &r.g.conns[i]
	size := r.g.o.Size
	for c.unsent > 0 {
		// Requests are all alike, so the place in the stream follows from what is left.
		at := (size - c.unsent%size) % size
		n, err := write(c.fd, r.g.payload[at:min(len(r.g.payload), at+c.unsent)])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return r.interest(i, true)
		case err != nil:
			return fmt.Errorf("load: connection %d: %w", i, os.NewSyscallError("write", err))
		default:
			c.unsent -= n
		}
	}
	return r.interest(i, false)
}

// interest arms or disarms EPOLLOUT.
func (r *drive) interest(i int, out bool) error {
	c := &r.g.conns[i]
	if c.waiting == out {
		return nil
	}
	c.waiting = out
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
	if out {
		event.Events |= unix.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(r.g.ep, unix.EPOLL_CTL_MOD, c.fd, &event))
}

// payload is one random request repeated a whole number of times.
func payload(size int) []byte {
	one := make([]byte, size)
	random := rand.NewChaCha8([32]byte{'l', 'o', 'a', 'd'})
	_, _ = random.Read(one) // never fails
	return bytes.Repeat(one, max(1, sendSize/size))
}
