package reference

import (
	"fmt"
	"log/slog"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// LoopOptions configure a loop. The zero value is a good loop.
type LoopOptions struct {
	Index     int          // the loop's number in logs and statistics, from 0
	Poller    string       // epoll (default), epollet, poll or select
	Wakeup    string       // eventfd (default), pipe or socketpair
	Waker     Waker        // a waker of your own instead; the loop closes it, also one that NewLoop refuses to make
	TaskShare int          // tasks run in one turn at most, 1 to 1,000,000; 0 means 1,024
	Shared    *TaskSet     // a set of tasks shared with other loops, may be nil
	Log       *slog.Logger // nil means slog.Default
	poller    poll.Poller
	clock     clock
}

// eventBatch is how many events one turn takes from the poller at most. A
// larger batch saves system calls, a smaller one lets tasks and timers in
// between sooner; the kernel rotates its ready list, so nothing starves behind the cut.
const eventBatch = 512

// defaultTaskShare bounds a turn to some 100 µs of small tasks.
const defaultTaskShare = 1024

// NewLoop makes a loop with its poller and its waker. Run releases them at its
// end; a loop that never runs is released by Close.
func NewLoop(o LoopOptions) (*Loop, error) {
	if err := o.complete(); err != nil {
		if o.Waker != nil {
			o.Waker.Close()
		}
		return nil, err
	}
	l := &Loop{poller: o.poller, clock: o.clock, waker: o.Waker, log: o.Log, index: o.Index, shared: o.Shared, events: make([]poll.Event, eventBatch)}
	if l.log == nil {
		l.log = slog.Default()
	}
	if l.clock == nil {
		l.clock = monotonic{}
	}
	l.tasks.share = o.TaskShare
	l.timers.init(l)
	if err := l.open(o); err != nil {
		return nil, err
	}
	l.edge = l.poller.EdgeTriggered()
	l.shared.attach(l)
	return l, nil
}

// complete fills in the defaults and reports the first option out of its range.
func (o *LoopOptions) complete() error {
	if o.Wakeup == "" {
		o.Wakeup = Wakeups[0]
	}
	if o.Poller == "" {
		o.Poller = poll.Kinds[0]
	}
	if o.TaskShare == 0 {
		o.TaskShare = defaultTaskShare
	}
	switch {
	case o.TaskShare < 0 || o.TaskShare > maxTaskShare:
		return &OptionError{"TaskShare", o.TaskShare, "want 1 to 1,000,000, or 0 for the default"}
	case o.Index < 0:
		return &OptionError{"Index", o.Index, "want 0 or more"}
	}
	if err := oneOf("Wakeup", o.Wakeup, Wakeups); err != nil {
		return err
	}
	return oneOf("Poller", o.Poller, poll.Kinds)
}

// open makes the poller and the waker and hangs the one on the other. The waker
// comes first: with select its number must be a low one.
func (l *Loop) open(o LoopOptions) (err error) {
	if l.waker == nil {
		if l.waker, err = NewWaker(o.Wakeup); err != nil {
			return err
		}
	}
	if l.poller == nil {
		if l.poller, err = poll.New(o.Poller); err != nil {
			l.waker.Close()
			return err
		}
	}
	if _, err = l.add(l.waker.FD(), wakeHandler{l}, poll.Readable); err != nil {
		l.release()
		return fmt.Errorf("watch the waker: %w", err)
	}
	return nil
}

// Close releases a loop that never ran; after Run it does nothing.
func (l *Loop) Close() error {
	l.Stop()
	if !l.state.CompareAndSwap(fresh, running) {
		return nil
	}
	l.lastTasks()
	l.timers.close()
	return l.release()
}
