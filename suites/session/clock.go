package session

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// Meter adds up how long a target was kept from running by others: the delay
// that its most delayed thread spent on a run queue (schedstat), and the CPU
// time that the target itself used meanwhile. A goroutine samples it beside an
// attempt; Close ends that.
type Meter struct {
	delay atomic.Int64 // nanoseconds
	cpu   atomic.Int64 // nanoseconds

	mu      sync.Mutex
	tree    *observe.Tree
	threads map[int]time.Duration
	cpuSeen time.Duration
	sampled time.Time

	stop chan struct{}
	done chan struct{}
}

// meterPause is the least pause between samples, and meterShare the part of one
// core that sampling may take: a target with thousands of threads is read less
// often.
// A reading younger than meterFresh is not taken again. Beside a crowd of its own a
// sample takes as long as it waits, so meterPauseMost bounds the pause: what the target
// used meanwhile has to be known while it matters.
const (
	meterPause     = 50 * time.Millisecond
	meterPauseMost = 2 * time.Second
	meterFresh     = 20 * time.Millisecond
	meterShare     = 50
)

// StartMeter samples the process tree; a nil tree (a target whose pid nobody
// gave) makes a meter that always reads zero.
func StartMeter(tree *observe.Tree) *Meter {
	m := &Meter{tree: tree, stop: make(chan struct{}), done: make(chan struct{})}
	if tree == nil {
		close(m.done)
		return m
	}
	m.sample()
	go m.run()
	return m
}

// Close ends the sampling; readings stay valid.
func (m *Meter) Close() {
	select {
	case <-m.stop:
	default:
		close(m.stop)
	}
	<-m.done
}

func (m *Meter) run() {
	defer close(m.done)
	timer := time.NewTimer(meterPause)
	defer timer.Stop()
	for {
		select {
		case <-m.stop:
			return
		case <-timer.C:
		}
		started := time.Now()
		m.sample()
		timer.Reset(min(max(meterPause, meterShare*time.Since(started)), meterPauseMost))
	}
}

// sample adds what happened since the last sample, unless that was just now. Of
// the threads' delays the greatest counts: threads that queue side by side
// delay a reply once.
func (m *Meter) sample() {
	if m.tree == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.sampled) < meterFresh {
		return
	}
	seen, err := m.tree.Delays()
	if err != nil {
		return // it exited; whoever waits for it learns that from its socket
	}
	now := time.Now()
	var greatest time.Duration
	for tid, delay := range seen {
		if before, known := m.threads[tid]; known {
			greatest = max(greatest, delay-before)
		}
	}
	if !m.sampled.IsZero() {
		m.delay.Add(int64(min(greatest, now.Sub(m.sampled))))
	}
	if cpu, err := m.tree.CPU(); err == nil {
		if !m.sampled.IsZero() && cpu > m.cpuSeen {
			m.cpu.Add(int64(cpu - m.cpuSeen))
		}
		m.cpuSeen = cpu
	}
	m.threads, m.sampled = seen, now
}

// Stopwatch measures effective time: wall time minus the time in which this
// machine kept the harness (canary) or the target (its run delay) from running.
// It is never less than the target's own share of the machine's processor time.
type Stopwatch struct {
	start  time.Time
	delay  int64
	cpu    int64
	meter  *Meter
	canary *observe.Canary
}

func startStopwatch(canary *observe.Canary, meter *Meter) Stopwatch {
	w := Stopwatch{start: time.Now(), meter: meter, canary: canary}
	if meter != nil {
		w.delay, w.cpu = meter.delay.Load(), meter.cpu.Load()
	}
	return w
}

// Wall returns the wall time since the stopwatch was started.
func (w Stopwatch) Wall() time.Duration { return time.Since(w.start) }

// Stalled returns the part of Wall that does not count.
func (w Stopwatch) Stalled() time.Duration {
	if w.meter != nil {
		w.meter.sample()
	}
	return w.stalled()
}

// stalled is Stalled as of the meter's last sample, which is cheap.
func (w Stopwatch) stalled() time.Duration {
	wall := w.Wall()
	var stalled time.Duration
	if w.canary != nil {
		stalled = w.canary.Stall(w.start)
	}
	most := wall
	if w.meter != nil {
		stalled += time.Duration(w.meter.delay.Load() - w.delay)
		// A target that spins on every core delays the harness and itself: the
		// processor time that it had did pass for it.
		most -= time.Duration(w.meter.cpu.Load()-w.cpu) / time.Duration(runtime.NumCPU())
	}
	return max(min(stalled, most), 0)
}

// Elapsed returns the effective time since the stopwatch was started.
func (w Stopwatch) Elapsed() time.Duration { return max(w.Wall()-w.Stalled(), 0) }

// Slack returns how many times slower than effective time wall time passed, at least 1.
func (w Stopwatch) Slack() float64 {
	wall := w.Wall()
	effective := max(wall-w.stalled(), time.Millisecond)
	return max(1, float64(wall)/float64(effective))
}
