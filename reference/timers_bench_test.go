package reference

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// BenchmarkTimers sets a million timers, spread evenly over a span; then either
// cancels all of them in random order, or lets all of them fire in order. What
// it reports is ns an operation, here and with container/heap side by side. The sum of the
// three counts, because what one structure saves in setting a timer it may pay
// in firing it.
func BenchmarkTimers(b *testing.B) {
	const pending = 1_000_000
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the collector's share is no part of either
	for _, span := range []time.Duration{10 * time.Second, 10 * time.Minute} {
		rng := rand.New(rand.NewPCG(1, 2))
		delays := make([]time.Duration, pending)
		for i := range delays {
			delays[i] = time.Duration(rng.Int64N(int64(span)))
		}
		order := rng.Perm(pending)
		for _, kind := range []struct {
			name string
			make func(int) timerBench
		}{{"wheel", newWheelBench}, {"container-heap", newHeapBench}} {
			b.Run(fmt.Sprintf("%s/%v", kind.name, span), func(b *testing.B) {
				var add, cancel, fire time.Duration
				for b.Loop() {
					fill := func() timerBench {
						runtime.GC()
						q := kind.make(pending)
						start := time.Now()
						for _, d := range delays {
							q.add(d)
						}
						add += time.Since(start) / 2
						return q
					}
					q := fill()
					start := time.Now()
					for _, i := range order {
						q.cancel(i)
					}
					cancel += time.Since(start)

					q = fill()
					start = time.Now()
					if n := q.fire(span); n != pending {
						b.Fatalf("%d fired, want %d", n, pending)
					}
					fire += time.Since(start)
				}
				n := float64(b.N) * pending
				b.ReportMetric(float64(add)/n, "ns/add")
				b.ReportMetric(float64(cancel)/n, "ns/cancel")
				b.ReportMetric(float64(fire)/n, "ns/fire")
				b.ReportMetric(float64(add+cancel+fire)/n, "ns/sum")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

type timerBench interface {
	add(d time.Duration)
	cancel(i int)
	fire(until time.Duration) int
}

// wheelBench is the loop's own timers with all that they do: the lock, the ready
// list, the callback. Time passes in steps of a millisecond, as turns do.
type wheelBench struct {
	l      *Loop
	clock  *handClock
	timers []*timer
	fired  int
}

func newWheelBench(n int) timerBench {
	w := &wheelBench{clock: &handClock{}, timers: make([]*timer, 0, n)}
	w.l = &Loop{clock: w.clock, log: quiet()}
	w.l.timers.init(w.l)
	return w
}

func (w *wheelBench) add(d time.Duration) {
	tm, _ := w.l.timers.create(d, 0, w.count)
	w.timers = append(w.timers, tm)
}
func (w *wheelBench) count()       { w.fired++ }
func (w *wheelBench) cancel(i int) { w.timers[i].Cancel() }
func (w *wheelBench) fire(until time.Duration) int {
	for ; w.clock.at < until+time.Millisecond; w.clock.at += time.Millisecond {
		w.l.runTimers()
	}
	return w.fired
}

// heapBench is what a first version would be: container/heap with an index in
// each timer, no lock, no ready list.
type heapBench struct {
	h      heapOfTimers
	timers []*heapTimer
	fired  int
}

type heapTimer struct {
	when   time.Duration
	serial int
	index  int
	f      func()
}

type heapOfTimers []*heapTimer

func (h heapOfTimers) Len() int { return len(h) }
func (h heapOfTimers) Less(i, j int) bool {
	return h[i].when < h[j].when || h[i].when == h[j].when && h[i].serial < h[j].serial
}
func (h heapOfTimers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *heapOfTimers) Push(x any) {
	t := x.(*heapTimer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *heapOfTimers) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}

func newHeapBench(n int) timerBench { return &heapBench{timers: make([]*heapTimer, 0, n)} }

func (b *heapBench) add(d time.Duration) {
	t := &heapTimer{when: d, serial: len(b.timers), f: b.count}
	b.timers = append(b.timers, t)
	heap.Push(&b.h, t)
}
func (b *heapBench) count()       { b.fired++ }
func (b *heapBench) cancel(i int) { heap.Remove(&b.h, b.timers[i].index) }
func (b *heapBench) fire(until time.Duration) int {
	for len(b.h) > 0 && b.h[0].when <= until {
		heap.Pop(&b.h).(*heapTimer).f()
	}
	return b.fired
}
