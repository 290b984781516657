package inproc

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/contract"
)

// ledger is the model of a task queue: what was accepted, in the order of each
// producer, and what ran.
type ledger struct {
	stopping atomic.Bool // Stop may have been called: refusing is legal

	mu       sync.Mutex
	accepted map[int][]int // by producer: serial numbers
	ran      map[int][]int
	faults   []string
}

func (g *ledger) fault(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note(format, args...)
}

// note is fault with the lock held.
func (g *ledger) note(format string, args ...any) {
	if len(g.faults) < 5 {
		g.faults = append(g.faults, fmt.Sprintf(format, args...))
	}
}

// post posts one task of a producer. It is called by one thread of that producer
// at a time, so its serial numbers are in the order of posting. inside runs with the task.
func (g *ledger) post(loop contract.Loop, producer, serial int, inside func()) {
	err := loop.Post(func() {
		if !loop.InLoop() {
			g.fault("task %d of producer %d ran where InLoop says false", serial, producer)
		}
		g.mu.Lock()
		g.ran[producer] = append(g.ran[producer], serial)
		g.mu.Unlock()
		if inside != nil {
			inside()
		}
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil:
		g.accepted[producer] = append(g.accepted[producer], serial)
	case errors.Is(err, contract.ErrStopped) && g.stopping.Load():
	default:
		g.note("Post reported %v", err)
	}
}

// count is how many tasks were accepted and how many ran.
func (g *ledger) count() (accepted, ran int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, list := range g.accepted {
		accepted += len(list)
	}
	for _, list := range g.ran {
		ran += len(list)
	}
	return accepted, ran
}

// differs says where exactly what was accepted did not run, in the order of
// each producer; nothing when all is well.
func (g *ledger) differs() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.faults) > 0 {
		return strings.Join(g.faults, "; ")
	}
	for producer, want := range g.accepted {
		got := g.ran[producer]
		for i := range max(len(got), len(want)) {
			switch {
			case i >= len(got):
				return fmt.Sprintf("of %d accepted tasks of producer %d, %d ran", len(want), producer, len(got))
			case i >= len(want):
				return fmt.Sprintf("task %d of producer %d ran, which was not accepted, or ran before", got[i], producer)
			case got[i] != want[i]:
				return fmt.Sprintf("producer %d posted task %d, but task %d ran in its place", producer, want[i], got[i])
			}
		}
	}
	for producer, got := range g.ran {
		if len(got) > 0 && len(g.accepted[producer]) == 0 {
			return fmt.Sprintf("tasks of producer %d ran, and none was accepted", producer)
		}
	}
	return ""
}

// nested are the producers that tasks are, from this number on.
const nested = 1000

// tasksModel is what Tasks says.
func tasksModel(t *rapid.T, l *running) {
	book := &ledger{accepted: map[int][]int{}, ran: map[int][]int{}}
	serial := 0    // of every task that a producer posts
	next := nested // producer number of the next task that posts
	var removes []func()
	quiet := func(t *rapid.T) {
		for deadline := time.Now().Add(l.patience); ; {
			var accepted, ran int
			var difference string
			l.on(func() { // on the loop's thread no task is between its acceptance and its entry
				accepted, ran = book.count()
				difference = book.differs()
			})
			switch {
			case difference == "":
				return
			case ran >= accepted || time.Now().After(deadline):
				t.Fatalf("at rest: %s", difference)
			}
		}
	}
	burst := func(t *rapid.T) func() {
		producers := rapid.IntRange(1, 5).Draw(t, "producers")
		each := rapid.IntRange(1, 60).Draw(t, "tasks of each")
		var posting sync.WaitGroup
		from := serial
		serial += each
		for producer := range producers {
			posting.Go(func() {
				for i := range each {
					book.post(l, producer, from+i, nil)
				}
			})
		}
		return posting.Wait
	}
	nest := func(t *rapid.T) {
		root, producer, width, depth := next, next+1, rapid.IntRange(1, 30).Draw(t, "width"), rapid.IntRange(1, 4).Draw(t, "depth")
		next += 2
		var level func(depth int) func()
		number := 0 // on the loop's thread, once the first one runs
		level = func(depth int) func() {
			if depth == 0 {
				return nil
			}
			return func() {
				_, before := book.count()
				for range width / depth {
					number++
					inner := level(depth - 1)
					if number > 200 {
						inner = nil
					}
					book.post(l, producer, number, inner)
				}
				if _, after := book.count(); after != before {
					book.fault("%d tasks ran inside the task that posted them", after-before)
				}
			}
		}
		book.post(l, root, 0, level(depth))
	}
	t.Repeat(map[string]func(*rapid.T){
		"burst": func(t *rapid.T) { burst(t)() },
		"burst beside a chain": func(t *rapid.T) {
			wait := burst(t)
			nest(t)
			wait()
		},
		"nest": nest,
		"wake": func(t *rapid.T) {
			if err := l.Wake(); err != nil {
				t.Fatalf("Wake of a running loop reported %v", err)
			}
		},
		"rest": quiet,
		"hook that posts": func(t *rapid.T) {
			hooker, ok := l.Loop.(contract.Hooker)
			if !ok || len(removes) > 3 {
				return // a skip would not do: to the fuzzer, too many of them are a failure
			}
			at := rapid.SampledFrom(contract.Positions).Draw(t, "at")
			producer, number, limit := next, 0, rapid.IntRange(1, 20).Draw(t, "posts")
			next++
			remove, err := hooker.Hook(at, func() {
				if number++; number <= limit {
					book.post(l, producer, number, nil)
				}
			})
			if err != nil {
				t.Fatalf("Hook at %s reported %v", at, err)
			}
			removes = append(removes, remove)
		},
		"unhook": func(t *rapid.T) {
			if len(removes) == 0 {
				return
			}
			remove := removes[len(removes)-1]
			removes = removes[:len(removes)-1]
			l.on(remove)
		},
	})
	if rapid.Bool().Draw(t, "rest before the stop") {
		quiet(t)
	}
	book.stopping.Store(true)
	wait := burst(t)
	nest(t)
	spin(rapid.IntRange(0, 20_000).Draw(t, "spin"))
	l.end()
	wait()
	book.post(l, nested-1, 0, nil)
	if difference := book.differs(); difference != "" {
		t.Fatalf("after the end: %s", difference)
	}
	if _, late := book.accepted[nested-1]; late {
		t.Fatalf("a Post after Run returned was accepted")
	}
}
