package reference

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkPostFlood posts to one loop from another core, without a pause, until
// all tasks have run: the loop is pinned to one core and its posters to the next. writes/post is what the coalescing leaves over.
func BenchmarkPostFlood(b *testing.B) {
	for _, w := range Wakeups {
		for _, producers := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%s/%d", w, producers), func(b *testing.B) {
				cores := allowedCores(b)
				l := runLoop(b, LoopOptions{Wakeup: w})
				if len(cores) > 1 {
					do(b, l, func() { pin(b, cores[0]) })
					defer do(b, l, func() { pin(b, cores...) }) // others may have its thread next
				} else {
					b.Log("one core: loop and posters share it")
				}
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
						runtime.LockOSThread() // and never unlocked: the thread ends, pinned as it is
						if len(cores) > 1 {
							pin(b, cores[1])
						}
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

// cpuSet is the kernel's mask of cores.
type cpuSet [16]uint64

// allowedCores are the cores that this thread may run on.
func allowedCores(b *testing.B) (cores []int) {
	var set cpuSet
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); errno != 0 {
		b.Fatal("sched_getaffinity: ", errno)
	}
	for i, word := range set {
		for ; word != 0; word &= word - 1 {
			cores = append(cores, 64*i+bits.TrailingZeros64(word))
		}
	}
	return cores
}

// pin keeps the calling thread on some cores.
func pin(b *testing.B, cores ...int) {
	var set cpuSet
	for _, core := range cores {
		set[core/64] |= 1 << (core % 64)
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); errno != 0 {
		b.Error("sched_setaffinity: ", errno)
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
