package reference

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/contract"
)

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
