package reference

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// ioHandler is told that its descriptor is ready. It is called on the loop's
// thread and must not block (S11).
type ioHandler interface {
	ready(ev poll.Events)
}

// ioFailer is a handler that wants to know that its ready panicked, in order to
// close itself. It is called on the loop's thread.
type ioFailer interface {
	failed(reason any)
}

// slot identifies one registration: an index into the loop's table and the
// generation of that place in the table. It is the token that the poller carries,
// so an event finds its handler with one index and no map, and an event of a
// removed registration is told from one of its successor (e348bd9217 in Netty
// is what happens otherwise). The zero slot is no registration.
type slot uint64

func makeSlot(index, generation uint32) slot { return slot(generation)<<32 | slot(index) }
func (s slot) index() uint32                 { return uint32(s) }
func (s slot) generation() uint32            { return uint32(s >> 32) }

// place is where a registration lives. Its generation starts at 1 and grows with
// every removal.
type place struct {
	handler    ioHandler
	generation uint32
	fd         int32 // -1 while the place is free
	interest   poll.Events
	pending    poll.Events // what later was told, 0 when nothing is to be resumed
}

// slotTable holds a loop's registrations. It belongs to the loop's thread.
type slotTable struct {
	places  paged[place]
	free    []uint32
	resume  []slot // to be resumed next turn, in order
	resumed []slot // the spare of resume
	at      int    // how far handleIO is in what it goes through
}

func (t *slotTable) resuming() bool { return len(t.resume) > 0 }

// find returns the place of a live slot, nil for a stale one.
func (t *slotTable) find(s slot) *place {
	if i := int(s.index()); i < t.places.length {
		if p := t.places.at(i); p.generation == s.generation() {
			return p
		}
	}
	return nil
}

var errStaleSlot = errors.New("descriptor is no longer registered with the loop")

// add watches fd for h. fd is non-blocking and stays the caller's to close,
// after remove.
func (l *Loop) add(fd int, h ioHandler, interest poll.Events) (slot, error) {
	l.assertOwner("add")
	t := &l.slots
	var i uint32
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
	} else {
		i = uint32(t.places.length)
		t.places.push(place{generation: 1, fd: -1})
		t.free = append(t.free, i)
	}
	p := t.places.at(int(i))
	s := makeSlot(i, p.generation)
	if err := l.poller.Add(fd, uint64(s), interest); err != nil {
		return 0, err
	}
	t.free = t.free[:len(t.free)-1]
	p.handler, p.fd, p.interest, p.pending = h, int32(fd), interest, 0
	return s, nil
}

// modify changes what a slot's descriptor is watched for; the same interest
// again costs no system call.
func (l *Loop) modify(s slot, interest poll.Events) error {
	p := l.slots.find(s)
	if p == nil {
		return errStaleSlot
	}
	if p.interest == interest {
		return nil
	}
	if err := l.poller.Modify(int(p.fd), uint64(s), interest); err != nil {
		return err
	}
	p.interest = interest
	return nil
}

// remove forgets a registration at once, also for the rest of the batch of
// events that is being handled. The caller closes the descriptor afterwards.
func (l *Loop) remove(s slot) error {
	l.assertOwner("remove")
	p := l.slots.find(s)
	if p == nil {
		return errStaleSlot
	}
	err := l.poller.Remove(int(p.fd))
	*p = place{generation: p.generation + 1, fd: -1}
	l.slots.free = append(l.slots.free, s.index())
	return err
}

// later calls the slot's handler with ev in the next turn, which then comes
// without a sleep. Several calls in one turn are one.
func (l *Loop) later(s slot, ev poll.Events) {
	p := l.slots.find(s)
	if p == nil || ev == 0 {
		return
	}
	if p.pending == 0 {
		l.slots.resume = append(l.slots.resume, s)
	}
	p.pending |= ev
}

// handleIO resumes the handlers that asked for it and hands out the events.
func (l *Loop) handleIO(events []poll.Event) {
	t := &l.slots
	t.resume, t.resumed = t.resumed[:0], t.resume
	for t.at = 0; t.at < len(t.resumed); {
		l.dispatchResumed()
	}
	for t.at = 0; t.at < len(events); {
		l.dispatch(events)
	}
}

// dispatch hands out events until the end or a handler's panic.
func (l *Loop) dispatch(events []poll.Event) {
	var s slot
	defer l.containHandler(&s)
	t := &l.slots
	for t.at < len(events) {
		ev := &events[t.at]
		t.at++
		s = slot(ev.Token)
		p := t.find(s)
		if p == nil {
			l.stats.stale.add(1)
			continue
		}
		if p.pending != 0 { // had its share of this turn, and comes again in the next
			p.pending |= ev.Events
			continue
		}
		p.handler.ready(ev.Events)
	}
}

// dispatchResumed is dispatch for the handlers that called later.
func (l *Loop) dispatchResumed() {
	var s slot
	defer l.containHandler(&s)
	t := &l.slots
	for t.at < len(t.resumed) {
		s = t.resumed[t.at]
		t.at++
		if p := t.find(s); p != nil {
			ev := p.pending
			p.pending = 0
			p.handler.ready(ev)
		}
	}
}

// containHandler keeps a handler's panic from the loop: the handler loses its
// descriptor, nobody else loses anything (TASK-13).
func (l *Loop) containHandler(s *slot) {
	reason := recover()
	if reason == nil {
		return
	}
	l.stats.panics.Add(1)
	l.log.Error("a handler panicked and loses its descriptor", "loop", l.index, "panic", reason, "stack", string(debug.Stack()))
	p := l.slots.find(*s)
	if p == nil {
		return // it removed itself first
	}
	if f, ok := p.handler.(ioFailer); ok {
		defer func() {
			if again := recover(); again != nil {
				l.log.Error("a handler panicked again while failing", "loop", l.index, "panic", again)
				l.remove(*s)
			}
		}()
		f.failed(reason)
		return
	}
	l.remove(*s)
}

// assertTurn stops a thread that cannot be the loop's, which sleeps: what
// assertOwner finds without a system call.
func (l *Loop) assertTurn(what string) {
	if l.stats.busySince.Load() == 0 && l.state.Load() == running {
		panic(fmt.Sprintf("reference: %s called on thread %d, while loop %d polls on thread %d", what, poll.ThreadID(), l.index, l.tid()))
	}
}

// assertOwner stops a thread that touches what is the loop's.
func (l *Loop) assertOwner(what string) {
	if l.state.Load() == running && !l.InLoop() {
		panic(fmt.Sprintf("reference: %s called on thread %d, but loop %d runs on thread %d", what, poll.ThreadID(), l.index, l.tid()))
	}
}
