package observe

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// What Linux alone is asked. Whoever asks it elsewhere has no target: Here says so.

// Here is nil where processes can be observed: on Linux.
func Here() error { return nil }

type rlimit = unix.Rlimit

// prlimit reads or sets RLIMIT_NOFILE of p, this very process and no other of its pid.
func prlimit(p Process, set, old *rlimit) error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := unix.Prlimit(p.Pid, unix.RLIMIT_NOFILE, set, old); err != nil {
		return fmt.Errorf("process %d: %w", p.Pid, kind(os.NewSyscallError("prlimit", err)))
	}
	return nil
}

// The signals that halt a process and let it go on.
const (
	Stop     = unix.SIGSTOP
	Continue = unix.SIGCONT
)

// harmless signals have no effect unless a program asks for them.
var harmless = []unix.Signal{unix.SIGCHLD, unix.SIGURG, unix.SIGCONT}

// Nudge sends the thread a harmless signal, of several the nth.
func (t Thread) Nudge(n int) { _ = unix.Tgkill(t.Pid, t.Tid, harmless[n%len(harmless)]) }

// cpuClock reads the CPU clock of a process, which counts what ended threads used too.
func cpuClock(pid int) (time.Duration, bool) {
	// clock_getcpuclockid(3) makes a clock id of a pid by these two steps;
	// 2 is CPUCLOCK_SCHED, the scheduler's own account of the whole process.
	clock := int32(^pid)<<3 | 2
	var ts unix.Timespec
	err := unix.ClockGettime(clock, &ts)
	return time.Duration(ts.Nano()), err == nil
}

// sameFile reports whether two descriptors of a process are duplicates, of one open
// file description; false where the kernel does not tell (kcmp(2) left out of it).
func sameFile(tid, a, b int) bool {
	const file = 0 // KCMP_FILE
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(tid), uintptr(tid), file, uintptr(a), uintptr(b), 0)
	return errno == 0 && order == 0
}

// proportional is the memory, in bytes, of one process as PSS counts it.
func proportional(tid int) (int64, error) {
	proc, err := procfs.NewProc(tid)
	if err != nil {
		return 0, err
	}
	rollup, err := proc.ProcSMapsRollup()
	return int64(rollup.Pss), err
}
