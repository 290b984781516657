package target

import (
	"math"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// keepToOurselves lets no descriptor through to what is started. What whoever
// started us left open is none of the target's: the clauses on descriptors would
// find it there.
func keepToOurselves() { _ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }

// inGroup starts a process as the leader of a group, in the cgroup if there is one, and
// under the user if one is named; it dies when the thread that started it does.
func inGroup(cgroup *observe.Cgroup, as *identity) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if cgroup != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, cgroup.FD()
	}
	if as != nil {
		attr.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid, Groups: as.groups}
	}
	return attr
}

// ownerOf is who owns a file.
func ownerOf(info os.FileInfo) *identity {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return &identity{uid: s.Uid, gid: s.Gid}
	}
	return nil
}

// inSession starts a process in a session of its own.
func inSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func killGroup(leader int) { _ = unix.Kill(-leader, unix.SIGKILL) }

// reap collects a process that is a child of ours though exec did not start
// it: one that was orphaned. It does not wait.
func reap(p observe.Process) (Exit, bool) {
	var status unix.WaitStatus
	pid, err := unix.Wait4(p.Pid, &status, unix.WNOHANG, nil)
	if err != nil || pid != p.Pid {
		return Exit{}, false
	}
	return exitBy(syscall.WaitStatus(status)), true
}

// becomeSubreaper makes orphans of our targets our own children, so that one
// that leaves its parents behind is still found and collected.
var becomeSubreaper = sync.OnceFunc(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })

// exitOf is how a process ended that was started here.
func exitOf(state *os.ProcessState) Exit { return exitBy(state.Sys().(syscall.WaitStatus)) }

func exitBy(status syscall.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{Known: true, Signal: status.Signal()}
	}
	return Exit{Known: true, Code: status.ExitStatus()}
}

func signalName(s syscall.Signal) string { return unix.SignalName(s) }

// refuseReuse takes SO_REUSEADDR off a socket.
func refuseReuse(fd uintptr) error {
	return unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 0)
}

// narrowPipe makes a pipe as small as it can be, and returns how many bytes it holds. One that
// holds more at the moment stays as it is.
func narrowPipe(r *os.File) (room int, err error) {
	return ofFD(r, func(fd int) (int, error) {
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, os.Getpagesize())
		return unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	})
}

// unreadIn is how many bytes wait in a pipe.
func unreadIn(r *os.File) int {
	n, _ := ofFD(r, func(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.TIOCINQ) })
	return n
}

// ofFD asks something of a file's descriptor, and leaves its deadlines in force.
func ofFD(f *os.File, ask func(fd int) (int, error)) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if failed := raw.Control(func(fd uintptr) { n, err = ask(int(fd)) }); failed != nil {
		return 0, failed
	}
	return n, err
}
