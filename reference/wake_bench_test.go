package reference

import (
	"testing"
	"time"
)

// BenchmarkPostFlood posts from a thread that is not the loop's, on another core
// where there is one, as fast as it can, and waits until all tasks ran. It
// reports posts a second and how many of them cost a write to the waker:
// coalescing is what keeps a flood at a fraction of a system call a post (WAKE).
func BenchmarkPostFlood(b *testing.B) {
	for _, kind := range []string{"eventfd", "pipe", "socketpair"} {
		b.Run(kind, func(b *testing.B) {
			l := benchLoop(b, kind)
			ran, all := 0, make(chan int) // ran is the loop's until it tells
			task := func() { ran++ }
			start := time.Now()
			for b.Loop() {
				if err := l.Post(task); err != nil {
					b.Fatal(err)
				}
			}
			if err := l.Post(func() { all <- ran }); err != nil {
				b.Fatal(err)
			}
			if n := <-all; n != b.N {
				b.Fatalf("%d tasks ran, %d were posted", n, b.N)
			}
			took := time.Since(start)
			b.ReportMetric(float64(b.N)/took.Seconds()/1e6, "Mposts/s")
			b.ReportMetric(float64(l.Stats().Wakes)/float64(b.N), "writes/post")
		})
	}
}

// BenchmarkPostAsleep posts one task at a time and waits until it ran, so that
// every post finds the loop asleep or about to sleep: the way through the kernel
// and back between two threads.
func BenchmarkPostAsleep(b *testing.B) {
	for _, kind := range []string{"eventfd", "pipe", "socketpair"} {
		b.Run(kind, func(b *testing.B) {
			l := benchLoop(b, kind)
			ran := make(chan struct{})
			task := func() { ran <- struct{}{} }
			for b.Loop() {
				if err := l.Post(task); err != nil {
					b.Fatal(err)
				}
				<-ran
			}
			b.ReportMetric(float64(l.Stats().Wakes)/float64(b.N), "writes/post")
		})
	}
}

// benchLoop runs a loop until the benchmark ends.
func benchLoop(b *testing.B, wakeup string) *Loop {
	b.Helper()
	l, err := NewLoop(LoopOptions{Wakeup: wakeup, Log: quiet()})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	b.Cleanup(func() {
		l.Stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return l
}
