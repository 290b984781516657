package reference

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// stillWire is a handler on a loop that is turned by hand: it notes what it is told.
func stillWire(t *testing.T, l *Loop) (w *wire, told *[]poll.Events) {
	told = new([]poll.Events)
	w = newWire(t, l, func(_ *wire, ev poll.Events) { *told = append(*told, ev) })
	t.Cleanup(w.close)
	return w, told
}

// A handler that is to be resumed is told in one call all that it waits for, also what
// the poller reports meanwhile.
func TestResumptionTellsAll(t *testing.T) {
	for name, x := range map[string]struct {
		wait func(l *Loop, s slot)
		want []poll.Events
	}{
		"later twice": {func(l *Loop, s slot) {
			l.later(s, poll.Readable)
			l.later(s, poll.Writable)
		}, []poll.Events{poll.Readable | poll.Writable}},
		"an event behind later": {func(l *Loop, s slot) {
			before := newWire(t, l, func(*wire, poll.Events) { l.later(s, poll.Readable) })
			l.handleIO([]poll.Event{{Token: uint64(before.slot), Events: poll.Readable}, {Token: uint64(s), Events: poll.Writable}})
			before.close()
		}, []poll.Events{poll.Readable | poll.Writable}},
		"later for nothing": {func(l *Loop, s slot) { l.later(s, 0) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := stillLoop(t)
			w, told := stillWire(t, l)
			x.wait(l, w.slot)
			if l.busy() != (x.want != nil) {
				t.Errorf("the loop may sleep: %v", !l.busy())
			}
			for range 3 {
				l.handleIO(nil)
			}
			if !slices.Equal(*told, x.want) {
				t.Errorf("it is told %v, want %v", *told, x.want)
			}
		})
	}
}

// A slot that a loop never gave is stale to it like one that it took back.
func TestSlotOfAnotherLoop(t *testing.T) {
	big, _ := stillLoop(t)
	small, _ := stillLoop(t)
	for range 2 {
		w, told := stillWire(t, big)
		small.later(w.slot, poll.Readable)
		small.handleIO([]poll.Event{{Token: uint64(w.slot), Events: poll.Readable}})
		if err := small.modify(w.slot, poll.Writable); !errors.Is(err, errStaleSlot) {
			t.Errorf("modify of slot %#x: %v", w.slot, err)
		}
		if err := small.remove(w.slot); !errors.Is(err, errStaleSlot) {
			t.Errorf("remove of slot %#x: %v", w.slot, err)
		}
		if len(*told) > 0 || big.slots.find(w.slot) == nil {
			t.Errorf("slot %#x of another loop was acted upon", w.slot)
		}
	}
	if n := small.Stats().Stale; n != 2 {
		t.Errorf("%d stale events counted, want 2", n)
	}
}

// The zero slot is no registration, also in the place of a waker that lost its own.
func TestZeroSlotIsNoRegistration(t *testing.T) {
	l, _ := stillLoop(t)
	var waker slot
	for i := range l.slots.places.length {
		waker = makeSlot(uint32(i), l.slots.places.at(i).generation)
		if err := l.remove(waker); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		w := newWire(t, l, nil)
		if w.slot.index() != waker.index() || w.slot == 0 || w.slot == waker {
			t.Errorf("slot %#x behind the waker's %#x", w.slot, waker)
		}
		w.close()
	}
}

// refusingPoller is a poller that refuses changes of interest while it is told to.
type refusingPoller struct {
	stillPoller
	refuse bool
	calls  int
}

func (p *refusingPoller) Modify(fd int, token uint64, interest poll.Events) error {
	p.calls++
	if p.refuse {
		return io.ErrNoProgress
	}
	return p.stillPoller.Modify(fd, token, interest)
}

// The poller knows the interest that was asked for last and not refused; the same again
// costs no call.
func TestInterestFollowsWhatWasAsked(t *testing.T) {
	p := &refusingPoller{stillPoller: stillPoller{interest: map[int]poll.Events{}}}
	l, err := NewLoop(LoopOptions{poller: p})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w, _ := stillWire(t, l)
	const both = poll.Readable | poll.Writable
	for i, x := range []struct {
		ask    poll.Events
		refuse bool
		want   poll.Events
		calls  int // so far
	}{
		{ask: poll.Readable, want: poll.Readable, calls: 0},
		{ask: both, want: both, calls: 1},
		{ask: both, want: both, calls: 1},
		{ask: poll.Readable, want: poll.Readable, calls: 2},
		{ask: poll.Writable, refuse: true, want: poll.Readable, calls: 3},
		{ask: poll.Writable, refuse: true, want: poll.Readable, calls: 4},
		{ask: poll.Writable, want: poll.Writable, calls: 5},
		{ask: 0, want: 0, calls: 6},
	} {
		p.refuse = x.refuse
		if err := l.modify(w.slot, x.ask); (err != nil) != x.refuse {
			t.Errorf("step %d: modify reports %v", i, err)
		}
		if got := p.interest[w.fd]; got != x.want || p.calls != x.calls {
			t.Errorf("step %d: the poller knows %v after %d calls, want %v after %d", i, got, p.calls, x.want, x.calls)
		}
	}
}

// failingTwice is a handler whose failed panics, too.
type failingTwice struct{ again bool }

func (failingTwice) ready(poll.Events) { panic("once") }
func (f failingTwice) failed(any) {
	if f.again {
		panic("again")
	}
}

// A handler that fails is left to close itself; one that fails in that, too, is removed.
func TestHandlerThatPanicsWhileFailing(t *testing.T) {
	for _, again := range []bool{false, true} {
		l, _ := stillLoop(t)
		log := new(logged)
		l.log = logTo(log)
		a, b, err := poll.SocketPair()
		if err != nil {
			t.Fatal(err)
		}
		defer poll.Close(a)
		defer poll.Close(b)
		s, err := l.add(a, failingTwice{again}, poll.Readable)
		if err != nil {
			t.Fatal(err)
		}
		if reason := panicOf(func() { l.handleIO([]poll.Event{{Token: uint64(s), Events: poll.Readable}}) }); reason != "" {
			t.Errorf("the loop got the panic %q", reason)
		}
		if removed := l.slots.find(s) == nil; removed != again {
			t.Errorf("it fails again: %v; it is removed: %v", again, removed)
		}
		if told := strings.Contains(log.String(), "while failing"); told != again {
			t.Errorf("it fails again: %v; the log tells so: %v", again, told)
		}
		if removed := l.remove(s) == nil; removed == again {
			t.Errorf("its descriptor was registered: %v", removed)
		}
	}
}
