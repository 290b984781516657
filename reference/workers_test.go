package reference

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

func newWorkers(t *testing.T, threads, room int) *Workers {
	w, err := NewWorkers(threads, room)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestResultsComeHome(t *testing.T) {
	loops := []*Loop{runLoop(t, LoopOptions{}), runLoop(t, LoopOptions{Index: 1})}
	w := newWorkers(t, 3, 100)
	var away atomic.Int64
	home := make(chan bool, 60)
	for i := range 60 {
		l := loops[i%2]
		if err := w.Submit(l, func() {
			if loops[0].InLoop() || loops[1].InLoop() {
				away.Add(1)
			}
		}, func(err error) { home <- err == nil && l.InLoop() }); err != nil {
			t.Fatal(err)
		}
	}
	for range 60 {
		if !await(t, "a result", home) {
			t.Fatal("a result came to another thread than its loop's, or with an error")
		}
	}
	if away.Load() != 0 {
		t.Errorf("%d jobs ran on a loop's thread", away.Load())
	}
}

func TestWorkersAreBounded(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	w := newWorkers(t, 2, 3)
	release := make(chan struct{})
	tids := make(chan int, 10)
	home := make(chan error, 10)
	for i := range 5 { // two run, three wait
		if err := w.Submit(l, func() { tids <- poll.ThreadID(); <-release }, func(err error) { home <- err }); err != nil {
			t.Fatalf("job %d: %v; two threads and room for three were free", i, err)
		}
	}
	if err := w.Submit(l, func() { t.Error("ran after ErrFull") }, func(error) { t.Error("called after ErrFull") }); !errors.Is(err, ErrFull) {
		t.Errorf("job 6: %v, want ErrFull", err)
	}
	do(t, l, func() {}) // the loop is free meanwhile
	close(release)
	seen := map[int]bool{}
	for range 5 {
		seen[await(t, "a job", tids)] = true
		await(t, "a result", home)
	}
	if len(seen) > 2 {
		t.Errorf("jobs ran on %d threads, want at most 2", len(seen))
	}
	if s := w.Stats(); s.Refused != 1 || s.Threads > 2 {
		t.Errorf("counted %+v, want 1 refused and at most 2 threads", s)
	}
	if err := w.Submit(l, func() {}, func(err error) { home <- err }); err != nil {
		t.Errorf("refused with all threads idle: %v", err)
	}
	await(t, "a result", home)
}

// A thread is started for a job that no idle one can take, and for no other; what all
// threads are busy for waits, as far as there is room.
func TestWorkersStartWhenNeeded(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	w := newWorkers(t, 2, 1)
	want := WorkerStats{}
	counted := func(when string) {
		t.Helper()
		eventually(t, when, func() bool { return w.Stats() == want })
	}
	counted("nothing of an unused pool to be counted")
	for want.Done < 3 { // one after the other
		if err := w.Submit(l, func() {}, func(error) {}); err != nil {
			t.Fatal(err)
		}
		want.Done++
		want.Threads = 1
		counted("one thread to have done all")
	}
	release, began := make(chan struct{}), make(chan struct{}, 3)
	block := func() error { return w.Submit(l, func() { began <- struct{}{}; <-release }, func(error) {}) }
	for range 2 { // both at a time
		if err := block(); err != nil {
			t.Fatal(err)
		}
		await(t, "a thread for each job", began)
	}
	want.Threads = 2
	counted("two threads to be busy")
	if err := block(); err != nil {
		t.Errorf("a job that there is room for: %v", err)
	}
	want.Queued = 1
	counted("a job to wait")
	for range 2 {
		if err := block(); !errors.Is(err, ErrFull) {
			t.Errorf("a job too many: %v, want ErrFull", err)
		}
	}
	want.Refused = 2
	counted("two jobs to be refused")
	close(release)
	want.Queued, want.Done = 0, 6
	counted("all to be done")
}

// A result whose loop has ended has no home, and is counted.
func TestHomelessResults(t *testing.T) {
	gone, stays := runLoop(t, LoopOptions{}), runLoop(t, LoopOptions{})
	w := newWorkers(t, 1, 2)
	release := make(chan struct{})
	home := make(chan error, 1)
	for _, l := range []*Loop{gone, gone, stays} {
		if err := w.Submit(l, func() { <-release }, func(err error) {
			if l == gone {
				t.Error("a result came to a loop that has ended")
			}
			home <- err
		}); err != nil {
			t.Fatal(err)
		}
	}
	gone.Stop()
	eventually(t, "the loop to end", func() bool { return gone.state.Load() == ended })
	close(release)
	if err := await(t, "the other loop's result", home); err != nil {
		t.Errorf("it was told %v", err)
	}
	eventually(t, "the results to be counted", func() bool { return w.Stats() == WorkerStats{Threads: 1, Done: 3, Homeless: 2} })
}

func TestWorkerWithoutRoom(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	w := newWorkers(t, 1, 0)
	for range 50 {
		home := make(chan error, 1)
		// The one thread counts as busy until it is back from posting the result, so ask until it takes the job.
		for w.Submit(l, func() {}, func(err error) { home <- err }) != nil {
		}
		await(t, "a result", home)
	}
}

func TestWorkerPanicIsReported(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	w := newWorkers(t, 1, 1)
	home := make(chan error, 1)
	w.Submit(l, func() { panic("ouch") }, func(err error) { home <- err })
	var p *PanicError
	if err := await(t, "the result", home); !errors.As(err, &p) || p.Value != "ouch" || !strings.Contains(p.Stack, "workers_test.go") {
		t.Errorf("the loop was told %v, want a PanicError with its stack", err)
	}
	for range 2 {
		w.Submit(l, func() {}, func(err error) { home <- err })
		if err := await(t, "the next result", home); err != nil {
			t.Errorf("the next job: %v", err)
		}
	}
	eventually(t, "one panic to be counted", func() bool { return w.Stats() == WorkerStats{Threads: 1, Done: 3, Panics: 1} })
}

func TestWorkersStop(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	w := newWorkers(t, 1, 10)
	release, began := make(chan struct{}), make(chan struct{})
	home := make(chan error, 10)
	w.Submit(l, func() { close(began); <-release }, func(err error) { home <- err })
	await(t, "the first job", began)
	w.Submit(l, func() {}, func(err error) { home <- err })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := w.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop with a blocked worker: %v, want the deadline's error", err)
	}
	if err := await(t, "the job that was never begun", home); !errors.Is(err, contract.ErrStopped) {
		t.Errorf("it was told %v, want ErrStopped", err)
	}
	if err := w.Submit(l, func() {}, func(error) {}); !errors.Is(err, contract.ErrStopped) {
		t.Errorf("Submit after Stop: %v, want ErrStopped", err)
	}
	close(release)
	if err := await(t, "the job that was", home); err != nil {
		t.Errorf("it was told %v", err)
	}
	if err := w.Stop(context.Background()); err != nil {
		t.Errorf("Stop with nothing left: %v", err)
	}
	if s := w.Stats(); s.Threads != 0 {
		t.Errorf("%d threads left", s.Threads)
	}
}

func TestWorkerOptionsOutOfRange(t *testing.T) {
	for _, x := range [][2]int{{0, 0}, {1001, 0}, {1, -1}, {1, 1_000_001}} {
		if _, err := NewWorkers(x[0], x[1]); err == nil {
			t.Errorf("%d threads with room for %d accepted", x[0], x[1])
		}
	}
	for _, x := range [][2]int{{1, 0}, {1000, 1_000_000}} {
		if _, err := NewWorkers(x[0], x[1]); err != nil {
			t.Errorf("%d threads with room for %d: %v", x[0], x[1], err)
		}
	}
}
