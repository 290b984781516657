package observe

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// CPU returns the user and system time that the tree has used, processes and
// threads that ended included. Its group tells it exactly. Without one, the time of
// a process that started and ended between two readings is told by the parent that
// waited for it, in ticks of 10 ms; of one that nobody in the tree waits for, as
// where SIGCHLD is ignored, what was read last is kept, and the rest is lost. It
// never shrinks.
func (t *Tree) CPU() (time.Duration, error) {
	if t.cgroup != nil {
		if _, err := t.members(); err != nil {
			return t.used, err
		}
		if used, err := t.cgroup.CPU(); err == nil {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.used = max(t.used, used)
			return t.used, nil
		}
	}
	t.mu.Lock()
	for _, a := range t.known {
		a.lives = false
	}
	t.mu.Unlock()
	err := t.each(func(p Process) error {
		used, err := p.CPU()
		if err != nil {
			return err
		}
		s, err := readStat(p.Pid)
		if err != nil {
			return err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		a := t.known[p]
		a.cpu, a.reaped, a.lives = used, ticks(s.reaped), true
		if !a.seen && t.joined {
			a.reapedBefore = a.reaped
		}
		a.seen = true
		return nil
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	// What ended is told twice, by whoever waited for it and by what was read of it
	// before: neither tells all, and the greater is no more than the truth.
	var living, waited, ended time.Duration
	for _, a := range t.known {
		if a.lives {
			living += a.cpu
			waited += a.reaped - a.reapedBefore
		} else {
			ended += a.cpu + a.reaped - a.reapedBefore
		}
	}
	t.used = max(t.used, living+max(waited, ended))
	return t.used, err
}

// ticks are hundredths of a second: USER_HZ, the same on every Linux.
func ticks(n uint64) time.Duration { return time.Duration(n) * time.Second / 100 }

// CPU returns the user and system time of all threads that the process ever
// had. It asks the process's CPU clock, in nanoseconds; where the kernel
// refuses, /proc/PID/stat serves, which counts in ticks of 10 ms.
func (p Process) CPU() (time.Duration, error) {
	if used, ok := cpuClock(p.Pid); ok {
		if err := p.Check(); err != nil && !errors.Is(err, ErrGone) {
			return 0, err
		}
		return used, nil
	}
	s, err := readStat(p.Pid)
	if err != nil {
		return 0, err
	}
	if s.start != p.Start {
		return 0, ErrReused
	}
	return ticks(s.userTicks + s.kernelTick), nil
}

// RSS returns the resident memory of the tree in bytes. Pages that its
// processes share count once for each of them; PSS divides them.
func (t *Tree) RSS() (int64, error) {
	return t.sum(func(p Process) (int64, error) {
		words, err := ask(p, func(tid int) ([]string, error) { return fields(below(tid, "statm")) })
		if err != nil || len(words) < 2 {
			return 0, err
		}
		pages, err := strconv.ParseInt(words[1], 10, 64)
		return pages * int64(os.Getpagesize()), err
	})
}

// PSS returns the proportional memory of the tree in bytes: a page that n
// processes share counts 1/n for each.
func (t *Tree) PSS() (int64, error) {
	return t.sum(func(p Process) (int64, error) {
		return ask(p, proportional)
	})
}

// Memory returns the memory of the tree in bytes as nobody counts it twice: PSS,
// or the resident memory of a tree of one process whose maps may not be read.
func (t *Tree) Memory() (int64, error) {
	n, err := t.PSS()
	if !errors.Is(err, ErrDenied) {
		return n, err
	}
	if live, alone := t.members(); alone != nil || len(live) != 1 {
		return 0, err
	}
	return t.RSS()
}

// Wrote returns how many bytes the processes that run now have written anywhere by
// write(2) and its kin, a log and standard error among them. What a process that has
// ended wrote is lost, so it may shrink.
func (t *Tree) Wrote() (int64, error) {
	return t.sum(func(p Process) (int64, error) {
		return ask(p, func(tid int) (int64, error) {
			text, err := os.ReadFile(below(tid, "io"))
			if err != nil {
				return 0, err
			}
			for line := range strings.Lines(string(text)) {
				if digits, found := strings.CutPrefix(line, "wchar: "); found {
					return strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
				}
			}
			return 0, fmt.Errorf("%s tells no wchar", below(tid, "io"))
		})
	})
}

// ContextSwitches counts how often threads left a CPU.
type ContextSwitches struct {
	Voluntary   int64 // the thread waited for something
	Involuntary int64 // the scheduler took the CPU
}

// Switches sums the context switches of the threads that run now. The count of
// a thread that ended is lost, so it may shrink.
func (t *Tree) Switches() (ContextSwitches, error) {
	var sum ContextSwitches
	err := t.eachThread(func(p Process, tid int) error {
		proc, err := procfs.NewFS(below(p.Pid, "task"))
		if err != nil {
			return kind(err)
		}
		thread, err := proc.Proc(tid)
		if err != nil {
			return kind(err)
		}
		status, err := thread.NewStatus()
		if err != nil {
			return kind(err)
		}
		sum.Voluntary += int64(status.VoluntaryCtxtSwitches)
		sum.Involuntary += int64(status.NonVoluntaryCtxtSwitches)
		return nil
	})
	return sum, err
}

// sum adds a fact over the processes of the tree.
func (t *Tree) sum(f func(Process) (int64, error)) (int64, error) {
	var sum int64
	err := t.each(func(p Process) error {
		n, err := f(p)
		sum += n
		return err
	})
	return sum, err
}

// fields reads a one-line file of /proc.
func fields(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, kind(err)
	}
	words := strings.Fields(string(b))
	if len(words) == 0 { // what an exiting process shows
		return nil, fmt.Errorf("%s is empty: %w", path, ErrGone)
	}
	return words, nil
}
