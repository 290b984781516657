package observe

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// CPU returns the user and system time that the tree has used, processes and
// threads that ended included. A process that both started and ended between
// two readings is counted only while its parent is not: it is lost.
func (t *Tree) CPU() (time.Duration, error) {
	err := t.each(func(p Process) error {
		used, err := p.CPU()
		if err != nil {
			return err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.known[p].cpu = int64(used)
		return nil
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	var sum time.Duration
	for _, a := range t.known {
		sum += time.Duration(a.cpu)
	}
	return sum, err
}

// CPU returns the user and system time of all threads that the process ever
// had. It asks the process's CPU clock, in nanoseconds; where the kernel
// refuses, /proc/PID/stat serves, which counts in ticks of 10 ms.
func (p Process) CPU() (time.Duration, error) {
	// clock_getcpuclockid(3) makes a clock id of a pid by these two steps;
	// 2 is CPUCLOCK_SCHED, the scheduler's own account of the whole process.
	clock := int32(^p.Pid)<<3 | 2
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err == nil {
		if err := p.Check(); err != nil && !errors.Is(err, ErrGone) {
			return 0, err
		}
		return time.Duration(ts.Nano()), nil
	}
	s, err := readStat(p.Pid)
	if err != nil {
		return 0, err
	}
	if s.start != p.Start {
		return 0, ErrReused
	}
	const tick = time.Second / 100 // USER_HZ, the same on every Linux
	return time.Duration(s.userTicks+s.kernelTick) * tick, nil
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
		return ask(p, func(tid int) (int64, error) {
			proc, err := procfs.NewProc(tid)
			if err != nil {
				return 0, err
			}
			rollup, err := proc.ProcSMapsRollup()
			return int64(rollup.Pss), err
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
