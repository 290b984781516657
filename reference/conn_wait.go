package reference

import (
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// waitList orders connections by the time since which they wait, all for the
// same time, so that one timer at the first serves them all and moving one costs a few
// pointers. The zero time since is the loop's epoch.
type waitList struct {
	reactor     *reactor
	after       time.Duration
	first, last *Conn
	armed       bool
}

// waiting is a connection's place in a waitList.
type waiting struct {
	list       *waitList
	prev, next *Conn
	since      time.Duration
}

func (l *waitList) enter(c *Conn) {
	w := &c.wait
	w.list, w.prev, w.next, w.since = l, l.last, nil, l.reactor.now()
	if l.last == nil {
		l.first = c
	} else {
		l.last.wait.next = c
	}
	l.last = c
	if !l.armed {
		l.arm(l.after)
	}
}

func (w *waiting) leave(c *Conn) {
	l := w.list
	if l == nil {
		return
	}
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.wait.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.wait.prev = w.prev
	}
	*w = waiting{}
}

// touch starts c's wait anew.
func (w *waiting) touch(c *Conn) {
	l := w.list
	if l.last == c {
		w.since = l.reactor.now()
		return
	}
	w.leave(c)
	l.enter(c)
}

// arm sets the timer; touching does not move it, so it may find nobody due.
func (l *waitList) arm(d time.Duration) {
	_, err := l.reactor.After(d, l.fire)
	if err == nil {
		l.reactor.ownTimers.Add(1)
	}
	l.armed = err == nil // a loop that stopped closes its connections anyway
}

func (l *waitList) fire() {
	l.armed = false
	l.reactor.ownTimers.Add(-1)
	now := l.reactor.now()
	for l.first != nil && now-l.first.wait.since >= l.after {
		c := l.first
		if l == &l.reactor.quiet && l.heard(c) {
			continue
		}
		c.wait.leave(c)
		l.reactor.expire(c, l)
	}
	if l.first != nil {
		l.arm(l.after - (now - l.first.wait.since))
	}
}

// heard reads what has come on a connection whose time is over, and reports whether that was
// anything. Where the process was suspended the wait ends without events, and timers are
// due before input is looked at that came in time (LIFE-15).
func (l *waitList) heard(c *Conn) bool {
	func() {
		defer l.reactor.guard(c)
		c.ready(poll.Readable)
	}()
	return c.wait.list != l || l.reactor.now()-c.wait.since < l.after
}
