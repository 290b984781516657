package observe

import (
	"errors"
	"math"
	"sync"
)

// LimitFDs sets the soft limit on descriptor numbers of every process of the
// tree and returns what puts the old limits back. The limit caps numbers, not
// counts: descriptors at or above it stay open and usable, and numbers below
// it that are free may still be given out (see LeaveFDs). The caller calls
// restore in every case; it works once and skips processes that have ended.
func (t *Tree) LimitFDs(soft uint64) (restore func() error, err error) {
	return t.limit(func(Process) (uint64, error) { return soft, nil })
}

// LeaveFDs limits every process of the tree so that exactly free descriptor
// numbers are left to it: holes below its highest descriptor count.
func (t *Tree) LeaveFDs(free int) (restore func() error, err error) {
	return t.limit(func(p Process) (uint64, error) {
		used, err := p.fds()
		return softLimitFor(used, free), err
	})
}

// softLimitFor returns the greatest soft limit below which free numbers are
// not in used, which is in ascending order. The greatest, so that what the
// process closes it may open again: servers keep a spare descriptor to close
// when there are none left, and a limit below it would take that from them.
func softLimitFor(used []int, free int) uint64 {
	limit := 0
	for _, fd := range used {
		holes := fd - limit
		if holes > free {
			break
		}
		free -= holes
		limit = fd + 1
	}
	return uint64(limit + free)
}

// Room is what a process may still open.
type Room struct {
	Process
	Open int // descriptors that it has
	Soft int // its soft limit on their numbers
}

// Rooms lists what every process of the tree may still open.
func (t *Tree) Rooms() ([]Room, error) {
	var list []Room
	err := t.each(func(p Process) error {
		var limit rlimit
		if err := prlimit(p, nil, &limit); err != nil {
			return err
		}
		open, err := p.fds()
		list = append(list, Room{Process: p, Open: len(open), Soft: int(min(limit.Cur, math.MaxInt32))})
		return err
	})
	return list, err
}

func (t *Tree) limit(soft func(Process) (uint64, error)) (func() error, error) {
	type saved struct {
		Process
		limit rlimit
	}
	var list []saved
	var once sync.Once
	var restored error
	restore := func() error {
		once.Do(func() {
			for _, s := range list {
				err := prlimit(s.Process, &s.limit, nil)
				if !errors.Is(err, ErrGone) && !errors.Is(err, ErrReused) {
					restored = errors.Join(restored, err)
				}
			}
		})
		return restored
	}
	err := t.each(func(p Process) error {
		var old rlimit
		if err := prlimit(p, nil, &old); err != nil {
			return err
		}
		n, err := soft(p)
		if err != nil {
			return err
		}
		limit := rlimit{Cur: min(n, old.Max), Max: old.Max}
		if err := prlimit(p, &limit, nil); err != nil {
			return err
		}
		list = append(list, saved{p, old})
		return nil
	})
	if err != nil {
		return func() error { return nil }, errors.Join(err, restore())
	}
	return restore, nil
}
