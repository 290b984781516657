package reference

import (
	"runtime"
	"time"
)

// What Go's scheduler does to a loop, and what the loop does about it. (What a
// system call costs stands in internal/poll/rawio.go.)
//
// The runtime's monitor thread takes the processor away from a thread that sits
// in a system call, and gives it back afterwards, when the goroutine's
// scheduling tick has not moved for 10 ms. A loop never returns to the scheduler, so
// its tick never moves: every poll that sleeps would be robbed, the monitor,
// successful each time, would look every 20 µs instead of every 10 ms, and one
// request at a time would cost 1.3 times what it costs plain C (measured:
// reference/bench, N=1), with 1.2 system calls more.
//
// So the loop goes through the scheduler of its own accord a little more often than
// the monitor looks (10 ms). On a locked thread that costs two thread switches, some 10 µs
// in 8 ms of a busy loop; goroutines that wait for the processor get their turn
// there too.
const (
	yieldEvery = 8 * time.Millisecond
	yieldTurns = 8 // a loop that sleeps most of the time need not: fewer turns than these cost little
)

// pace is when a loop last went through the scheduler.
type pace struct {
	at    time.Duration
	turns int
}

// due counts a turn and reports whether the loop should yield at its end.
func (p *pace) due(now time.Duration) bool {
	if p.turns++; p.turns < yieldTurns || now-p.at < yieldEvery {
		return false
	}
	*p = pace{at: now}
	return true
}

// yield lets the scheduler see the loop's thread from time to time. The time is
// that of the turn's beginning, which costs no look at the clock.
func (l *Loop) yield() {
	if l.pace.due(time.Duration(l.stats.busySince.Load())) {
		runtime.Gosched()
	}
}
