package reference

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// TestEventsOfARemovedDescriptorAreRejected: two descriptors are ready in one
// batch; whichever comes first removes and closes the other, and registers a new
// one, which gets the same number and the same place in the table.
func TestEventsOfARemovedDescriptorAreRejected(t *testing.T) {
	for _, kind := range poll.Kinds {
		t.Run(kind, func(t *testing.T) {
			l := runLoop(t, LoopOptions{Poller: kind})
			var pair [2]*wire
			var successor *wire
			calls, strays := 0, 0
			done := make(chan struct{})
			do(t, l, func() {
				on := func(w *wire, _ poll.Events) {
					calls++
					other := pair[0]
					if w == other {
						other = pair[1]
					}
					w.read()
					old := other.slot
					other.close()
					successor = newWire(t, l, func(*wire, poll.Events) { strays++ })
					if successor.fd != other.fd || successor.slot.index() != old.index() || successor.slot == old {
						t.Errorf("the successor has fd %d slot %#x, the removed one had fd %d slot %#x: not the race that is tested", successor.fd, successor.slot, other.fd, old)
					}
					if l.modify(old, poll.Writable) == nil || l.remove(old) == nil {
						t.Error("a stale slot can still be changed")
					}
					l.later(old, poll.Readable)
					l.Post(func() { l.Post(func() { close(done) }) }) // after whole turns
				}
				pair[0], pair[1] = newWire(t, l, on), newWire(t, l, on)
				poke(pair[0].peer)
				poke(pair[1].peer)
			})
			await(t, "the turns after", done)
			do(t, l, func() {
				if calls != 1 || strays != 0 {
					t.Errorf("%d handlers called and %d events for the successor; want 1, 0", calls, strays)
				}
				if l.stats.stale.load() != 1 {
					t.Errorf("%d stale events counted, want 1", l.stats.stale.load())
				}
				successor.close()
				pair[0].l = l
				for _, w := range pair {
					if l.slots.find(w.slot) != nil {
						w.close()
					}
				}
			})
		})
	}
}

func TestLaterResumesNextTurn(t *testing.T) {
	for _, kind := range poll.Kinds {
		t.Run(kind, func(t *testing.T) {
			l := runLoop(t, LoopOptions{Poller: kind})
			var turns []uint64
			done := make(chan struct{})
			var w *wire
			do(t, l, func() {
				w = newWire(t, l, func(w *wire, ev poll.Events) {
					w.read()
					turns = append(turns, l.stats.turns.load())
					if len(turns) == 5 {
						close(done)
						return
					}
					l.later(w.slot, ev) // no event says so
					l.later(w.slot, ev)
				})
				poke(w.peer)
			})
			await(t, "five turns of one event", done)
			do(t, l, func() {
				for i := 1; i < len(turns); i++ {
					if turns[i] != turns[0]+uint64(i) {
						t.Errorf("called in turns %v, want one a turn", turns)
					}
				}
				w.close()
			})
		})
	}
}

// TestLaterIsOneShareATurn: an event for a handler that was resumed in the same turn and
// asked for more waits for the next.
func TestLaterIsOneShareATurn(t *testing.T) {
	l := runLoop(t, LoopOptions{}) // level-triggered: unread input is an event in every turn
	perTurn := map[uint64]int{}
	calls := 0
	done := make(chan struct{})
	var w *wire
	do(t, l, func() {
		w = newWire(t, l, func(w *wire, ev poll.Events) {
			if calls++; calls > 20 {
				return // the event of the byte that call 20 has read
			}
			perTurn[l.stats.turns.load()]++
			if calls == 20 {
				w.read()
				close(done)
				return
			}
			l.later(w.slot, ev)
		})
		poke(w.peer)
	})
	await(t, "20 calls", done)
	do(t, l, func() {
		for turn, n := range perTurn {
			if n > 1 {
				t.Errorf("%d shares in turn %d, want 1", n, turn)
			}
		}
		w.close()
	})
}

func TestHandlerPanicLosesOnlyItsOwnDescriptor(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	var good, bad *wire
	served := make(chan struct{}, 2)
	do(t, l, func() {
		bad = newWire(t, l, func(*wire, poll.Events) { panic("ouch") })
		good = newWire(t, l, func(w *wire, _ poll.Events) { w.read(); served <- struct{}{} })
		poke(bad.peer)
		poke(good.peer)
	})
	await(t, "the other handler of the batch", served)
	do(t, l, func() {
		if bad.failure != "ouch" || l.slots.find(bad.slot) != nil {
			t.Errorf("the handler was told %v and its slot is live: %v", bad.failure, l.slots.find(bad.slot) != nil)
		}
		good.l.later(good.slot, poll.Readable)
	})
	await(t, "the other handler in a later turn", served)
	do(t, l, func() { good.close() })
}

// mute is a handler without failed.
type mute struct{ calls *atomic.Int64 }

func (m mute) ready(poll.Events) { m.calls.Add(1); panic("ouch") }

func TestHandlerWithoutFailedIsRemoved(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	a, b, err := poll.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer poll.Close(a)
	defer poll.Close(b)
	var calls atomic.Int64
	var s slot
	do(t, l, func() { s, err = l.add(a, mute{&calls}, poll.Readable) })
	if err != nil {
		t.Fatal(err)
	}
	poke(b)
	for range 20 {
		do(t, l, func() {})
	}
	do(t, l, func() {
		if l.slots.find(s) != nil || calls.Load() != 1 {
			t.Errorf("called %d times and still registered: %v; want once and removed", calls.Load(), l.slots.find(s) != nil)
		}
	})
}

func TestOnlyTheLoopTouchesItsDescriptors(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	do(t, l, func() {})
	defer func() {
		if recover() == nil {
			t.Error("add on another thread was accepted")
		}
	}()
	l.add(0, mute{}, poll.Readable)
}

func TestEventPathDoesNotAllocate(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	echoed := make(chan struct{}, 1)
	var w *wire
	do(t, l, func() {
		w = newWire(t, l, func(w *wire, _ poll.Events) { w.read(); echoed <- struct{}{} })
	})
	one := []byte("x")
	if n := testing.AllocsPerRun(500, func() { poll.Write(w.peer, one); <-echoed }); n != 0 {
		t.Errorf("%v allocations an event, want none", n)
	}
	task := func() { echoed <- struct{}{} }
	if n := testing.AllocsPerRun(500, func() { l.Post(task); <-echoed }); n != 0 {
		t.Errorf("%v allocations a post, want none", n)
	}
	do(t, l, func() { w.close() })
}

func TestSlotsAreReused(t *testing.T) {
	l := runLoop(t, LoopOptions{})
	do(t, l, func() {
		var seen []slot
		for range 100 {
			w := newWire(t, l, nil)
			if slices.Contains(seen, w.slot) {
				t.Fatalf("slot %#x came twice", w.slot)
			}
			seen = append(seen, w.slot)
			w.close()
		}
		if n := l.slots.places.length; n > 2 {
			t.Errorf("the table has %d places after 100 short registrations, want 2", n)
		}
	})
}
