package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// process is one started command: leader of a process group of its own, its
// output drained.
type process struct {
	identity observe.Process
	guard    *guard          // nil when there is none
	cgroup   *observe.Cgroup // nil when there is none
	out, err *output
	pipes    []*os.File // our ends of the output pipes
	drained  chan struct{}
	ended    chan struct{} // closed once the process was reaped; exit is set then
	exit     Exit
}

// startProcess runs argv, in the group and under the user where there is one. The started process gets
// SIGKILL when the thread that started it dies, so that thread is kept, locked,
// until it was reaped.
func startProcess(argv []string, dir string, env []string, group *observe.Cgroup, as *identity) (*process, error) {
	becomeSubreaper()
	keepToOurselves()
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		outR.Close()
		outW.Close()
		return nil, err
	}
	p := &process{cgroup: group, out: &output{}, err: &output{}, pipes: []*os.File{outR, errR}, drained: make(chan struct{}), ended: make(chan struct{})}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, outW, errW
	cmd.SysProcAttr = inGroup(group, as)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			ours.Store(cmd.Process.Pid, true)
			p.identity, err = observe.Identify(cmd.Process.Pid)
		}
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // the status says more than the error
		ours.Delete(cmd.Process.Pid)
		p.exit = exitOf(cmd.ProcessState)
		close(p.ended)
	}()
	err = <-started
	outW.Close()
	errW.Close()
	if err != nil {
		outR.Close()
		errR.Close()
		return nil, err
	}
	go func() {
		defer close(p.drained)
		other := make(chan struct{})
		go func() { defer close(other); p.out.drain(outR) }()
		p.err.drain(errR)
		<-other
	}()
	return p, nil
}

// ours are the pids of what this package started itself and has not collected.
var ours sync.Map

// printed is the tail of stderr, or of stdout where stderr is empty.
func (p *process) printed() string {
	if text := p.err.tail(); text != "" {
		return text
	}
	return p.out.tail()
}

// wait waits for the started process itself.
func (p *process) wait(ctx context.Context) (Exit, error) {
	if p.hasEnded() { // whatever ctx says
		return p.exit, nil
	}
	select {
	case <-p.ended:
		return p.exit, nil
	case <-ctx.Done():
		return Exit{}, fmt.Errorf("process %d still runs: %w", p.identity.Pid, ctx.Err())
	}
}

// hasEnded reports whether the started process itself has ended.
func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// killFor bounds the killing of one tree. A process that outlives it is stuck
// in the kernel, where no signal reaches it.
const killFor = 5 * time.Second

// kill ends every process of the tree and collects what is ours to collect.
func (p *process) kill(tree *observe.Tree) {
	// The group first: one call, before anything can fork again. The leader is
	// not reaped before it ends, so until then the number is its own.
	if !p.hasEnded() {
		killGroup(p.identity.Pid)
	}
	ctx, cancel := context.WithTimeout(context.Background(), killFor)
	defer cancel()
	for ctx.Err() == nil {
		live, err := tree.Processes()
		if err != nil { // none is left
			break
		}
		if p.cgroup != nil {
			_ = p.cgroup.Kill() // whoever forks meanwhile too
		}
		for _, member := range live {
			_ = member.Signal(syscall.SIGKILL)
		}
		_ = pause(ctx, time.Millisecond)
	}
	p.guard.stop()
	select {
	case <-p.ended:
	case <-ctx.Done():
	}
	collect(tree)
	if p.cgroup != nil {
		_ = p.cgroup.Remove() // what is stuck in the kernel keeps it, and harms nobody
	}
	p.readOn()
	p.settle() // whoever escaped may still hold the pipes; nothing waits for it
	for _, r := range p.pipes {
		r.Close()
	}
	<-p.drained
}

// settle waits a moment for the output of a process that has ended: it is in
// the pipes by then, but perhaps not read yet.
func (p *process) settle() {
	select {
	case <-p.drained:
	case <-time.After(200 * time.Millisecond):
	}
}

// collect reaps the tree's zombies that became our children.
func collect(tree *observe.Tree) {
	zombies, err := tree.Zombies()
	if err != nil {
		return
	}
	for z, parent := range zombies {
		if parent == os.Getpid() {
			reap(z)
		}
	}
}

// guard is a shell that kills a target as soon as we are gone, however we
// went: its standard input is a pipe that only we hold. It covers what the
// parent-death signal does not, the descendants of the started process: those
// in its group, and those elsewhere whose environment holds the nonce.
type guard struct {
	cmd  *exec.Cmd
	hold *os.File
}

// guardScript takes the group, the nonce, the scratch directory and the cgroup. It
// looks twice, since a process may fork while the first look is under way. A group can be
// removed once the last of its processes is collected, which only inotify announces.
const guardScript = `read _
for look in 1 2; do
	kill -KILL -- "-$1"
	for file in $(grep -alsF -- "$2" /proc/[0-9]*/environ); do
		pid=${file#/proc/}
		kill -KILL "${pid%/environ}"
	done
done 2>/dev/null
test -n "$3" && rm -rf -- "$3"
test -n "$4" || exit 0
echo 1 >"$4/cgroup.kill"
tries=0
while test -d "$4" && ! rmdir -- "$4" && test "$tries" -lt 100; do
	tries=$((tries + 1))
	sleep 0.01
done 2>/dev/null`

// startGuard returns nil where no shell can be started; the parent-death
// signal is left then.
func startGuard(group int, nonce, scratch, cgroup string) *guard {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", guardScript, "reactorspec-guard", strconv.Itoa(group), nonce, scratch, cgroup)
	cmd.Stdin = r
	cmd.SysProcAttr = inSession() // out of reach of the terminal's Ctrl-C
	if cmd.Start() != nil {
		w.Close()
		return nil
	}
	ours.Store(cmd.Process.Pid, true)
	return &guard{cmd, w}
}

func (g *guard) stop() {
	if g == nil || g.hold == nil {
		return
	}
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
	ours.Delete(g.cmd.Process.Pid)
	g.hold.Close()
	g.hold = nil
}

// notRunnable tells a command that cannot be run from a fault of ours.
func notRunnable(err error) bool {
	var exit *exec.Error
	return errors.As(err, &exit) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOEXEC)
}
