package reference

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// A poll that fails for want of memory is left alone for a moment, no longer than it would
// have slept, and the log says so once.
func TestPauseOfFailingPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock is exact
		log := new(logged)
		l := &Loop{log: logTo(log)}
		for _, x := range []struct{ timeout, want time.Duration }{
			{poll.Forever, 5 * time.Millisecond},
			{0, 0},
			{1, 1},
			{2 * time.Millisecond, 2 * time.Millisecond},
			{5 * time.Millisecond, 5 * time.Millisecond},
			{5*time.Millisecond + 1, 5 * time.Millisecond},
			{time.Hour, 5 * time.Millisecond},
		} {
			before := time.Now()
			if err := l.waitFailed(syscall.ENOMEM, x.timeout); err != nil {
				t.Errorf("the loop ends with %v", err)
			}
			if took := time.Since(before); took != x.want {
				t.Errorf("a poll of %v is tried again after %v, want %v", x.timeout, took, x.want)
			}
		}
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, syscall.ENOMEM.Error()) {
			t.Errorf("logged %q, want one line", got)
		}
	})
}

// breaking is a poller that fails as it is told to; breakingWaker is such a waker.
type breaking struct {
	stillPoller
	wait, close error
}

func (b *breaking) Wait([]poll.Event, time.Duration) (int, error) { return 0, b.wait }
func (b *breaking) Close() error                                  { return b.close }

type breakingWaker struct {
	scriptWaker
	err error
}

func (w *breakingWaker) Close() error { return w.err }

// Run tells of what went wrong first, be it only in releasing what the loop holds.
func TestRunTellsWhatWentWrong(t *testing.T) {
	inWait, inPoller, inWaker := errors.New("wait"), errors.New("close poller"), errors.New("close waker")
	for _, x := range []struct{ wait, poller, waker, want error }{
		{},
		{wait: inWait, want: inWait},
		{poller: inPoller, want: inPoller},
		{waker: inWaker, want: inWaker},
		{poller: inPoller, waker: inWaker, want: inPoller},
		{wait: inWait, poller: inPoller, waker: inWaker, want: inWait},
	} {
		p := &breaking{stillPoller{interest: map[int]poll.Events{}}, x.wait, x.poller}
		l, err := NewLoop(LoopOptions{poller: p, Waker: &breakingWaker{err: x.waker}, Log: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		var cause error
		l.broken = func(err error) { cause = err }
		if x.wait == nil {
			l.Stop()
		}
		if err := l.Run(); err != x.want {
			t.Errorf("%+v: Run returned %v", x, err)
		}
		if wait := x.wait; cause != wait && (wait != nil || cause != ErrCut) {
			t.Errorf("%+v: what it served was told %v", x, cause)
		}
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
func (p *untaking) Close() error                     { p.closed = true; return nil }

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

// The lag is that of the longest turn, fading by an eighth with each turn that is shorter.
func TestLagFades(t *testing.T) {
	var s loopStats
	now := time.Hour
	for i, x := range []struct{ turn, want time.Duration }{
		{0, 0}, {800, 800}, {100, 700}, {0, 613}, {612, 612}, {613, 613}, {5000, 5000}, {1, 4375}, {1, 3829},
	} {
		now += time.Minute // asleep, which is no lag
		s.beginTurn(now)
		now += x.turn
		s.endTurn(now)
		if got := time.Duration(s.lag.Load()); got != x.want {
			t.Errorf("after turn %d of %v: the lag is %d, want %d", i, x.turn, got, x.want)
		}
	}
}
