// Package observe reads what the kernel says about a target: CPU time, memory,
// descriptors, threads and pollers from /proc, over the whole process tree, and
// how far this machine itself delayed everybody (Canary).
//
// A process is known by pid and start time together, so a process that
// vanished (ErrGone) is told from another one that got its pid (ErrReused).
// Everything here works on other people's processes: a fact that cannot be
// read for want of rights is an error (ErrDenied) and never a zero.
//
// It changes with the checks: there is no compatibility promise.
package observe

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"
)

var (
	// ErrGone is reported when a process has exited (a zombie counts).
	ErrGone = errors.New("process has exited")
	// ErrReused is reported when a pid belongs to a younger process by now.
	ErrReused = errors.New("pid belongs to another process now")
	// ErrDenied is reported when this user may not read or change the fact.
	ErrDenied = errors.New("permission denied: " + rights(os.Geteuid()))
	// ErrSystem is reported where there is no Linux to ask; see Here.
	ErrSystem = errors.New("servers are started and observed on Linux alone")
	// ErrNoListener says that nobody who can be seen listens at an address.
	ErrNoListener = errors.New("no listener is seen at that address")
)

// rights says what a user has to do who was denied something; root in a container has
// not every capability (capabilities(7)).
func rights(uid int) string {
	if uid == 0 {
		return "root lacks a capability here (CAP_SYS_PTRACE to look into a process, CAP_SYS_RESOURCE to raise its limits)"
	}
	return "run as the target's user or as root"
}

// Process is the identity of a process.
type Process struct {
	Pid   int
	Start uint64 // start time in clock ticks since boot, field 22 of stat
}

// Identify returns the identity of the process that has pid now; ErrGone if
// there is none.
func Identify(pid int) (Process, error) {
	s, err := readStat(pid)
	if err != nil {
		return Process{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return Process{Pid: pid, Start: s.start}, nil
}

// Check returns nil while the process runs, else ErrGone or ErrReused.
func (p Process) Check() error {
	s, err := readStat(p.Pid)
	switch {
	case err != nil:
		return fmt.Errorf("process %d: %w", p.Pid, err)
	case s.start != p.Start:
		return fmt.Errorf("process %d: %w", p.Pid, ErrReused)
	case s.dead():
		return fmt.Errorf("process %d: %w", p.Pid, ErrGone)
	}
	return nil
}

// Signal sends a signal to this very process and never to a successor of its pid.
func (p Process) Signal(sig syscall.Signal) error {
	// FindProcess holds a pidfd; the start time read after it was opened proves
	// whose it is.
	handle, err := os.FindProcess(p.Pid)
	if err != nil {
		return fmt.Errorf("process %d: %w", p.Pid, kind(err))
	}
	defer handle.Release() //nolint:errcheck // Release of an unwaited process cannot fail usefully.
	if s, err := readStat(p.Pid); err != nil {
		return fmt.Errorf("process %d: %w", p.Pid, err)
	} else if s.start != p.Start {
		return fmt.Errorf("process %d: %w", p.Pid, ErrReused)
	}
	if err := handle.Signal(sig); err != nil {
		return fmt.Errorf("process %d: %w", p.Pid, kind(err))
	}
	return nil
}

// Handles reports whether the process has a handler for a signal, or its first thread
// blocks it, as who takes it by signalfd(2) or sigwait(3) has to.
func (p Process) Handles(sig syscall.Signal) (bool, error) {
	return ask(p, func(tid int) (handles bool, err error) {
		text, err := os.ReadFile(below(tid, "status"))
		if err != nil {
			return false, err
		}
		for line := range bytes.Lines(text) {
			name, digits, _ := bytes.Cut(line, []byte(":"))
			if name := string(name); name != "SigCgt" && name != "SigBlk" {
				continue
			}
			mask, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 16, 64)
			if err != nil {
				return false, err
			}
			handles = handles || mask&(1<<(sig-1)) != 0
		}
		return handles, nil
	})
}

// Name is the name of the process's first thread, at most 15 bytes.
func (p Process) Name() (string, error) {
	s, err := readStat(p.Pid)
	if err == nil && s.start != p.Start {
		err = ErrReused
	}
	return s.name, err
}

// stat is what we use of /proc/PID/stat and /proc/PID/task/TID/stat, proc(5).
type stat struct {
	name                  string
	state                 byte
	flags                 uint64 // of the kernel's linux/sched.h
	ppid, group, session  int
	userTicks, kernelTick uint64
	reaped                uint64 // ticks of children, and theirs, that it waited for
	threads               int
	start                 uint64
}

// ended is true for the line of a thread that is a zombie, or in the short
// states around it.
func (s stat) ended() bool { return s.state == 'Z' || s.state == 'X' || s.state == 'x' }

// leaving is true for the line of a thread that has ended or is on its way out:
// exit(2) has begun, and what the kernel shows of it is no longer so.
func (s stat) leaving() bool {
	const exiting = 0x4 // PF_EXITING
	return s.ended() || s.flags&exiting != 0
}

// dead is true for the line of a process of which no thread is left. One whose
// first thread alone has ended shows as a zombie too and lives, pthread_exit(3);
// so does, for a moment, one whose other threads are still ending, and until
// they have it cannot be collected.
func (s stat) dead() bool { return s.ended() && s.threads <= 1 }

func readStat(pid int) (stat, error) {
	return readStatFile("/proc/" + strconv.Itoa(pid) + "/stat")
}

func readStatFile(path string) (stat, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return stat{}, kind(err)
	}
	return parseStat(b)
}

// parseStat reads a stat line. The name stands in parentheses and may hold
// blanks and parentheses itself, so the last one closes it.
func parseStat(b []byte) (stat, error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("stat line %.40q has no name", b)
	}
	words := bytes.Fields(b[end+1:])
	const needed = 20 // fields 3 to 22
	if len(words) < needed || len(words[0]) != 1 {
		return stat{}, fmt.Errorf("stat line %.40q is too short", b)
	}
	s := stat{name: string(b[open+1 : end]), state: words[0][0]}
	var failed error
	number := func(field int) uint64 {
		n, err := strconv.ParseInt(string(words[field-3]), 10, 64)
		if err != nil {
			failed = fmt.Errorf("stat line %.40q: field %d: %w", b, field, err)
		}
		return uint64(n)
	}
	s.ppid, s.group, s.session = int(number(4)), int(number(5)), int(number(6))
	s.flags = number(9)
	s.userTicks, s.kernelTick = number(14), number(15)
	s.reaped = number(16) + number(17)
	s.threads, s.start = int(number(20)), number(22)
	return s, failed
}

// kind turns the errors of reading /proc and of signalling into ours.
func kind(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ESRCH), errors.Is(err, os.ErrProcessDone):
		return ErrGone
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (%v)", ErrDenied, err)
	}
	return err
}

// pids lists the processes of this machine.
func pids() ([]int, error) { return numbers("/proc") }

// numbers lists the entries of a directory that are numbers, in order.
func numbers(dir string) ([]int, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, kind(err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, kind(err)
	}
	var list []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}
