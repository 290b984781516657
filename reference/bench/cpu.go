package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// settle is how long a server is left alone before its CPU time is read. The
// kernel brings the figure of a running thread up to date only at its ticks; a
// thread that went to sleep is exact.
const settle = 3 * time.Millisecond

// processCPU is the CPU time that all threads of pid have used: the sum over
// task/*/schedstat, or, when it is greater because threads have ended, the
// process CPU clock, which keeps their share.
func processCPU(pid int) (time.Duration, error) {
	<-time.After(settle)
	tasks, err := tasksOf(pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, tid := range tasks {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, tid))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // ended since the listing; the process clock has it
		}
		if err != nil {
			return 0, err
		}
		first, _, _ := bytes.Cut(b, []byte(" "))
		ns, err := strconv.ParseInt(string(first), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("schedstat of thread %d: %w", tid, err)
		}
		sum += time.Duration(ns)
	}
	var ts unix.Timespec
	// The kernel's encoding of "process CPU clock of pid" (CPUCLOCK_SCHED), see clock_getcpuclockid(3).
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return max(sum, time.Duration(ts.Nano())), nil
}

// tasksOf lists the thread IDs of pid.
func tasksOf(pid int) ([]int, error) {
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		return nil, err
	}
	tids := make([]int, 0, len(entries))
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids, nil
}

// pin moves every thread of this process to one core; threads made later inherit it.
func pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	tids, err := tasksOf(os.Getpid())
	if err != nil {
		return err
	}
	for _, tid := range tids {
		if err := unix.SchedSetaffinity(tid, &set); err != nil {
			return os.NewSyscallError("sched_setaffinity", err)
		}
	}
	return nil
}
