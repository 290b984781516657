package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

var (
	_ contract.Loop   = (*Loop)(nil)
	_ contract.Hooker = (*Loop)(nil)
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// within is how long a test waits for what must happen.
const within = 10 * time.Second

// await waits for a channel to be closed or to give a value.
func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(within):
		t.Fatalf("waited %v in vain for %s", within, what)
	}
	return v
}

// runLoop runs a loop on a goroutine of its own until the test's end.
func runLoop(t testing.TB, o LoopOptions) *Loop {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet()
	}
	l, err := NewLoop(o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := await(t, "Run to return", ended); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	return l
}

// do runs f on the loop's thread and waits for it.
func do(t testing.TB, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := l.Post(func() { defer close(done); f() }); err != nil {
		t.Fatal(err)
	}
	await(t, "a task", done)
}

// eachKind runs a test with every poller and every waker.
func eachKind(t *testing.T, f func(t *testing.T, o LoopOptions)) {
	for _, p := range poll.Kinds {
		for _, w := range Wakeups {
			t.Run(p+"/"+w, func(t *testing.T) { f(t, LoopOptions{Poller: p, Wakeup: w}) })
		}
	}
}

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

// TestPostRacesWithSleep posts to a loop at the moment when it goes to sleep,
// over and over: nothing else would wake it.
func TestPostRacesWithSleep(t *testing.T) {
	eachKind(t, func(t *testing.T, o LoopOptions) {
		l := runLoop(t, o)
		about := make(chan struct{}, 1)
		remove, err := l.Hook(contract.BeforePoll, func() {
			select {
			case about <- struct{}{}:
			default:
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer remove()
		l.Wake() // it may have been asleep before it had the hook
		for range 1000 {
			await(t, "the loop to pass before-poll", about)
			ran := make(chan struct{})
			l.Post(func() { close(ran) })
			await(t, "a task posted while the loop fell asleep", ran)
		}
	})
}

func TestFloodOfPostsIsCoalesced(t *testing.T) {
	for _, w := range Wakeups {
		t.Run(w, func(t *testing.T) {
			l := runLoop(t, LoopOptions{Wakeup: w})
			const posts = 100_000
			hold, held := make(chan struct{}), make(chan struct{})
			l.Post(func() { close(held); <-hold })
			await(t, "the loop to be busy", held)
			before := l.Stats()
			ran := 0
			for range posts {
				l.Post(func() { ran++ })
			}
			if n := l.Stats().Wakes - before.Wakes; n != 0 {
				t.Errorf("%d writes for posts to a loop that is awake, want none", n)
			}
			close(hold)
			do(t, l, func() {
				if ran != posts {
					t.Errorf("%d of %d tasks ran before a later one", ran, posts)
				}
			})
			after := l.Stats()
			if got := after.Coalesced - before.Coalesced; got < posts {
				t.Errorf("%d posts counted as coalesced, want %d", got, posts)
			}
		})
	}
}

// TestWakerThatIsFull wakes without anyone draining: it neither blocks nor
// fails, and the wakeup is still there afterwards.
func TestWakerThatIsFull(t *testing.T) {
	for _, kind := range Wakeups {
		t.Run(kind, func(t *testing.T) {
			w, err := NewWaker(kind)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			p, err := poll.New("poll")
			if err != nil {
				t.Fatal(err)
			}
			p.Add(w.FD(), 1, poll.Readable)
			var events [1]poll.Event
			if n, _ := p.Wait(events[:], 0); n != 0 {
				t.Fatal("readable before any Wake")
			}
			for i := range 100_000 {
				if err := w.Wake(); err != nil {
					t.Fatalf("Wake %d: %v", i, err)
				}
			}
			for range 3 {
				if n, _ := p.Wait(events[:], 0); n != 1 {
					t.Fatal("not readable after 100,000 Wakes")
				}
				if err := w.Drain(); err != nil {
					t.Fatal(err)
				}
				if n, _ := p.Wait(events[:], 0); n != 0 {
					t.Fatal("readable after Drain: the loop would spin")
				}
				if err := w.Wake(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// foreignWaker is a waker that this package knows nothing of: a file in a
// terminal-less fifo, made with os.
type foreignWaker struct {
	r, w  *os.File
	fd    int
	wakes atomic.Int64
}

func newForeignWaker(t *testing.T) *foreignWaker {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	f := &foreignWaker{r: r, w: w}
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { f.fd = int(fd) })
	return f
}

func (f *foreignWaker) FD() int { return f.fd }
func (f *foreignWaker) Wake() error {
	f.wakes.Add(1)
	_, err := f.w.Write([]byte("wake"))
	return err
}
func (f *foreignWaker) Drain() error {
	var b [64]byte
	_, err := poll.Read(f.fd, b[:])
	if err != 0 {
		return err
	}
	return nil
}
func (f *foreignWaker) Close() error { return errors.Join(f.r.Close(), f.w.Close()) }
func (f *foreignWaker) Name() string { return "foreign" }

func TestForeignWaker(t *testing.T) {
	for _, p := range poll.Kinds {
		t.Run(p, func(t *testing.T) {
			w := newForeignWaker(t)
			l := runLoop(t, LoopOptions{Poller: p, Waker: w})
			for range 200 {
				do(t, l, func() {})
			}
			if n := w.wakes.Load(); n == 0 || uint64(n) != l.Stats().Wakes {
				t.Errorf("the foreign waker was written %d times, the loop counted %d", n, l.Stats().Wakes)
			}
		})
	}
}

func TestWakeMakesASleepingPollReturn(t *testing.T) {
	eachKind(t, func(t *testing.T, o LoopOptions) {
		l := runLoop(t, o)
		turned := make(chan struct{}, 1)
		l.Hook(contract.AfterPoll, func() {
			select {
			case turned <- struct{}{}:
			default:
			}
		})
		for range 50 {
			select { // forget the turns so far
			case <-turned:
			default:
			}
			if err := l.Wake(); err != nil {
				t.Fatal(err)
			}
			await(t, "a turn after Wake", turned)
		}
	})
}

func TestIdleLoopSleeps(t *testing.T) {
	eachKind(t, func(t *testing.T, o LoopOptions) {
		l := runLoop(t, o)
		do(t, l, func() {})
		fired := make(chan struct{})
		before := l.Stats().Turns
		l.After(100*time.Millisecond, func() { close(fired) })
		await(t, "the timer", fired)
		if n := l.Stats().Turns - before; n > 10 {
			t.Errorf("%d turns while idle for 100 ms, want a few", n)
		}
	})
}

func TestStop(t *testing.T) {
	t.Run("before Run", func(t *testing.T) {
		l, err := NewLoop(LoopOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ran := false
		l.Post(func() { ran = true })
		l.Stop()
		l.Stop()
		if err := l.Run(); err != nil || !ran {
			t.Errorf("Run: %v, the task posted before ran: %v; want nil, true", err, ran)
		}
		if err := l.Run(); !errors.Is(err, contract.ErrStopped) {
			t.Errorf("a second Run: %v, want ErrStopped", err)
		}
	})
	t.Run("runs what was posted before, refuses what comes after", func(t *testing.T) {
		eachKind(t, func(t *testing.T, o LoopOptions) {
			l, err := NewLoop(o)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- l.Run() }()
			var ran atomic.Int64
			var accepted int64
			for i := range 5000 {
				if i == 4000 {
					l.Stop()
				}
				switch err := l.Post(func() { ran.Add(1) }); {
				case err == nil:
					accepted++
				case !errors.Is(err, contract.ErrStopped) || i < 4000:
					t.Fatalf("post %d: %v", i, err)
				}
			}
			if err := await(t, "Run to return", ended); err != nil {
				t.Error(err)
			}
			if ran.Load() != accepted {
				t.Errorf("%d tasks accepted, %d ran", accepted, ran.Load())
			}
			_, errAfter := l.After(0, func() {})
			_, errEvery := l.Every(1, func() {})
			_, errHook := l.Hook(contract.AfterIO, func() {})
			for what, err := range map[string]error{"Post": l.Post(func() {}), "Wake": l.Wake(), "After": errAfter, "Every": errEvery, "Hook": errHook} {
				if !errors.Is(err, contract.ErrStopped) {
					t.Errorf("%s after the end: %v, want ErrStopped", what, err)
				}
			}
		})
	})
	t.Run("a chain of tasks does not go on for ever", func(t *testing.T) {
		l := runLoop(t, LoopOptions{})
		var chain func()
		chain = func() { l.Post(chain) }
		do(t, l, chain)
	})
	t.Run("Close releases a loop that never ran", func(t *testing.T) {
		before := openFiles(t)
		for range 10 {
			l, err := NewLoop(LoopOptions{Wakeup: "pipe"})
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
		if after := openFiles(t); after > before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
	t.Run("with posters and wakers all around", func(t *testing.T) {
		for range 200 {
			l, err := NewLoop(LoopOptions{Log: slog.New(failOnLog{slog.DiscardHandler, t})})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- l.Run() }()
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					for l.Post(func() {}) == nil && l.Wake() == nil {
					}
				})
			}
			do(t, l, func() {})
			l.Stop()
			await(t, "Run to return", ended)
			all.Wait()
		}
	})
}

// failOnLog fails a test in which the loop has something to complain about, such
// as a write to a closed waker.
type failOnLog struct {
	slog.Handler
	t *testing.T
}

func (failOnLog) Enabled(_ context.Context, _ slog.Level) bool { return true }
func (f failOnLog) Handle(_ context.Context, r slog.Record) error {
	f.t.Errorf("logged %s", r.Message)
	return nil
}

func openFiles(t testing.TB) int {
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

func TestOptionsOutOfRange(t *testing.T) {
	before := openFiles(t)
	for _, x := range []struct {
		o    LoopOptions
		want []string
	}{
		{LoopOptions{Poller: "kqueue"}, []string{"Poller", "kqueue", "epoll, epollet, poll, select"}},
		{LoopOptions{Wakeup: "signal"}, []string{"Wakeup", "signal", "eventfd, pipe, socketpair"}},
		{LoopOptions{TaskShare: -1}, []string{"TaskShare", "-1", "1,000,000"}},
		{LoopOptions{TaskShare: 2_000_000}, []string{"TaskShare"}},
		{LoopOptions{Index: -1}, []string{"Index", "-1"}},
	} {
		_, err := NewLoop(x.o)
		if err == nil {
			t.Errorf("%+v accepted", x.o)
			continue
		}
		for _, w := range x.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %q", err, w)
			}
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after constructors that failed", before, after)
	}
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

func TestHooksRunInTheOrderOfATurn(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	var passed []contract.Position
	var removes []func()
	do(t, l, func() {
		for _, at := range contract.Positions {
			remove, err := l.Hook(at, func() { passed = append(passed, at) })
			if err != nil {
				t.Fatal(err)
			}
			removes = append(removes, remove)
		}
		l.Wake()
	})
	do(t, l, func() {})
	var seen []contract.Position
	do(t, l, func() { seen = append(seen, passed...) })
	if len(seen) < 6 || seen[0] != contract.AfterTimers {
		t.Fatalf("passed %v; want after-timers of the turn that hooked, then whole turns", seen)
	}
	for i, at := range seen[1:] {
		if want := contract.Positions[i%4]; at != want {
			t.Fatalf("passed %v: number %d is not %s", seen, i+1, want)
		}
	}
	do(t, l, func() {
		for _, remove := range removes {
			remove()
			remove()
		}
		passed = nil
		l.Wake()
	})
	do(t, l, func() {})
	do(t, l, func() {
		if len(passed) != 0 {
			t.Errorf("passed %v after they were removed", passed)
		}
	})
	if _, err := l.Hook("before-lunch", func() {}); err == nil {
		t.Error("an unknown position was accepted")
	}
}

func TestHookRemovedByAnotherOfTheSamePass(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	ran := false
	var second func()
	do(t, l, func() {
		l.Hook(contract.BeforePoll, func() { second() })
		second, _ = l.Hook(contract.BeforePoll, func() { ran = true })
	})
	do(t, l, func() {
		if ran {
			t.Error("a hook started after it was removed on the loop's thread")
		}
	})
}

func TestTimersFromOtherThreads(t *testing.T) {
	eachKind(t, func(t *testing.T, o LoopOptions) {
		l := runLoop(t, o)
		do(t, l, func() {}) // and now it sleeps for ever
		for range 20 {
			fired := make(chan time.Time, 1)
			start := time.Now()
			if _, err := l.After(2*time.Millisecond, func() { fired <- time.Now() }); err != nil {
				t.Fatal(err)
			}
			if took := await(t, "a timer set by another thread", fired).Sub(start); took < 2*time.Millisecond {
				t.Errorf("fired after %v, want 2ms or more", took)
			}
		}
		far, _ := l.After(time.Hour, func() {})
		near := make(chan struct{})
		tm, _ := l.After(time.Hour, func() { close(near) })
		do(t, l, func() {})
		if !tm.Reset(time.Millisecond) {
			t.Error("Reset of a pending timer reported false")
		}
		await(t, "a timer reset by another thread", near)
		if !far.Cancel() || far.Cancel() {
			t.Error("Cancel must report true once")
		}
		if n := l.Stats().Timers; n != 0 {
			t.Errorf("%d timers pending, want 0", n)
		}
	})
}
