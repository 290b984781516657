package observe

import (
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUnion(t *testing.T) {
	ms := func(from, to int64) span { return span{from * 1e6, to * 1e6} }
	for name, c := range map[string]struct {
		spans []span
		start int64
		want  time.Duration
	}{
		"none":      {nil, 0, 0},
		"one":       {[]span{ms(10, 30)}, 0, 20},
		"before":    {[]span{ms(10, 30)}, 40, 0},
		"across":    {[]span{ms(10, 30)}, 25, 5},
		"apart":     {[]span{ms(50, 60), ms(10, 30)}, 0, 30},
		"two CPUs":  {[]span{ms(10, 30), ms(20, 40)}, 0, 30},
		"contained": {[]span{ms(10, 40), ms(20, 30)}, 0, 30},
	} {
		if got := union(c.spans, c.start*1e6); got != c.want*time.Millisecond {
			t.Errorf("%s: %s, want %s", name, got, c.want*time.Millisecond)
		}
	}
}

// A stall that threads have not woken from yet counts already, and once.
func TestCanaryCountsOngoingStalls(t *testing.T) {
	c := &Canary{stop: make(chan struct{}), due: make([]atomic.Int64, 2)}
	const first, last = 300 * time.Millisecond, 100 * time.Millisecond
	begun := time.Now()
	now := monotonic()
	c.due[0].Store(now - int64(first))
	c.due[1].Store(now + int64(time.Millisecond))
	got := c.Stall(begun.Add(-time.Second))
	if most := first + time.Since(begun); got < first || got > most { // it goes on while this test waits for a CPU
		t.Errorf("stall %s, want %s to %s", got, first, most)
	}
	since := time.Now().Add(-last)
	got = c.Stall(since)
	if most := time.Since(since); got < last-10*time.Millisecond || got > most {
		t.Errorf("stall %s, want the last %s to %s of it", got, last, most)
	}
}

func TestCanaryIsCheapAndBlamesNobody(t *testing.T) {
	var before, after unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &before); err != nil {
		t.Fatal(err)
	}
	c := StartCanary()
	started := time.Now()
	<-time.After(time.Second)
	c.Stop()
	c.Stop()
	wall := time.Since(started)
	if err := unix.Getrusage(unix.RUSAGE_SELF, &after); err != nil {
		t.Fatal(err)
	}
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	if used > wall/10 { // five times what it should be: the race detector is in it
		t.Errorf("used %s of CPU in %s", used, wall)
	}
	if got := c.Stall(started); got > wall {
		t.Errorf("stalled %s of %s", got, wall)
	}
	if got := c.Stall(time.Now()); got != 0 {
		t.Errorf("stalled %s of no time", got)
	}
	var none *Canary
	if got := none.Stall(started); got != 0 {
		t.Errorf("no canary stalled %s", got)
	}
}
