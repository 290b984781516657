package inproc

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/session"
)

var tasks = []check{
	{"TASK-1", exactlyOnce},
	{"TASK-2", inOrderOfPosting},
	{"TASK-3", onTheLoopsThread},
	{"TASK-4", manyProducers},
	{"TASK-5", chainsStarveNobody},
	{"TASK-6", notInsideThePost},
	{"TASK-7", nextTurn},
	{"TASK-8", hooksRunOnceATurn},
	{"TASK-9", hooksInOrder},
	{"TASK-14", runsWhatWasPosted},
}

// exactlyOnce posts 1 to 20,000 tasks and waits until the queue is empty: each must have run once.
func exactlyOnce(b *bench) {
	for _, n := range []int{1, 2, 100, 1025, 20_000} {
		times := make([]atomic.Int32, n)
		for i := range n {
			b.post(func() { times[i].Add(1) })
		}
		b.flush()
		b.flush()
		for i := range times {
			equal(b, fmt.Sprintf("runs of task %d of %d", i+1, n), times[i].Load(), 1, "")
		}
	}
}

// posted is what producers posted and the loop ran, in that order.
type posted struct {
	mu  sync.Mutex // a loop that keeps TASK-3 would need none
	ran [][2]int
}

// produce posts n tasks from each of some threads at once, waits for them, and
// returns what ran by then.
func (b *bench) produce(producers, n int) [][2]int {
	p := new(posted)
	var posting sync.WaitGroup
	start := make(chan struct{})
	for producer := range producers {
		posting.Go(func() {
			<-start
			for i := range n {
				_ = b.loop.Post(func() {
					p.mu.Lock()
					defer p.mu.Unlock()
					p.ran = append(p.ran, [2]int{producer, i})
				})
			}
		})
	}
	close(start)
	posting.Wait()
	b.flush()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ran)
}

// inOrderOfPosting has 1, 4 and 16 threads post 500 tasks each: no task may run before one that its
// thread posted earlier.
func inOrderOfPosting(b *bench) {
	for _, producers := range []int{1, 4, 16} {
		for range 3 {
			ran := b.produce(producers, 500)
			last := make([]int, producers)
			for _, one := range ran {
				if one[1] < last[one[0]] {
					b.Failf(session.Wrong, fmt.Sprintf("with %d producers, task %d of one ran after its task %d", producers, one[1]+1, last[one[0]]+1),
						"the order of posting", "another", "tasks pass each other in a second queue")
				}
				last[one[0]] = one[1]
			}
		}
	}
}

// onTheLoopsThread posts tasks from eight threads and sets a timer: in all of these InLoop must be
// true, outside false, and no two may run at the same time.
func onTheLoopsThread(b *bench) {
	var elsewhere, beside atomic.Int64
	var running atomic.Bool
	task := func() {
		if !running.CompareAndSwap(false, true) {
			beside.Add(1)
			return
		}
		if !b.loop.InLoop() {
			elsewhere.Add(1)
		}
		running.Store(false)
	}
	equal(b, "InLoop asked outside", b.loop.InLoop(), false, "")
	b.produceOnly(8, 200, task)
	fired := make(chan struct{})
	b.on(func() { _, _ = b.loop.After(time.Millisecond, func() { task(); close(fired) }) })
	b.await(fired, b.patience(), "a timer", "")
	b.flush()
	equal(b, "tasks that ran where InLoop says false", elsewhere.Load(), 0, "they run on the poster's thread, or on a pool's")
	equal(b, "tasks that ran beside another", beside.Load(), 0, "several threads run the loop's tasks")
	equal(b, "InLoop asked outside", b.loop.InLoop(), false, "")
}

// produceOnly posts the same task n times from each of some threads.
func (b *bench) produceOnly(producers, n int, task func()) {
	var posting sync.WaitGroup
	for range producers {
		posting.Go(func() {
			for range n {
				_ = b.loop.Post(task)
			}
		})
	}
	posting.Wait()
	b.flush()
}

// manyProducers has 16 threads post 2,000 tasks each, three times: all 32,000 must run.
func manyProducers(b *bench) {
	const producers, n = 16, 2000
	for range 3 {
		ran := b.produce(producers, n)
		equal(b, fmt.Sprintf("tasks run of those that %d threads posted", producers), len(ran), producers*n, "appends without a lock overwrite each other")
	}
}

// storm is how long a storm has to last so that starving shows beyond doubt.
const storm = 1500 * time.Millisecond

// chainsStarveNobody has tasks post each other for 1.5 s: the loop must go on making turns, one in
// 0.5 s at the least.
func chainsStarveNobody(b *bench) {
	count, stop := b.passes()
	var over atomic.Bool
	defer over.Store(true) // or a loop that starves would never end
	var link func()
	link = func() {
		if !over.Load() {
			_ = b.loop.Post(link)
		}
	}
	b.post(link)
	b.turnsDuring("a chain of tasks that post each other", count, "the loop runs tasks until none is left")
	over.Store(true)
	stop()
}

// turnsDuring watches that the loop keeps turning through a storm.
func (b *bench) turnsDuring(what string, count *atomic.Int64, why string) {
	watch := b.Clock()
	for watch.Elapsed() < storm {
		before := count.Load()
		if _, held := b.Holds(prompt, func() bool { return count.Load() > before }); !held {
			b.Failf(session.Late, fmt.Sprintf("during %s the loop made no turn for %v", what, prompt), "turns go on", "none", why)
		}
	}
}

// notInsideThePost has a task post 1 to 10,000 tasks: all must run, but none before that task has returned.
func notInsideThePost(b *bench) {
	for _, n := range []int{1, 100, 10_000} {
		var inside, ran atomic.Int64
		posting := true // on the loop's thread
		b.on(func() {
			for range n {
				_ = b.loop.Post(func() {
					ran.Add(1)
					if posting {
						inside.Add(1)
					}
				})
			}
			posting = false
		})
		b.flush()
		equal(b, fmt.Sprintf("of %d tasks that a task posted, those that ran before it was over", n), inside.Load(), 0, "Post runs the task at once when its caller is the loop")
		equal(b, "tasks that ran", ran.Load(), int64(n), "")
	}
}

// nextTurn runs a chain of 1,000 tasks that post each other: hooks must count at least 999 turns for it.
func nextTurn(b *bench) {
	if _, ok := b.loop.(contract.Hooker); !ok {
		b.Untested("turns are counted by hooks, which the loop does not offer")
	}
	const n = 1000
	count, stop := b.passes()
	done := make(chan struct{})
	left := n
	var first int64
	var link func()
	link = func() {
		if left == n {
			first = count.Load()
		}
		if left--; left == 0 {
			close(done)
			return
		}
		_ = b.loop.Post(link)
	}
	b.post(link)
	b.await(done, b.patience(), "the end of a chain", "")
	turns := count.Load() - first
	stop()
	if turns < n-1 {
		b.Failf(session.Wrong, fmt.Sprintf("a chain of %d tasks took %d turns", n, turns), fmt.Sprintf("%d turns or more", n-1), fmt.Sprint(turns),
			"tasks that a task posts run in the same turn")
	}
}

// hooked hooks every position, all within one task, to note its passes.
func (b *bench) hooked(note func(contract.Position)) (unhook func()) {
	hooker := b.loop.(contract.Hooker) // the feature hooks gates the clause
	var removes []func()
	var failed error
	b.on(func() {
		for _, at := range contract.Positions {
			remove, err := hooker.Hook(at, func() { note(at) })
			if err != nil {
				failed = fmt.Errorf("at %s: %w", at, err)
				return
			}
			removes = append(removes, remove)
		}
	})
	b.fine("Hook", failed)
	return func() {
		b.on(func() {
			for _, remove := range removes {
				remove()
			}
		})
	}
}

// hooksRunOnceATurn hooks every position, and wakes the loop and posts to it: all hooks must run
// equally often, and not once after they were removed.
func hooksRunOnceATurn(b *bench) {
	var counts [4]atomic.Int64
	unhook := b.hooked(func(at contract.Position) { counts[slices.Index(contract.Positions, at)].Add(1) })
	for range 30 { // a quiet turn, which nothing but a wakeup causes
		var before [4]int64
		for i := range counts {
			before[i] = counts[i].Load()
		}
		if err := b.loop.Wake(); err != nil {
			b.Failf(session.Wrong, "Wake of a running loop reported an error", "nil", err.Error(), "")
		}
		for i, at := range contract.Positions {
			b.Until(fmt.Sprintf("a turn that passes the hook at %s after Wake", at), b.Await(), func() bool { return counts[i].Load() > before[i] })
		}
		for range 10 {
			b.post(func() {})
		}
	}
	unhook()
	least, most := counts[0].Load(), counts[0].Load()
	for i := range counts {
		least, most = min(least, counts[i].Load()), max(most, counts[i].Load())
	}
	// The tasks that hook and unhook run in mid-turn, so each may cost a position one pass.
	if most-least > 2 {
		b.Failf(session.Wrong, fmt.Sprintf("hooks that were hooked together ran between %d and %d times", least, most), "equally often, once a turn", fmt.Sprint(most-least, " calls apart"), "")
	}
	total := counts[0].Load()
	for range 20 {
		_ = b.loop.Wake()
		b.flush()
	}
	equal(b, "calls of a hook after it was removed on the loop's thread", counts[0].Load()-total, 0, "")
}

// hooksInOrder hooks every position and wakes the loop 50 times: each turn must pass the positions
// in their order.
func hooksInOrder(b *bench) {
	var mu sync.Mutex
	var seen []contract.Position
	unhook := b.hooked(func(at contract.Position) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, at)
	})
	for range 50 {
		b.flush()
		_ = b.loop.Wake()
	}
	b.Pause(asleep)
	unhook()
	mu.Lock()
	defer mu.Unlock()
	// The turn in which hooking happened, and that of unhooking, may be partial.
	whole := slices.Index(seen, contract.BeforePoll)
	last := len(seen) - len(seen)%4
	if whole < 0 || last < 40 {
		b.Failf(session.Wrong, "hooks did not run", "a call at each position and turn", fmt.Sprint(len(seen), " calls"), "")
	}
	// Positions hooked in mid-turn: skip to the second before-poll.
	if next := slices.Index(seen[whole+1:], contract.BeforePoll); next >= 0 {
		whole += 1 + next
	}
	for i, at := range seen[whole:] {
		if want := contract.Positions[i%4]; at != want {
			from := max(0, whole+i-4)
			b.Failf(session.Wrong, fmt.Sprintf("a turn passed %s where %s was next", at, want), positions(contract.Positions),
				positions(seen[from:min(len(seen), whole+i+4)]), "")
		}
	}
}

func positions(list []contract.Position) string {
	words := make([]string, len(list))
	for i, at := range list {
		words[i] = string(at)
	}
	return strings.Join(words, " ")
}
