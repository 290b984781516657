package reference

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// A waker that was given to NewLoop is closed by it, whatever else is wrong.
func TestRefusedLoopClosesItsWaker(t *testing.T) {
	before := descriptors(t)
	for _, o := range []LoopOptions{{TaskShare: -1}, {Index: -1}, {Poller: "kqueue"}} {
		var err error
		if o.Waker, err = NewPipe(); err != nil {
			t.Fatal(err)
		}
		if _, err = NewLoop(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestOptionsOutOfRange(t *testing.T) {
	before := descriptors(t)
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
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after constructors that failed", before, after)
	}
}

// A loop whose poller does not take its waker is refused, and holds nothing.
func TestPollerRefusesWaker(t *testing.T) {
	p := &untaking{}
	w := &scriptWaker{}
	l, err := NewLoop(LoopOptions{poller: p, Waker: w})
	if l != nil || !errors.Is(err, io.ErrNoProgress) || !strings.Contains(err.Error(), "waker") {
		t.Errorf("NewLoop: %v, %v", l, err)
	}
	if !w.closed || !p.closed {
		t.Errorf("the waker is closed: %v, the poller: %v", w.closed, p.closed)
	}
}

// untaking is a poller that takes no descriptor.
type untaking struct {
	stillPoller
	closed bool
}

func (*untaking) Add(int, uint64, poll.Events) error { return io.ErrNoProgress }

func (p *untaking) Close() error { p.closed = true; return nil }

// What is at the bounds of an option is taken.
func TestLoopOptionsAtTheirBounds(t *testing.T) {
	for _, o := range []LoopOptions{{}, {TaskShare: 1}, {TaskShare: 1_000_000}, {Index: 0}, {Index: 1 << 20}} {
		l, err := NewLoop(o)
		if err != nil {
			t.Errorf("%+v: %v", o, err)
			continue
		}
		if l.Index() != o.Index {
			t.Errorf("%+v: its index is %d", o, l.Index())
		}
		l.Close()
	}
	for _, batch := range []int{1, 1024} {
		if _, err := NewTaskSet(batch); err != nil {
			t.Errorf("a batch of %d: %v", batch, err)
		}
	}
}
