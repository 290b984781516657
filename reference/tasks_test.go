package reference

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reactorspec/reactorspec/spec/contract"
)

func TestPostsFromAnywhereRunOnceInOrder(t *testing.T) {
	eachKind(t, func(t *testing.T, o LoopOptions) {
		l := runLoop(t, o)
		const producers, each = 4, 2000
		next := [producers]int{}
		strays := 0
		var all sync.WaitGroup
		all.Add(producers * each)
		for p := range producers {
			go func() {
				for i := range each {
					err := l.Post(func() {
						defer all.Done()
						if !l.InLoop() {
							strays++
						}
						if next[p] != i {
							t.Errorf("producer %d: task %d ran when %d was next", p, i, next[p])
						}
						next[p] = i + 1
					})
					if err != nil {
						t.Error(err)
						all.Done()
					}
				}
			}()
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		await(t, "all tasks", done)
		do(t, l, func() {
			if strays != 0 {
				t.Errorf("%d tasks ran off the loop's thread", strays)
			}
		})
		if l.InLoop() {
			t.Error("InLoop is true on the test's thread")
		}
	})
}

func TestTasksOfATaskRunNextTurn(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	var inside atomic.Int64
	count, done := 0, make(chan uint64, 1)
	do(t, l, func() {
		turn := l.stats.turns.load()
		for range 100 {
			l.Post(func() {
				count++
				if l.stats.turns.load() == turn {
					inside.Add(1)
				}
			})
		}
		if count != 0 {
			t.Error("a task ran inside Post")
		}
		l.Post(func() { done <- l.stats.turns.load() - turn })
	})
	if turns := await(t, "the last task", done); turns != 1 || inside.Load() != 0 {
		t.Errorf("the tasks came %d turns later, %d in the poster's own; want 1, 0", turns, inside.Load())
	}
}

func TestShareOfATurn(t *testing.T) {
	l := runLoop(t, LoopOptions{TaskShare: 10})
	var turns []uint64
	hold, held := make(chan struct{}), make(chan struct{})
	l.Post(func() { close(held); <-hold })
	await(t, "the loop to be busy", held)
	for range 100 {
		l.Post(func() { turns = append(turns, l.stats.turns.load()) })
	}
	close(hold)
	do(t, l, func() {})
	for i := 10; i < len(turns); i++ {
		if turns[i] == turns[i-10] {
			t.Fatalf("tasks %d to %d ran in one turn; the share is 10", i-10, i)
		}
	}
	if len(turns) != 100 || turns[99]-turns[0] > 10 {
		t.Errorf("%d tasks took turns %d to %d; want 100 in 10 turns", len(turns), turns[0], turns[len(turns)-1])
	}
}

// A turn runs its share and counts it, also of tasks that an earlier turn left over and of
// some that panic.
func TestTasksOfEachTurnAreCounted(t *testing.T) {
	l, err := NewLoop(LoopOptions{TaskShare: 10, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ran := 0
	for i := range 25 {
		_ = l.Post(func() {
			ran++
			if i%4 == 0 {
				panic("contained")
			}
		})
	}
	for turn, want := range []int{10, 20, 25, 25} {
		if waiting := l.tasks.waiting(); waiting != (ran < 25) {
			t.Errorf("before turn %d a task waits: %v", turn, waiting)
		}
		l.runTasks()
		if n := l.Stats().Tasks; ran != want || n != uint64(want) {
			t.Errorf("after turn %d: %d tasks ran, %d are counted, want %d", turn, ran, n, want)
		}
	}
	if n := l.Stats().Panics; n != 7 {
		t.Errorf("%d panics are counted, want 7", n)
	}
}

func TestPanicsAreContained(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	var order []int
	hold := make(chan struct{})
	l.Post(func() { <-hold })
	for i := range 5 {
		l.Post(func() {
			order = append(order, i)
			if i%2 == 1 {
				panic(i)
			}
		})
	}
	close(hold)
	do(t, l, func() {})
	if fmt.Sprint(order) != "[0 1 2 3 4]" || l.Stats().Panics != 2 {
		t.Errorf("ran %v with %d panics counted; want all five, 2", order, l.Stats().Panics)
	}
	once := true
	l.Hook(contract.BeforePoll, func() {
		if once {
			once = false
			panic("hook")
		}
	})
	do(t, l, func() {})
	do(t, l, func() {})
	if n := l.Stats().Panics; n != 3 {
		t.Errorf("%d panics counted, want 3", n)
	}
}

// TaskShare is what a loop runs of its own tasks between two rounds of I/O.
func TestTaskShare(t *testing.T) {
	const share, tasks = 10, 100
	s := start(t, Options{Class: Reactor, TaskShare: share})
	l := s.class.loop(0).Loop
	var first, last uint64
	ended := make(chan struct{})
	do(t, l, func() {
		for i := range tasks {
			_ = l.Post(func() {
				switch i {
				case 0:
					first = l.stats.turns.load()
				case tasks - 1:
					last = l.stats.turns.load()
					close(ended)
				}
			})
		}
	})
	await(t, "the tasks", ended)
	if turns := last - first + 1; turns != tasks/share {
		t.Errorf("%d tasks took %d turns, want %d", tasks, turns, tasks/share)
	}
}
