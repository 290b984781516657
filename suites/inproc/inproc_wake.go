package inproc

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

var wakes = []check{
	{"WAKE-2", promptTask},
	{"WAKE-3", racesAreWon},
	{"WAKE-4", crossedWakeups},
	{"WAKE-6", fullWakeup},
}

const lostWakeup = "nothing woke the loop: the post came between its last look at the queue and its sleep, or did not write to the wakeup descriptor"

// promptTask posts a task to a loop that sleeps, eight times: it must run within 0.5 s.
func promptTask(b *bench) {
	for range 8 {
		b.Pause(asleep)
		done := make(chan struct{})
		watch := b.Clock()
		b.post(func() { close(done) })
		b.await(done, b.Await(), "a task posted to a sleeping loop", "the post did not wake the loop")
		b.inTime("a task posted to a sleeping loop", watch.Elapsed(), prompt, "the post did not wake the loop")
	}
}

// The races of a run, and of a soak.
const (
	races     = 20_000
	soakRaces = 1_000_000
)

// racesAreWon posts each task a moment after the one before it ran, just when the loop is on its
// way to sleep, 20,000 times: each must run.
func racesAreWon(b *bench) {
	n := races
	if b.vantage.Soak {
		n = soakRaces
	}
	ran := make(chan struct{}, 1)
	task := func() { ran <- struct{}{} }
	for i := range n {
		b.post(task)
		select {
		case <-ran:
		case <-b.Context().Done():
			b.Pause(0)
		case <-time.After(glance):
			b.overdue(ran, i)
		}
		// Drawn anew each time, since every loop has another moment.
		spin(b.Rand.IntN(4000))
	}
	b.Note("%d races, 0 lost", n) // the first that is lost ends the check
}

// overdue waits for a task that did not run at once.
func (b *bench) overdue(ran <-chan struct{}, race int) {
	var got struct{}
	watch := b.Clock()
	if _, held := b.Holds(b.Await(), func() bool {
		select {
		case got = <-ran:
			return true
		default:
			return false
		}
	}); held {
		return
	}
	_ = got
	_ = b.loop.Wake()
	after := "and not even Wake made it run"
	select {
	case <-ran:
		after = "and it ran once Wake was called"
	case <-time.After(prompt):
	}
	b.Failf(session.Late, fmt.Sprintf("the task of race %d did not run within %v", race+1, watch.Elapsed().Round(time.Millisecond)),
		"every task runs", "silence, "+after, lostWakeup)
}

var spun atomic.Int64

// spin passes some nanoseconds without the scheduler.
func spin(rounds int) {
	for range rounds {
		spun.Load()
	}
}

// crossedWakeups has eight threads post a few tasks at once, in 600 rounds that end in silence: all
// tasks of each round must run.
func crossedWakeups(b *bench) {
	const producers, rounds = 8, 600
	for round := range rounds {
		each := 1 + b.Rand.IntN(8) // a round ends while the loop is on its way to sleep, again and again
		var ran atomic.Int64
		done := make(chan struct{})
		task := func() {
			if ran.Add(1) == int64(producers*each) {
				close(done)
			}
		}
		var posting sync.WaitGroup
		start := make(chan struct{})
		var failed atomic.Value
		for range producers {
			posting.Go(func() {
				<-start
				for range each {
					if err := b.loop.Post(task); err != nil {
						failed.Store(err.Error())
					}
				}
			})
		}
		close(start)
		posting.Wait()
		if reason := failed.Load(); reason != nil {
			b.Failf(session.Wrong, "Post to a running loop reported an error", "nil", fmt.Sprint(reason), "")
		}
		if !b.comes(done, b.Await()) {
			b.Failf(session.Late, fmt.Sprintf("of %d tasks that %d threads posted at once in round %d, %d ran", producers*each, producers, round+1, ran.Load()),
				fmt.Sprint(producers*each, " tasks"), fmt.Sprint(ran.Load(), " tasks, then silence"), lostWakeup)
		}
	}
}

// fullWakeup has a task post 200,000 tasks, more than a wakeup descriptor takes writes: no post may
// fail, and all tasks must run.
func fullWakeup(b *bench) {
	const n = 200_000 // a pipe takes 65,536 writes, a socketpair 278
	ran := 0
	var err error
	done := make(chan struct{})
	task := func() {
		if ran++; ran == n {
			close(done)
		}
	}
	b.post(func() {
		for range n {
			if e := b.loop.Post(task); e != nil {
				err = e
				close(done)
				return
			}
		}
	})
	b.await(done, 2*b.patience(), fmt.Sprintf("the end of %d tasks that one task posted", n), "a post waits for room in the wakeup descriptor, which only the loop could make")
	if err != nil {
		b.Failf(session.Wrong, "a post from a task reported an error", "nil", err.Error(), "the wakeup descriptor is full: EAGAIN means that the loop is woken already")
	}
}
