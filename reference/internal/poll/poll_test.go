package poll

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// eachKind runs a test with every poller.
func eachKind(t *testing.T, f func(t *testing.T, p Poller)) {
	for _, kind := range Kinds {
		t.Run(kind, func(t *testing.T) {
			p, err := New(kind)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if p.Name() != kind {
				t.Errorf("Name is %q, want %q", p.Name(), kind)
			}
			f(t, p)
		})
	}
}

// pair is a connected pair of sockets, closed at the test's end.
func pair(t *testing.T) (a, b int) {
	t.Helper()
	a, b, err := SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(a); unix.Close(b) })
	return a, b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ready waits and returns what is ready, sorted by token.
func ready(t *testing.T, p Poller, timeout time.Duration) []Event {
	t.Helper()
	var events [8]Event
	n, err := p.Wait(events[:], timeout)
	must(t, err)
	slices.SortFunc(events[:n], func(a, b Event) int { return int(a.Token) - int(b.Token) })
	return events[:n]
}

// undisturbed keeps signals from the test's thread until the test ends: one ends a wait before its
// time, as it may, and the runtime sends them to threads that it wants to take turns.
func undisturbed(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	must(t, unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before))
	t.Cleanup(func() {
		must(t, unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil))
		runtime.UnlockOSThread()
	})
}

func TestReadiness(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		a, b := pair(t)
		must(t, p.Add(a, 1<<40|1, Readable))
		if got := ready(t, p, 0); len(got) != 0 {
			t.Fatalf("ready before anything came: %v", got)
		}
		Write(b, []byte("x"))
		want := []Event{{1<<40 | 1, Readable}}
		if got := ready(t, p, Forever); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		again := ready(t, p, 0)
		if p.EdgeTriggered() != (len(again) == 0) {
			t.Fatalf("edge-triggered is %v, but a second wait gave %v", p.EdgeTriggered(), again)
		}
		// A change of interest reports anew what is ready, with the new token.
		must(t, p.Modify(a, 7, Readable|Writable))
		if got, want := ready(t, p, 0), []Event{{7, Readable | Writable}}; !slices.Equal(got, want) {
			t.Fatalf("after Modify: got %v, want %v", got, want)
		}
		must(t, p.Modify(a, 7, 0))
		if got := ready(t, p, 0); len(got) != 0 {
			t.Fatalf("ready without an interest: %v", got)
		}
		must(t, p.Modify(a, 8, Readable))
		if got, want := ready(t, p, 0), []Event{{8, Readable}}; !slices.Equal(got, want) {
			t.Fatalf("paused and resumed: got %v, want %v", got, want) // muduo #275
		}
		must(t, p.Remove(a))
		if got := ready(t, p, 0); len(got) != 0 {
			t.Fatalf("ready after Remove: %v", got)
		}
	})
}

func TestFINIsReadable(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		a, b := pair(t)
		must(t, p.Add(a, 1, Readable))
		Write(b, []byte("last words"))
		unix.Shutdown(b, unix.SHUT_WR)
		if got := ready(t, p, 0); len(got) != 1 || got[0].Events&Readable == 0 {
			t.Fatalf("got %v, want readable", got)
		}
		var buf [64]byte
		if n, errno := Read(a, buf[:]); n != 10 || errno != 0 {
			t.Fatalf("read %d, %v: bytes before a FIN must be there", n, errno)
		}
		if n, errno := Read(a, buf[:]); n != 0 || errno != 0 {
			t.Fatalf("read %d, %v, want the end of input", n, errno)
		}
	})
}

func TestManyDescriptorsAllGetTheirTurn(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		const n = 40 // more than one Wait of 8 events can report
		want := map[uint64]bool{}
		for i := range n {
			a, b := pair(t)
			must(t, p.Add(a, uint64(i+1), Readable))
			Write(b, []byte("x"))
			want[uint64(i+1)] = true
		}
		for range 2 * n / 8 { // nothing is read: the ready ones stay ready
			for _, ev := range ready(t, p, 0) {
				delete(want, ev.Token)
			}
		}
		if len(want) != 0 {
			t.Errorf("%d of %d ready descriptors were never reported: they starve", len(want), n)
		}
	})
}

func TestRemoveInAnyOrder(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		var fds []int
		for i := range 6 {
			a, b := pair(t)
			must(t, p.Add(a, uint64(i), Readable))
			Write(b, []byte("x"))
			fds = append(fds, a)
		}
		for _, i := range []int{0, 5, 2} {
			must(t, p.Remove(fds[i]))
		}
		var tokens []uint64
		for _, ev := range ready(t, p, 0) {
			tokens = append(tokens, ev.Token)
		}
		if !slices.Equal(tokens, []uint64{1, 3, 4}) {
			t.Errorf("ready are %v, want 1, 3 and 4", tokens)
		}
		must(t, p.Add(fds[2], 9, Readable))
		for _, i := range []int{1, 3, 4} {
			must(t, p.Remove(fds[i]))
		}
		if got := ready(t, p, 0); len(got) != 1 || got[0].Token != 9 {
			t.Errorf("ready are %v, want 9", got)
		}
	})
}

func TestMisuseIsAnError(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		a, _ := pair(t)
		for what, err := range map[string]error{
			"Add of -1":            p.Add(-1, 1, Readable),
			"Modify of an unknown": p.Modify(a, 1, Readable),
			"Remove of an unknown": p.Remove(a),
			"Modify beyond all":    p.Modify(1<<20, 1, Readable),
			"Remove of a negative": p.Remove(-1),
		} {
			if err == nil {
				t.Errorf("%s reported no error", what)
			}
		}
		must(t, p.Add(a, 1, Readable))
		if err := p.Add(a, 1, Readable); err == nil {
			t.Error("a second Add reported no error")
		}
	})
	if _, err := New("kqueue"); err == nil {
		t.Error("New of an unknown kind reported no error")
	}
}

// Descriptor 0 is one like others, and no number is registered until it is added, be it
// the last that a poller has room for or the first that it has not.
func TestNumbersAtTheEdge(t *testing.T) {
	for _, kind := range []string{"poll", "select"} { // epoll takes what standard input is, or not
		p, err := New(kind)
		must(t, err)
		if p.Remove(0) == nil || p.Modify(0, 1, Readable) == nil {
			t.Errorf("%s: descriptor 0 is registered before Add", kind)
		}
		must(t, p.Add(0, 1, Readable))
		for fd := 1; fd <= 2048; fd++ {
			if p.Remove(fd) == nil || p.Modify(fd, 1, Readable) == nil {
				t.Fatalf("%s: descriptor %d is registered beside 0", kind, fd)
			}
		}
		must(t, p.Modify(0, 1, 0))
		must(t, p.Remove(0))
		for fd := range 1024 {
			must(t, p.Add(fd, 1, 0))
			must(t, p.Remove(fd))
		}
	}
}

// A hangup and a fault are told even to whom asks for nothing; select alone has no word for them.
func TestHangupAndFaultAreAlwaysTold(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		if p.Name() == "select" {
			t.Skip("no word for them")
		}
		a, b := pair(t)
		must(t, p.Add(a, 1, 0))
		if got := ready(t, p, 0); len(got) != 0 {
			t.Fatalf("ready before anything came: %v", got)
		}
		must(t, unix.Shutdown(b, unix.SHUT_RDWR))
		if got, want := ready(t, p, 0), []Event{{1, Hangup}}; !slices.Equal(got, want) {
			t.Errorf("both directions are shut: got %v, want %v", got, want)
		}
		c, d, err := SocketPair()
		must(t, err)
		defer unix.Close(c)
		must(t, p.Add(c, 2, 0))
		Write(c, []byte("never read")) // so that the peer's end is a reset
		unix.Close(d)
		must(t, p.Remove(a))
		if got, want := ready(t, p, 0), []Event{{2, Fault | Hangup}}; !slices.Equal(got, want) {
			t.Errorf("reset: got %v, want %v", got, want)
		}
	})
}

func TestTimeoutIsRoundedUp(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		undisturbed(t)
		for _, timeout := range []time.Duration{1, time.Microsecond, 1500 * time.Microsecond, 3 * time.Millisecond} {
			start := time.Now()
			if got := ready(t, p, timeout); len(got) != 0 {
				t.Fatalf("ready: %v", got)
			}
			if took := time.Since(start); took < timeout {
				t.Errorf("waited %v of %v: a timer would be early, or the loop busy", took, timeout)
			}
		}
	})
	for timeout, want := range map[time.Duration]int{
		-1: -1, -time.Hour: -1, 0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2,
		30 * 24 * time.Hour: 86_400_000, 1<<63 - 1: 86_400_000,
	} {
		if got := milliseconds(timeout); got != want {
			t.Errorf("milliseconds(%v) is %d, want %d", timeout, got, want)
		}
	}
}

func TestWaitForever(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		undisturbed(t)
		a, b := pair(t)
		must(t, p.Add(a, 1, Readable))
		time.AfterFunc(30*time.Millisecond, func() { Write(b, []byte("x")) })
		if got := ready(t, p, Forever); len(got) == 0 {
			t.Error("a wait without a timeout ended before anything came")
		}
	})
}

// TestSignalEndsWait sends this thread a signal while it waits: Wait returns
// without events and without an error, so that the timeout is computed anew.
func TestSignalEndsWait(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		a, _ := pair(t)
		must(t, p.Add(a, 1, Readable)) // of which nothing is told
		done := make(chan error, 1)
		tid := make(chan int, 1)
		go func() {
			tid <- ThreadID()
			var events [1]Event
			n, err := p.Wait(events[:], 30*time.Second)
			if n != 0 {
				err = errors.New("events after a signal")
			}
			done <- err
		}()
		id := <-tid
		for {
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				return
			default:
				unix.Tgkill(os.Getpid(), id, syscall.SIGURG) // the runtime's own, harmless; again until it hits the wait
				time.Sleep(time.Millisecond)
			}
		}
	})
}

func TestSelectRefusesWhatDoesNotFit(t *testing.T) {
	a, b := pair(t)
	high, err := unix.FcntlInt(uintptr(a), unix.F_DUPFD_CLOEXEC, 1024)
	if err != nil {
		t.Skipf("no descriptor number above 1024 to be had: %v", err)
	}
	defer unix.Close(high)
	p, _ := New("select")
	must(t, p.Add(a, 1, Readable))
	err = p.Add(high, 2, Readable)
	var limit *LimitError
	if !errors.As(err, &limit) || limit.FD != high || limit.Limit != 1024 {
		t.Fatalf("Add(%d) reported %v, want a LimitError", high, err)
	}
	if p.Remove(high) == nil || p.Modify(high, 1, Readable) == nil {
		t.Error("a descriptor that was refused is registered")
	}
	Write(b, []byte("x"))
	if got := ready(t, p, 0); len(got) != 1 || got[0].Token != 1 {
		t.Errorf("ready are %v, want the first", got)
	}
	for _, kind := range []string{"epoll", "poll"} {
		p, _ := New(kind)
		defer p.Close()
		must(t, p.Add(high, 1, Readable))
		if got := ready(t, p, 0); len(got) != 1 {
			t.Errorf("%s: a high descriptor is not reported", kind)
		}
	}
}

func TestWaitDoesNotAllocate(t *testing.T) {
	eachKind(t, func(t *testing.T, p Poller) {
		a, b := pair(t)
		must(t, p.Add(a, 1, Readable))
		var events [8]Event
		var buf [8]byte
		if n := testing.AllocsPerRun(100, func() {
			Write(b, buf[:1])
			p.Wait(events[:], time.Second)
			Read(a, buf[:])
		}); n != 0 {
			t.Errorf("%v allocations a turn, want none", n)
		}
	})
}

func TestClosedBeforeRemoveIsReported(t *testing.T) {
	a, b, err := SocketPair()
	must(t, err)
	defer unix.Close(b)
	p, _ := New("poll")
	must(t, p.Add(a, 1, Readable))
	unix.Close(a)
	if got := ready(t, p, 0); len(got) != 1 || got[0].Events&Fault == 0 {
		t.Errorf("got %v, want a fault for a closed descriptor", got)
	}
}

func TestDescriptorsAreCloseOnExec(t *testing.T) {
	var fds []int
	e, err := EventFD()
	must(t, err)
	r, w, err := Pipe()
	must(t, err)
	a, b := pair(t)
	ep, err := newEpoll(false)
	must(t, err)
	defer ep.Close()
	fds = append(fds, e, r, w, a, b, ep.(*epoll).fd)
	for _, fd := range fds {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d is inherited by children (%v)", fd, err)
		}
	}
	unix.Close(e)
	unix.Close(r)
	unix.Close(w)
}

func TestEventsString(t *testing.T) {
	for ev, want := range map[Events]string{0: "none", Readable: "readable", Readable | Writable | Fault | Hangup: "readable+writable+fault+hangup"} {
		if got := ev.String(); got != want {
			t.Errorf("%#x prints as %q, want %q", uint32(ev), got, want)
		}
	}
}
