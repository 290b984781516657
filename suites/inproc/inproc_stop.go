package inproc

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/session"
)

// runsWhatWasPosted calls Stop while tasks wait, from inside one, and while threads post: what was
// accepted must run, and a later Post be refused with ErrStopped.
func runsWhatWasPosted(b *bench) {
	for _, n := range []int{1, 100, 20_000} {
		b.vantage.bench(b.Session).stopBehind(n)
		b.vantage.bench(b.Session).stopInside(n)
	}
	for range 100 {
		b.vantage.bench(b.Session).stopAmid(4)
	}
}

const leftBehind = "the loop leaves at Stop, and does not look at its queue again"

// stopBehind posts n tasks while one before them holds the loop, so that all of
// them wait when Stop is called.
func (b *bench) stopBehind(n int) {
	defer b.loop.Stop()
	begun, held := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	defer release()
	b.post(func() { close(begun); <-held })
	b.await(begun, b.patience(), "the first task", "the task was lost, or the loop hangs")
	var ran atomic.Int64
	for range n {
		b.post(func() { ran.Add(1) })
	}
	b.loop.Stop()
	release()
	b.ends()
	equal(b, fmt.Sprintf("of %d tasks that waited when Stop was called, those that ran", n), ran.Load(), int64(n), leftBehind)
	b.refuses()
}

// stopInside has a task post n tasks and stop its own loop.
func (b *bench) stopInside(n int) {
	defer b.loop.Stop()
	var ran, refused atomic.Int64
	b.post(func() {
		for range n {
			if b.loop.Post(func() { ran.Add(1) }) != nil {
				refused.Add(1)
			}
		}
		b.loop.Stop()
	})
	b.ends()
	equal(b, "posts that were refused before Stop", refused.Load(), 0, "")
	equal(b, fmt.Sprintf("of %d tasks that a task posted before it called Stop, those that ran", n), ran.Load(), int64(n), leftBehind)
	b.refuses()
}

// stopAmid has threads post, one of which calls Stop somewhere on its way. What is
// accepted meanwhile runs; the rest is refused.
func (b *bench) stopAmid(producers int) {
	const first, most = 1000, 50_000 // posts: Stop comes within the first, and nobody posts for ever to a loop that accepts for ever
	defer b.loop.Stop()
	var accepted, ran, odd atomic.Int64
	var posting sync.WaitGroup
	at := 1 + b.Rand.Int64N(first)
	b.flush() // a Stop before Run is another story
	for range producers {
		posting.Go(func() {
			for range most {
				if err := b.loop.Post(func() { ran.Add(1) }); err != nil {
					if !errors.Is(err, contract.ErrStopped) {
						odd.Add(1)
					}
					return
				}
				if accepted.Add(1) == at {
					b.loop.Stop()
				}
			}
		})
	}
	b.ends()
	posting.Wait()
	equal(b, "posts refused with another error than ErrStopped", odd.Load(), 0, "")
	equal(b, fmt.Sprintf("of %d tasks that were accepted while Stop was called, those that ran", accepted.Load()), ran.Load(), accepted.Load(),
		"the loop looks at its queue for the last time before it begins to refuse")
	b.refuses()
}

// refuses fails unless the loop, which has ended, refuses a post.
func (b *bench) refuses() {
	switch err := b.loop.Post(func() {}); {
	case err == nil:
		b.Failf(session.Wrong, "a Post after Run returned was accepted", contract.ErrStopped.Error(), "nil", "nobody is left to run the task, and its poster is not told")
	case !errors.Is(err, contract.ErrStopped):
		b.Failf(session.Wrong, "a Post after Run returned was refused with another error", contract.ErrStopped.Error(), err.Error(), "")
	}
}
