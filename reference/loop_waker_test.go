package reference

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
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

// Closing a waker closes all that it opened, each once; what could not be closed is told,
// whichever of the two it is, and the other is closed all the same.
func TestCloseOfWaker(t *testing.T) {
	before := descriptors(t)
	for _, kind := range Wakeups {
		w, err := NewWaker(kind)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	r, w, err := poll.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, half := range []fdWaker{{read: -1, write: w}, {read: r, write: -1}} {
		if err := half.Close(); !errors.Is(err, syscall.EBADF) {
			t.Errorf("%+v: Close reports %v", half, err)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// foreignWaker is a waker of a kind that this package does not have: a UDP socket
// connected to itself.
type foreignWaker struct {
	fd     int
	wakes  *atomic.Int64 // of all that were made together
	closed *atomic.Int64
}

func newForeignWaker(wakes, closed *atomic.Int64) (Waker, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	var self syscall.Sockaddr
	if err == nil {
		self, err = syscall.Getsockname(fd)
	}
	if err == nil {
		err = syscall.Connect(fd, self)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return &foreignWaker{fd, wakes, closed}, nil
}

func (f *foreignWaker) FD() int { return f.fd }

// Wake sends a datagram; one that finds no room is dropped, and FD is readable as it is.
func (f *foreignWaker) Wake() error {
	f.wakes.Add(1)
	_, err := syscall.Write(f.fd, []byte("wake"))
	return err
}

func (f *foreignWaker) Drain() error {
	var b [8]byte
	for {
		if _, err := syscall.Read(f.fd, b[:]); err == syscall.EAGAIN {
			return nil
		} else if err != nil {
			return os.NewSyscallError("read", err)
		}
	}
}

func (f *foreignWaker) Close() error {
	f.closed.Add(1)
	return syscall.Close(f.fd)
}
func (f *foreignWaker) Name() string { return "foreign" }

func TestForeignWaker(t *testing.T) {
	for _, p := range poll.Kinds {
		t.Run(p, func(t *testing.T) {
			var wakes, closed atomic.Int64
			w, err := newForeignWaker(&wakes, &closed)
			if err != nil {
				t.Fatal(err)
			}
			l := runLoop(t, LoopOptions{Poller: p, Waker: w})
			for range 200 {
				do(t, l, func() {})
			}
			if n := wakes.Load(); n == 0 || uint64(n) != l.Stats().Wakes {
				t.Errorf("the foreign waker was written %d times, the loop counted %d", n, l.Stats().Wakes)
			}
		})
	}
}

// A server hangs the wakers that Options.NewWaker makes on all of its loops, wakes them by
// no other way, and closes them.
func TestServerWithForeignWakers(t *testing.T) {
	for _, class := range []string{Reactor, MultiReactor} {
		for _, p := range poll.Kinds {
			t.Run(class+" "+p, func(t *testing.T) {
				var made, wakes, closed atomic.Int64
				s := start(t, Options{Class: class, Poller: p, NewWaker: func() (Waker, error) {
					made.Add(1)
					return newForeignWaker(&wakes, &closed)
				}})
				loops := int64(s.options.Loops)
				if class == MultiReactor {
					loops++ // the acceptor's
				}
				if n := made.Load(); n != loops {
					t.Errorf("%d wakers were made for %d loops", n, loops)
				}
				for range 8 {
					c := s.sign("ECHO")
					c.send("x")
					c.want("x")
				}
				l := s.class.loop(s.options.Loops - 1).Loop
				if name := l.waker.Name(); name != "foreign" {
					t.Errorf("the loop hangs on a waker of kind %s", name)
				}
				for range 50 {
					do(t, l, func() {})
				}
				if n := uint64(wakes.Load()); n == 0 || n < s.Stats().Wakes {
					t.Errorf("the wakers were written %d times, the serving loops counted %d", n, s.Stats().Wakes)
				}
				stop(t, s)
				if n := closed.Load(); n != loops {
					t.Errorf("%d of %d wakers were closed", n, loops)
				}
			})
		}
	}
}

// A start that fails closes what it has opened.
func TestFailedStartClosesAll(t *testing.T) {
	none := errors.New("no wakers today")
	taken := start(t, Options{}).addr.String()
	for _, x := range []struct {
		class  string
		fails  int64 // the waker that cannot be made; 0 if it is the address that is taken
		closed int64
	}{
		{Reactor, 1, 0}, {MultiReactor, 1, 0}, {MultiReactor, 2, 1},
		{MultiReactor, 3, 2}, // the acceptor's
		{Reactor, 0, 1}, {MultiReactor, 0, 3},
	} {
		t.Run(fmt.Sprint(x.class, " ", x.fails), func(t *testing.T) {
			before := descriptors(t)
			var wakes, closed, made atomic.Int64
			s, err := New(Options{Class: x.class, Log: quiet(), NewWaker: func() (Waker, error) {
				if made.Add(1) == x.fails {
					return nil, none
				}
				return newForeignWaker(&wakes, &closed)
			}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Start("tcp", taken)
			if err == nil || x.fails > 0 && (!errors.Is(err, none) || !strings.Contains(err.Error(), "NewWaker")) {
				t.Errorf("Start reports %v", err)
			}
			if n := closed.Load(); n != x.closed {
				t.Errorf("%d of %d wakers were closed", n, x.closed)
			}
			if n := descriptors(t); n != before {
				t.Errorf("%d descriptors before, %d after", before, n)
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
