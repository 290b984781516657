package reference

import (
	"errors"
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
		l.ending = func(err error) { cause = err }
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
