package reference

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reactorspec/reactorspec/spec/contract"
)

func TestSharedTasksRunOnceInBatches(t *testing.T) {
	set, err := NewTaskSet(16)
	if err != nil {
		t.Fatal(err)
	}
	loops := make([]*Loop, 3)
	for i := range loops {
		loops[i] = runLoop(t, LoopOptions{Index: i, Shared: set})
	}
	const n = 20_000
	ran := make([]atomic.Int32, n)
	var by [3]atomic.Int64
	var all sync.WaitGroup
	all.Add(n)
	for p := range 2 {
		go func() {
			for i := p; i < n; i += 2 {
				if err := set.Post(func() {
					defer all.Done()
					ran[i].Add(1)
					for k, l := range loops {
						if l.InLoop() {
							by[k].Add(1)
						}
					}
					if i%1000 == 0 {
						panic("contained")
					}
				}); err != nil {
					t.Error(err)
					all.Done()
				}
			}
		}()
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	await(t, "all shared tasks", done)
	for i := range ran {
		if r := ran[i].Load(); r != 1 {
			t.Fatalf("task %d ran %d times", i, r)
		}
	}
	if sum := by[0].Load() + by[1].Load() + by[2].Load(); sum != n {
		t.Errorf("%d of %d tasks ran on a loop's thread", sum, n)
	}
	var panics uint64
	for _, l := range loops {
		panics += l.Stats().Panics
	}
	if panics != n/1000 {
		t.Errorf("%d panics counted, want %d", panics, n/1000)
	}
	if g := set.GreatestBatch(); g < 1 || g > 16 {
		t.Errorf("the greatest batch was %d, want 1 to 16", g)
	}
}

// TestSharedSetWakesSleepers: each post finds all loops asleep, or nearly.
func TestSharedSetWakesSleepers(t *testing.T) {
	set, _ := NewTaskSet(1)
	for i := range 2 {
		runLoop(t, LoopOptions{Index: i, Shared: set})
	}
	for range 2000 {
		ran := make(chan struct{})
		if err := set.Post(func() { close(ran) }); err != nil {
			t.Fatal(err)
		}
		await(t, "a shared task", ran)
	}
}

func TestSharedSetOutlivesALoop(t *testing.T) {
	set, _ := NewTaskSet(4)
	var ran atomic.Int64
	if err := set.Post(func() {}); !errors.Is(err, contract.ErrStopped) {
		t.Errorf("a post to a set without loops: %v, want ErrStopped", err)
	}
	var ended [2]chan error
	var loops [2]*Loop
	for i := range loops {
		l, err := NewLoop(LoopOptions{Index: i, Shared: set})
		if err != nil {
			t.Fatal(err)
		}
		loops[i], ended[i] = l, make(chan error, 1)
		go func() { ended[i] <- l.Run() }()
	}
	var accepted int64
	post := func(n int) {
		for range n {
			if set.Post(func() { ran.Add(1) }) == nil {
				accepted++
			}
		}
	}
	post(500)
	loops[0].Stop()
	post(500)
	await(t, "the first loop's end", ended[0])
	eventually(t, "the second loop to sleep", loops[1].asleep.Load)
	post(500)
	eventually(t, "the second loop to run them alone", func() bool { return ran.Load() == accepted })
	loops[1].Stop()
	await(t, "the second loop's end", ended[1])
	if accepted != 1500 || ran.Load() != accepted {
		t.Errorf("%d of 1500 accepted, %d ran; none may be stranded", accepted, ran.Load())
	}
	if err := set.Post(func() {}); !errors.Is(err, contract.ErrStopped) {
		t.Errorf("a post after the last loop: %v, want ErrStopped", err)
	}
}

func TestTaskSetOptions(t *testing.T) {
	for _, n := range []int{0, -1, 1025} {
		if _, err := NewTaskSet(n); err == nil {
			t.Errorf("a batch of %d was accepted", n)
		}
	}
}

// Of the loops that share a set one that sleeps is woken when there is something left for
// it, and only then.
func TestSharedSetWakesForWhatIsLeft(t *testing.T) {
	for name, x := range map[string]struct {
		tasks int
		do    func(taker *Loop)
		want  uint64
	}{
		"a batch of two tasks": {2, func(taker *Loop) { taker.runTasks() }, 0},
		"a batch of three":     {3, func(taker *Loop) { taker.runTasks() }, 1},
		"an end without tasks": {0, func(taker *Loop) { taker.Close() }, 0},
		"an end before them":   {1, func(taker *Loop) { taker.Close() }, 1},
	} {
		set, err := NewTaskSet(2)
		if err != nil {
			t.Fatal(err)
		}
		var loops [2]*Loop
		for i := range loops {
			if loops[i], err = NewLoop(LoopOptions{Index: i, Shared: set}); err != nil {
				t.Fatal(err)
			}
			defer loops[i].Close()
		}
		for range x.tasks {
			if err := set.Post(func() {}); err != nil {
				t.Fatal(err)
			}
		}
		taker, sleeper := loops[0], loops[1]
		sleeper.asleep.Store(true) // the posts woke the other one
		x.do(taker)
		if got := sleeper.Stats().Wakes; got != x.want {
			t.Errorf("%s: the sleeping loop is woken %d times, want %d", name, got, x.want)
		}
	}
}
