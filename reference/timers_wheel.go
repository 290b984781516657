package reference

import "math/bits"

// wheel keeps pending timers by deadline. Time is cut into ticks of some 1 ms. A timer
// of the current tick is in a heap, in exact order; a later one is in a slot of
// one of eight rings. Ring k has 64 slots of 64^k ticks: a timer sits in the ring
// of the highest base-64 digit in which its tick differs from the current
// tick, in the slot of that digit. So every timer of ring k is due before every timer of ring k+1,
// and within a ring a lower slot is due before a higher one: the first occupied
// slot, found by two bit scans, holds the nearest of the far timers. When time
// reaches a slot its timers move to lower rings, at most seven times in a timer's
// life, and most timers are cancelled before they move at all.
type wheel struct {
	tick     int64 // the current tick; the heap holds the timers up to its end
	near     timerHeap
	occupied [rings]uint64 // a bit for each slot that has timers
	rings    [rings][slotsOfRing]ringSlot
	size     int
}

// ringSlot is a bag of timers, each of which knows its index, and a moment
// before which none of them is due: exact unless the nearest was cancelled. It
// is a slice, not a list through the timers: going through it, the processor
// fetches many timers from memory at once, a list only one after the other.
type ringSlot struct {
	timers   []*timer
	earliest int64
}

const (
	tickShift   = 20 // a tick is 2^20 ns
	digit       = 6
	smallSlot   = 1024 // timers that the heap orders at less cost than moving them through the rings
	slotsOfRing = 1 << digit
	rings       = (63-tickShift)/digit + 1 // all of an int64 of ns
)

func (w *wheel) init(now int64) { w.tick = now >> tickShift }

// insert files a timer by its when.
func (w *wheel) insert(tm *timer) {
	w.size++
	w.file(tm)
}

func (w *wheel) file(tm *timer) {
	tick := tm.when >> tickShift
	if tick <= w.tick {
		w.near.push(tm)
		return
	}
	ring := (63 - bits.LeadingZeros64(uint64(tick^w.tick))) / digit
	slot := tick >> (ring * digit) & (slotsOfRing - 1)
	s := &w.rings[ring][slot]
	if len(s.timers) == 0 {
		w.occupied[ring] |= 1 << slot
		s.earliest = tm.when
	} else if tm.when < s.earliest {
		s.earliest = tm.when
	}
	tm.in, tm.at, tm.ring, tm.slot = inRing, int32(len(s.timers)), uint8(ring), uint8(slot)
	s.timers = append(s.timers, tm)
}

// remove takes a timer out.
func (w *wheel) remove(tm *timer) {
	w.size--
	if tm.in == inHeap {
		w.near.remove(tm)
		return
	}
	s := &w.rings[tm.ring][tm.slot]
	last := len(s.timers) - 1
	moved := s.timers[last]
	s.timers[tm.at], moved.at = moved, tm.at
	s.timers[last] = nil
	s.timers = s.timers[:last]
	tm.in = inNone
	if last == 0 {
		w.occupied[tm.ring] &^= 1 << tm.slot
		s.trim()
	}
}

// first is the first occupied slot and the tick at which it begins.
func (w *wheel) first() (s *ringSlot, ring, slot int, begins int64) {
	for ring := range rings {
		if w.occupied[ring] == 0 {
			continue
		}
		slot := bits.TrailingZeros64(w.occupied[ring])
		shift := ring * digit
		above := w.tick >> (shift + digit) << (shift + digit)
		return &w.rings[ring][slot], ring, slot, above | int64(slot)<<shift
	}
	return nil, 0, 0, 0
}

// next is a moment before which nothing is due, exact unless timers were
// cancelled; false when there is no timer.
func (w *wheel) next() (int64, bool) {
	if len(w.near.entries) > 0 {
		return w.near.entries[0].when, true
	}
	if s, _, _, _ := w.first(); s != nil {
		return s.earliest, true
	}
	return 0, false
}

// expire takes out the nearest timer if it is due, by the nanosecond and not before
// (TIME-1), in the order of deadlines (TIME-3) and, among equal ones, of creation (TIME-4).
func (w *wheel) expire(now int64) *timer {
	if tick := now >> tickShift; tick > w.tick {
		w.advance(tick)
	}
	if len(w.near.entries) == 0 || w.near.entries[0].when > now {
		return nil
	}
	tm := w.near.entries[0].tm
	w.size--
	w.near.remove(tm)
	return tm
}

// advance moves the current tick on. The slots that it reaches are opened: the
// timers of a small one go to the heap together, the current tick being the
// slot's last then, and those of a large one are filed anew, relative to its first.
func (w *wheel) advance(tick int64) {
	for {
		s, ring, slot, begins := w.first()
		if s == nil || begins > tick {
			break
		}
		w.tick = begins
		if len(s.timers) <= smallSlot {
			w.tick += 1<<(ring*digit) - 1
		}
		w.occupied[ring] &^= 1 << slot
		for i, tm := range s.timers {
			s.timers[i] = nil
			w.file(tm)
		}
		s.timers = s.timers[:0]
		s.trim()
	}
	w.tick = max(w.tick, tick)
}

// trim lets go of an empty slot's memory, unless it is little.
func (s *ringSlot) trim() {
	if cap(s.timers) > smallSlot {
		s.timers = nil
	}
}

// any is some timer, nil when there is none.
func (w *wheel) any() *timer {
	if n := len(w.near.entries); n > 0 {
		return w.near.entries[n-1].tm
	}
	if s, _, _, _ := w.first(); s != nil {
		return s.timers[0]
	}
	return nil
}

// timerHeap is a 4-ary heap by deadline and creation; each timer knows its place
// in it. The deadlines stand in the heap itself: comparing four children reads one
// cache line, not four timers.
type timerHeap struct{ entries []heapEntry }

type heapEntry struct {
	when int64
	tm   *timer
}

// before is the order of expiry: by deadline (TIME-3), of equals by creation (TIME-4).
func before(a, b heapEntry) bool {
	return a.when < b.when || a.when == b.when && a.tm.serial < b.tm.serial
}

func (h *timerHeap) push(tm *timer) {
	h.entries = append(h.entries, heapEntry{})
	h.up(len(h.entries)-1, heapEntry{tm.when, tm})
}

func (h *timerHeap) remove(tm *timer) {
	i, last := int(tm.at), len(h.entries)-1
	moved := h.entries[last]
	h.entries[last] = heapEntry{}
	h.entries = h.entries[:last]
	if last == 0 && cap(h.entries) > retained {
		h.entries = nil
	}
	tm.in = inNone
	if i == last {
		return
	}
	if i > 0 && before(moved, h.entries[(i-1)/4]) {
		h.up(i, moved)
	} else {
		h.down(i, moved)
	}
}

// up puts e into the hole at i or above.
func (h *timerHeap) up(i int, e heapEntry) {
	for i > 0 {
		parent := (i - 1) / 4
		if !before(e, h.entries[parent]) {
			break
		}
		h.put(i, h.entries[parent])
		i = parent
	}
	h.put(i, e)
}

// down puts e into the hole at i or below.
func (h *timerHeap) down(i int, e heapEntry) {
	for {
		child := 4*i + 1
		if child >= len(h.entries) {
			break
		}
		// The least of all children, or what is behind it comes late (TIME-3).
		least := child
		for c := child + 1; c < min(child+4, len(h.entries)); c++ {
			if before(h.entries[c], h.entries[least]) {
				least = c
			}
		}
		if !before(h.entries[least], e) {
			break
		}
		h.put(i, h.entries[least])
		i = least
	}
	h.put(i, e)
}

func (h *timerHeap) put(i int, e heapEntry) {
	h.entries[i] = e
	e.tm.in, e.tm.at = inHeap, int32(i)
}
