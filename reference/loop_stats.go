package reference

import (
	"sync/atomic"
	"time"
)

// LoopStats is a snapshot of one loop's counters since it was made. The figures
// are taken one by one, so they may be of slightly different moments.
type LoopStats struct {
	Turns     uint64        // turns begun
	Wakes     uint64        // writes to the waker
	Coalesced uint64        // posts that needed no write of their own
	Tasks     uint64        // tasks run, shared ones included
	Timers    int           // timers pending
	Fired     uint64        // timer callbacks run
	Stale     uint64        // events rejected because their descriptor was removed in the same turn
	Panics    uint64        // contained panics of handlers, tasks, timers and hooks
	Lag       time.Duration // the longest of the recent turns, fading by an eighth a turn: what became ready waited so long at most
	Stalls    uint64        // turns that the watchdog found too long
	BadPolls  uint64        // polls that failed for want of memory or descriptors, and were tried again
}

// tally is a counter that one thread writes and any reads: a store, never a
// locked addition.
type tally struct{ v atomic.Uint64 }

func (t *tally) add(n uint64) { t.v.Store(t.v.Load() + n) }
func (t *tally) load() uint64 { return t.v.Load() }

// loopStats are a loop's counters. The tallies are written by the loop's thread.
type loopStats struct {
	turns, tasks, fired, stale tally
	wakes, panics, stalls      atomic.Uint64
	badPolls                   atomic.Uint64
	postWakes                  atomic.Uint64 // those of wakes that a post wrote
	lag                        atomic.Int64
	busySince                  atomic.Int64 // start of the turn, 0 while the loop polls
}

func (s *loopStats) beginTurn(now time.Duration) {
	s.turns.add(1)
	s.busySince.Store(int64(max(1, now)))
}

func (s *loopStats) endTurn(now time.Duration) {
	turn := int64(now) - s.busySince.Load()
	s.busySince.Store(0)
	lag := s.lag.Load()
	if next := max(turn, lag-lag/8); next != lag {
		s.lag.Store(next)
	}
}

// Stats takes a snapshot, from any goroutine.
func (l *Loop) Stats() LoopStats {
	s := &l.stats
	l.tasks.mu.Lock()
	posted := l.tasks.total
	l.tasks.mu.Unlock()
	wrote := s.postWakes.Load()
	return LoopStats{
		Turns: s.turns.load(), Wakes: s.wakes.Load(), Coalesced: posted - min(posted, wrote),
		Tasks: s.tasks.load(), Timers: l.timers.pending(), Fired: s.fired.load(), Stale: s.stale.load(),
		Panics: s.panics.Load(), Lag: time.Duration(s.lag.Load()), Stalls: s.stalls.Load(), BadPolls: s.badPolls.Load(),
	}
}
