package reference

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// LoopOptions configure a loop. The zero value is a good loop.
type LoopOptions struct {
	Index     int          // the loop's number in logs and statistics, from 0
	Poller    string       // epoll (default), epollet, poll or select
	Wakeup    string       // eventfd (default), pipe or socketpair
	Waker     Waker        // a waker of your own instead; the loop closes it
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
	if o.TaskShare < 0 || o.TaskShare > 1_000_000 {
		return nil, fmt.Errorf("option TaskShare is %d: it must be from 1 to 1,000,000, or 0 for the default", o.TaskShare)
	}
	if o.Index < 0 {
		return nil, fmt.Errorf("option Index is %d: it must not be negative", o.Index)
	}
	l := &Loop{poller: o.poller, clock: o.clock, waker: o.Waker, log: o.Log, index: o.Index, shared: o.Shared, events: make([]poll.Event, eventBatch)}
	if l.log == nil {
		l.log = slog.Default()
	}
	if l.clock == nil {
		l.clock = monotonic{}
	}
	l.tasks.share = o.TaskShare
	if l.tasks.share == 0 {
		l.tasks.share = defaultTaskShare
	}
	l.timers.init(l)
	if err := l.open(o); err != nil {
		return nil, err
	}
	l.edge = l.poller.EdgeTriggered()
	l.shared.attach(l)
	return l, nil
}

// open makes the poller and the waker and hangs the one on the other. The waker
// comes first: with select its number must be a low one.
func (l *Loop) open(o LoopOptions) (err error) {
	if l.waker == nil {
		if o.Wakeup == "" {
			o.Wakeup = "eventfd"
		}
		if l.waker, err = NewWaker(o.Wakeup); err != nil {
			return fmt.Errorf("option Wakeup: %w", err)
		}
	}
	if l.poller == nil {
		if o.Poller == "" {
			o.Poller = poll.Kinds[0]
		}
		if l.poller, err = poll.New(o.Poller); err != nil {
			l.waker.Close()
			return fmt.Errorf("option Poller: %w (one of %s)", err, strings.Join(poll.Kinds, ", "))
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

// wakeHandler drains the waker. Draining comes before the turn's tasks are
// taken, so a wakeup that it swallows is of a task that this turn sees (WAKE).
type wakeHandler struct{ l *Loop }

func (h wakeHandler) ready(poll.Events) {
	if err := h.l.waker.Drain(); err != nil {
		h.l.log.Error("draining the waker failed", "loop", h.l.index, "waker", h.l.waker.Name(), "error", err)
	}
}
