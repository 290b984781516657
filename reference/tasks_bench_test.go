package reference

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPostFlood posts to one loop from other threads, without a pause, until
// all tasks have run. writes/post is what the coalescing leaves over.
func BenchmarkPostFlood(b *testing.B) {
	for _, w := range Wakeups {
		for _, producers := range []int{1, 4} {
			b.Run(fmt.Sprintf("%s/%d", w, producers), func(b *testing.B) {
				l := runLoop(b, LoopOptions{Wakeup: w})
				var ran int
				done := make(chan struct{})
				total := max(1, b.N/producers) * producers
				task := func() {
					if ran++; ran == total {
						close(done)
					}
				}
				before, cpu := l.Stats().Wakes, cpuTime(b)
				b.ReportAllocs()
				b.ResetTimer()
				for range producers {
					go func() {
						runtime.LockOSThread()
						for range total / producers {
							l.Post(task)
						}
					}()
				}
				<-done
				b.StopTimer()
				b.ReportMetric(float64(l.Stats().Wakes-before)/float64(total), "writes/post")
				b.ReportMetric(float64(cpuTime(b)-cpu)/float64(total), "cpu-ns/post")
				b.ReportMetric(float64(total)/b.Elapsed().Seconds()/1e6, "Mposts/s")
			})
		}
	}
}

// cpuTime is what this process has used: unlike the elapsed time it says the same
// on a machine that is shared. Poster and loop run side by side, so a post takes about half of it.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkPostPingPong posts one task at a time to a sleeping loop and waits for
// it: the cost of a wakeup across threads.
func BenchmarkPostPingPong(b *testing.B) {
	for _, w := range Wakeups {
		b.Run(w, func(b *testing.B) {
			l := runLoop(b, LoopOptions{Wakeup: w})
			ran := make(chan struct{})
			task := func() { ran <- struct{}{} }
			for b.Loop() {
				l.Post(task)
				<-ran
			}
		})
	}
}

// BenchmarkShared spreads tasks over two loops.
func BenchmarkShared(b *testing.B) {
	set, _ := NewTaskSet(64)
	for i := range 2 {
		runLoop(b, LoopOptions{Index: i, Shared: set})
	}
	var all sync.WaitGroup
	task := func() { all.Done() }
	for b.Loop() {
		all.Add(1)
		set.Post(task)
	}
	all.Wait()
}
