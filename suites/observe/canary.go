package observe

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// canaryEvery is how long a canary thread sleeps. A wakeup costs some 70 µs
	// in an otherwise idle Go process, most of it for the runtime's monitor, so
	// 100 a second are 0.7 % of each CPU. A stall is noticed at the next
	// wakeup, so on average half of this is missing from its length.
	canaryEvery = 10 * time.Millisecond
	// canarySlack is the delay that an unloaded machine shows now and then,
	// timer slack and one scheduler tick; it counts as none.
	canarySlack = 3 * time.Millisecond
	// canaryKept bounds the remembered stalls: on two CPUs that delay every
	// wakeup, the longest check's; on a calm machine, those of hours.
	canaryKept = 1 << 16
)

// Canary measures how far this machine delays a thread that only sleeps. One
// thread a CPU does, bound to it where that is allowed; a wakeup later than
// canarySlack is a stall. It covers what delays a target and is nobody's
// fault: other load, a hypervisor that takes the CPU away, a suspended
// machine. It sees the load of the target itself too, so ask the target's own
// CPU time before excusing anything.
type Canary struct {
	stop    chan struct{}
	stopped sync.Once
	threads sync.WaitGroup
	due     []atomic.Int64 // for each thread, its next wakeup, monotonic nanoseconds

	mu     sync.Mutex
	stalls []span // of all threads, in order of their ends
}

// span is a stretch of monotonic time, in nanoseconds.
type span struct{ from, to int64 }

// StartCanary starts measuring. The caller calls Stop.
func StartCanary() *Canary {
	cpus := allowedCPUs()
	c := &Canary{stop: make(chan struct{}), due: make([]atomic.Int64, len(cpus))}
	for i, cpu := range cpus {
		c.due[i].Store(monotonic() + int64(canaryEvery))
		c.threads.Add(1)
		go c.watch(&c.due[i], cpu)
	}
	return c
}

// Stop ends the measuring and waits for its threads. What was measured stays.
func (c *Canary) Stop() {
	c.stopped.Do(func() { close(c.stop) })
	c.threads.Wait()
}

// Stall returns for how much of the time since then a CPU did not run a thread
// that was due: the length of the union of all delays above the slack, one
// that still goes on included. A nil canary never stalls.
func (c *Canary) Stall(since time.Time) time.Duration {
	if c == nil {
		return 0
	}
	now := monotonic()
	start := now - int64(time.Since(since))
	c.mu.Lock()
	// In order of their ends, so those that reach beyond start are the last.
	from, _ := slices.BinarySearchFunc(c.stalls, start, func(s span, t int64) int { return cmp.Compare(s.to, t) })
	spans := slices.Clone(c.stalls[from:])
	c.mu.Unlock()
	for i := range c.due {
		if due := c.due[i].Load(); due != 0 && now-due > int64(canarySlack) {
			spans = append(spans, span{due, now})
		}
	}
	return union(spans, start)
}

// union is the length of what the spans cover after start.
func union(spans []span, start int64) time.Duration {
	slices.SortFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	var sum int64
	covered := start
	for _, s := range spans {
		if s.to > covered {
			sum += s.to - max(s.from, covered)
			covered = s.to
		}
	}
	return time.Duration(sum)
}

// watch sleeps and wakes on one CPU until Stop. The goroutine ends locked, so
// that its thread ends with it and its affinity goes nowhere else.
func (c *Canary) watch(due *atomic.Int64, cpu int) {
	defer c.threads.Done()
	runtime.LockOSThread()
	if cpu >= 0 {
		bind(cpu)
	}
	defer due.Store(0)
	for {
		select {
		case <-c.stop:
			return
		default:
		}
		wake := monotonic() + int64(canaryEvery)
		due.Store(wake)
		sleepUntil(wake)
		if now := monotonic(); now-wake > int64(canarySlack) {
			c.remember(span{wake, now})
		}
	}
}

func (c *Canary) remember(s span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.stalls) == canaryKept {
		c.stalls = slices.Delete(c.stalls, 0, canaryKept/4)
	}
	c.stalls = append(c.stalls, s)
}
