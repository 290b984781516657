package observe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Thread is one thread of the tree as the kernel shows it at this moment.
type Thread struct {
	Pid, Tid int
	Name     string
	State    byte   // R running, S sleeping, D uninterruptible, T stopped, …
	Wchan    string // kernel function it sleeps in; "0" or empty when it runs or the kernel hides it
	Syscall  Syscall
	OnCPU    time.Duration // time spent on a CPU
	RunDelay time.Duration // time spent runnable without a CPU
}

// Syscall is the system call that a sleeping thread is in.
type Syscall struct {
	Running bool // the thread runs: there is nothing else to tell
	Number  int  // as in the tables of this architecture; -1 when it sleeps outside a call
	Args    [6]uint64
}

// Threads lists the threads of the tree. The kernel functions and calls that
// this user may not see are left empty (Number −1).
func (t *Tree) Threads() ([]Thread, error) {
	var list []Thread
	err := t.eachThread(func(p Process, tid int) error {
		thread, err := readThread(p, tid)
		if err == nil {
			list = append(list, thread)
		}
		return err
	})
	return list, err
}

func readThread(p Process, tid int) (Thread, error) {
	dir := p.task(tid)
	s, err := readStatFile(dir + "/stat")
	if err != nil {
		return Thread{}, err
	}
	thread := Thread{Pid: p.Pid, Tid: tid, Name: s.name, State: s.state, Syscall: Syscall{Number: -1}}
	if thread.OnCPU, thread.RunDelay, err = readSchedstat(dir); err != nil {
		return Thread{}, err
	}
	if b, err := os.ReadFile(dir + "/wchan"); err == nil {
		thread.Wchan = string(b)
	}
	if words, err := fields(dir + "/syscall"); err == nil {
		thread.Syscall = parseSyscall(words)
	}
	return thread, nil
}

// task is the directory of one thread under /proc.
func (p Process) task(tid int) string { return below(p.Pid, "task/"+strconv.Itoa(tid)) }

// parseSyscall reads "running", "-1 sp pc" or "number six-arguments sp pc".
func parseSyscall(words []string) Syscall {
	call := Syscall{Number: -1}
	if words[0] == "running" {
		call.Running = true
		return call
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 0 || len(words) < 7 {
		return call
	}
	call.Number = n
	for i := range call.Args {
		call.Args[i], _ = strconv.ParseUint(strings.TrimPrefix(words[1+i], "0x"), 16, 64)
	}
	return call
}

// readSchedstat reads time on CPU, time waiting for one, and the number of slices.
func readSchedstat(dir string) (onCPU, delay time.Duration, err error) {
	words, err := fields(dir + "/schedstat")
	if err != nil {
		return 0, 0, err
	}
	if len(words) < 2 {
		return 0, 0, fmt.Errorf("%s/schedstat has %d fields", dir, len(words))
	}
	on, err1 := strconv.ParseInt(words[0], 10, 64)
	wait, err2 := strconv.ParseInt(words[1], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, 0, fmt.Errorf("%s/schedstat: %q is no pair of numbers", dir, words[:2])
	}
	return time.Duration(on), time.Duration(wait), nil
}

// threadDelay keeps the run delay of a thread beyond its end, and of threads
// that had the same number before.
type threadDelay struct{ before, last time.Duration }

// RunDelay returns how long threads of the tree were runnable without getting
// a CPU, in all; threads that ended count with their last reading. Divide by
// nothing: two threads that wait at the same time count twice.
func (t *Tree) RunDelay() (time.Duration, error) {
	err := t.eachThread(func(p Process, tid int) error {
		_, delay, err := readSchedstat(p.task(tid))
		if err != nil {
			return err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		d := t.known[p].delay[tid]
		if d == nil {
			d = &threadDelay{}
			t.known[p].delay[tid] = d
		}
		if delay < d.last { // a new thread has the number
			d.before += d.last
		}
		d.last = delay
		return nil
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	var sum time.Duration
	for _, a := range t.known {
		for _, d := range a.delay {
			sum += d.before + d.last
		}
	}
	return sum, err
}

// Delays returns the run delay of each thread that runs now, by thread number:
// the part of Threads that is cheap enough to sample.
func (t *Tree) Delays() (map[int]time.Duration, error) {
	delays := map[int]time.Duration{}
	err := t.eachThread(func(p Process, tid int) error {
		_, delay, err := readSchedstat(p.task(tid))
		if err == nil {
			delays[tid] = delay
		}
		return err
	})
	return delays, err
}

// Runnable counts the threads that run, or stand in line for a processor.
func (t *Tree) Runnable() (n int, err error) {
	err = t.eachThread(func(p Process, tid int) error {
		s, err := readStatFile(p.task(tid) + "/stat")
		if err == nil && s.state == 'R' {
			n++
		}
		return err
	})
	return n, err
}

// Crowds reports whether so many threads that run, or stand in line, crowd this machine:
// more than two for each processor, and than four.
func Crowds(runnable int) bool { return runnable > max(4, 2*runtime.NumCPU()) }

// eachThread calls f for every thread; one that vanishes meanwhile is skipped.
func (t *Tree) eachThread(f func(p Process, tid int) error) error {
	return t.each(func(p Process) error {
		tids, err := numbers(below(p.Pid, "task"))
		if err != nil {
			return err
		}
		var gone error
		seen := 0
		for _, tid := range tids {
			err := f(p, tid)
			if errors.Is(err, ErrGone) {
				gone = err
				continue
			}
			if err != nil {
				return err
			}
			seen++
		}
		if seen == 0 {
			return gone
		}
		return nil
	})
}
