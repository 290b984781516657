package reference

import (
	"sync/atomic"
	"time"
)

// Stats is a snapshot of a server's counters since Start. They are taken one by
// one, so they may be of slightly different moments.
type Stats struct {
	Accepted     uint64        // connections accepted and served
	Refused      uint64        // connections closed at once: MaxConns, MaxThreads, or a poller without room
	AcceptErrors uint64        // times that accepting paused for want of descriptors or memory
	Open         int64         // connections open now
	In, Out      uint64        // bytes read from and given to the kernel
	Wakes        uint64        // writes to the loops' wakers
	Coalesced    uint64        // posts that needed no such write
	Tasks        uint64        // tasks run
	Timers       int           // timers pending, the server's own not counted
	Lag          time.Duration // the longest of the recent turns of a loop
	Stalls       uint64        // turns that the watchdog found too long
	Panics       uint64        // contained panics of handlers, tasks, timers, hooks and workers
}

// serverCounts are counted by any thread.
type serverCounts struct {
	accepted, refused, acceptErrors, panics atomic.Uint64
	open                                    atomic.Int64
}

// Stats takes a snapshot, from any thread.
func (s *Server) Stats() Stats {
	stats := Stats{
		Accepted: s.counts.accepted.Load(), Refused: s.counts.refused.Load(), AcceptErrors: s.counts.acceptErrors.Load(),
		Open: s.counts.open.Load(), Panics: s.counts.panics.Load(),
	}
	if s.running.Load() {
		s.class.stats(&stats)
	}
	return stats
}
