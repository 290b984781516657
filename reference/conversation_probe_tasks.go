package reference

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// The verbs that try a loop's tasks: POST, CROSS, RACE, CHAIN, NEST, SHARED.

// The ranges of their arguments. They keep one request from filling the memory.
const (
	maxTasks     = 2_000_000
	maxChain     = 1 << 32
	maxProducers = 16
)

// post posts n tasks to a loop one by one from this connection's loop. The last one says
// on which thread it runs: that loop's own (TASK-3).
func (p *probing) post(id uint32, a *arguments) {
	l, n := a.loop(p), int(a.number(1, maxTasks))
	if !a.ok() {
		p.bad(id)
		return
	}
	p.begin()
	ran, misordered := 0, 0 // the target loop's
	for i := range n {
		err := l.Post(func() {
			if ran != i {
				misordered++
			}
			if ran++; ran == n {
				p.finish(id, probe.OK, fields("ran", ran, "loop", l.Index(), "tid", poll.ThreadID(), "misordered", misordered))
			}
		})
		if err != nil {
			p.answer(id, probe.Failed, nil) // the loop has ended, and not all of the tasks run
			return
		}
	}
}

// crossing is what the tasks of CROSS count, on the target loop's thread.
type crossing struct {
	next       [maxProducers]int
	ran        int
	misordered int
	late       time.Duration
	tids       map[int]struct{}
}

// cross has threads that are no loops post to a loop.
func (p *probing) cross(id uint32, a *arguments) {
	l, producers, n := a.loop(p), int(a.number(1, maxProducers)), int(a.number(1, maxTasks))
	if !a.ok() {
		p.bad(id)
		return
	}
	p.begin()
	count := &crossing{tids: map[int]struct{}{}}
	var failed atomic.Bool // a post did, and the request is answered
	before := l.Stats().Wakes
	for producer := range producers {
		p.c.Server().thread(func() {
			for i := range n {
				posted := time.Now()
				err := l.Post(func() {
					if count.run(producer, i, time.Since(posted)); count.ran == producers*n {
						p.finish(id, probe.OK, fields("ran", count.ran, "misordered", count.misordered, "tids", len(count.tids),
							"writes", l.Stats().Wakes-before, "late", count.late.Nanoseconds()))
					}
				})
				if err != nil {
					if !failed.Swap(true) {
						p.finish(id, probe.Failed, nil)
					}
					return
				}
			}
		})
	}
}

func (c *crossing) run(producer, i int, late time.Duration) {
	if c.next[producer] != i {
		c.misordered++
	}
	c.next[producer] = i + 1
	c.ran++
	c.late = max(c.late, late)
	c.tids[poll.ThreadID()] = struct{}{}
}

// race posts one task after the other, each at a moment when the loop is about
// to sleep: a hook tells when it passes the last position before the poll.
func (p *probing) race(id uint32, a *arguments) {
	l, n := a.loop(p), int(a.number(1, maxTasks))
	if !a.ok() {
		p.bad(id)
		return
	}
	p.begin()
	sleepy := newBell()
	remove, err := l.Hook(contract.BeforePoll, sleepy.ring)
	if err != nil {
		p.finish(id, probe.Failed, nil)
		return
	}
	p.c.Server().thread(func() {
		defer remove()
		ran := newBell()
		var late time.Duration
		for i := range n {
			posted := time.Now()
			if l.Post(func() {
				late = max(late, time.Since(posted))
				sleepy.silence() // the next poll is the one to race with
				ran.ring()
			}) != nil {
				p.finish(id, probe.Failed, nil)
				return
			}
			if !ran.await(&p.gone) || !sleepy.await(&p.gone) {
				return
			}
			spin(i % 64) // now here, now there in the window
		}
		p.finish(id, probe.OK, fields("ran", n, "late", late.Nanoseconds()))
	})
}

// bell tells a thread that something happened: it looks for a moment, and then
// sleeps until it is rung.
type bell struct {
	rung atomic.Bool
	wait chan struct{}
}

func newBell() *bell { return &bell{wait: make(chan struct{}, 1)} }

func (b *bell) ring() {
	if !b.rung.Swap(true) {
		select {
		case b.wait <- struct{}{}:
		default:
		}
	}
}

func (b *bell) silence() {
	b.rung.Store(false)
	select {
	case <-b.wait:
	default:
	}
}

// await returns when the bell has been rung, and silences it; false once gone.
func (b *bell) await(gone *atomic.Bool) bool {
	for range 2000 {
		if b.rung.Load() {
			b.silence()
			return true
		}
		spin(10)
	}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-b.wait:
			b.rung.Store(false)
			return true
		case <-look.C:
			if gone.Load() {
				return false
			}
		}
	}
}

// spin passes a little time, some nanoseconds a step, without the scheduler.
//
//go:noinline
func spin(steps int) {
	for range steps {
		spun.Add(1)
	}
}

var spun atomic.Uint64

// chain posts a task that posts the next.
func (p *probing) chain(id uint32, a *arguments) {
	l, n := a.loop(p), a.number(1, maxChain)
	if !a.ok() {
		p.bad(id)
		return
	}
	p.begin()
	var ran, first uint64
	var link func()
	link = func() {
		if ran++; ran == 1 {
			first = l.Stats().Turns
		}
		if ran == n || p.gone.Load() {
			p.finish(id, probe.OK, fields("ran", ran, "turns", l.Stats().Turns-first))
			return
		}
		if l.Post(link) != nil {
			p.finish(id, probe.Failed, nil)
		}
	}
	if l.Post(link) != nil {
		p.answer(id, probe.Failed, nil)
	}
}

// nest posts n tasks from one task, which waits for none of them.
func (p *probing) nest(id uint32, a *arguments) {
	l, n := a.loop(p), int(a.number(1, maxTasks))
	if !a.ok() {
		p.bad(id)
		return
	}
	p.begin()
	err := l.Post(func() {
		ran, inside := 0, 0
		posting := true
		for range n {
			err := l.Post(func() {
				if posting {
					inside++
				}
				if ran++; ran == n {
					p.finish(id, probe.OK, fields("ran", ran, "inside", inside))
				}
			})
			if err != nil {
				p.finish(id, probe.Failed, nil)
				return
			}
		}
		posting = false
	})
	if err != nil {
		p.answer(id, probe.Failed, nil)
	}
}

// sharedSet puts n tasks into the set that the loops share.
func (p *probing) sharedSet(id uint32, a *arguments) {
	n := int(a.number(1, maxTasks))
	if !a.ok() {
		p.bad(id)
		return
	}
	p.begin()
	set, all := p.c.Server().Shared(), p.c.Server().Loops()
	runs := make([]atomic.Int32, n)
	var ran, twice atomic.Int64
	var tids [maxLoops]atomic.Bool
	for i := range n {
		_ = set.Post(func() {
			tids[slices.IndexFunc(all, (*Loop).InLoop)].Store(true)
			if runs[i].Add(1) > 1 {
				twice.Add(1)
				return
			}
			if ran.Add(1) < int64(n) {
				return
			}
			loops := 0
			for i := range tids {
				if tids[i].Load() {
					loops++
				}
			}
			p.finish(id, probe.OK, fields("ran", n, "twice", twice.Load(), "loops", loops, "batch", set.GreatestBatch()))
		})
	}
}

// thread runs f on an OS thread of its own, which ends with it. Stop waits for it.
func (s *Server) thread(f func()) {
	s.threads.Go(func() {
		runtime.LockOSThread()
		f()
	})
}
