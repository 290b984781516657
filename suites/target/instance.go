package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// Instance is a running target. Its methods may be called from any goroutine,
// but Restart and Stop by one at a time. What Tree, Pid and Stderr say is of the
// latest start.
type Instance struct {
	// Nonce is the value of REACTORSPEC_NONCE in the target's environment.
	Nonce string

	file    File
	addr    net.Addr
	owned   bool      // we started it
	scratch string    // {scratch}
	as      *identity // under whom it is started; nil: under whom we are
	guest   bool      // another instance was at the address first: its socket file is not ours to remove
	bare    bool      // the descriptors 0, 1 and 2 are closed at the start

	latest atomic.Pointer[life] // never nil
}

// life is one run of the target, from a start to its end.
type life struct {
	root observe.Process // the process that we started, or were told of
	main observe.Process // the process that takes signals: see Pid
	tree *observe.Tree   // nil when nothing is known of the process
	proc *process        // nil when attached
	exit *lastExit
	// wrapped: the started process waits for main. One that had ended when main
	// served has nothing to say about it.
	wrapped bool
}

// lastExit keeps how main ended, since a process can be collected only once.
type lastExit struct {
	mu   sync.Mutex
	exit *Exit
}

func instance(f File, addr net.Addr) *Instance {
	i := &Instance{file: f, addr: addr}
	i.latest.Store(&life{exit: &lastExit{}})
	return i
}

// Addr is where the target accepts connections; Network its network, tcp or unix.
func (i *Instance) Addr() net.Addr  { return i.addr }
func (i *Instance) Network() string { return i.addr.Network() }

// Pid is the process that takes the target's signals, 0 when it is not known: the
// one that was started, be it the server or the master of those who serve. Where a
// shell or a build tool started the server and hands no signal on, it is the one
// that listens.
func (i *Instance) Pid() int { return i.latest.Load().main.Pid }

// Tree is the target's process tree, nil for an attached target without a pid.
func (i *Instance) Tree() *observe.Tree { return i.latest.Load().tree }

// Owned reports whether we started the target, and so may kill and restart it.
func (i *Instance) Owned() bool { return i.owned }

// File is the target file of the instance.
func (i *Instance) File() File { return i.file }

// Signal sends a signal to the target's main process.
func (i *Instance) Signal(sig syscall.Signal) error {
	main := i.latest.Load().main
	if main.Pid == 0 {
		return errNoPid
	}
	return main.Signal(sig)
}

// Kill sends SIGKILL to all processes of an owned target, as an outage does that
// leaves nobody to clean up, and returns when they have ended.
func (i *Instance) Kill() error {
	if !i.owned {
		return errors.New("a target that was already running is not ours to kill")
	}
	l := i.latest.Load()
	l.proc.kill(l.tree)
	return nil
}

// Alive returns nil while the target's main process runs or is not known, and
// else what became of it.
func (i *Instance) Alive() error {
	main := i.latest.Load().main
	if main.Pid == 0 {
		return nil
	}
	return main.Check()
}

// Stderr is the tail of what the target printed on its standard error, or, if
// that is empty, on its standard output; sanitised, some twenty lines at most.
// It is empty for an attached target.
func (i *Instance) Stderr() string {
	if proc := i.latest.Load().proc; proc != nil {
		return proc.printed()
	}
	return ""
}

// Printed returns what the target printed on its standard error since so many bytes,
// raw and as far as it is kept, and how many bytes there are now. It is empty for an attached target.
func (i *Instance) Printed(since int64) (text []byte, total int64) {
	if proc := i.latest.Load().proc; proc != nil {
		return proc.err.since(since)
	}
	return nil, 0
}

// Exit says how a process ended.
type Exit struct {
	Known  bool           // false where the process was not our child to ask about
	Code   int            // exit status, if it was not killed
	Signal syscall.Signal // that killed it, or 0
}

// Clean reports exit status 0.
func (e Exit) Clean() bool { return e.Known && e.Code == 0 && e.Signal == 0 }

func (e Exit) String() string {
	switch {
	case !e.Known:
		return "ended, its exit status is not ours to know"
	case e.Signal != 0:
		return fmt.Sprintf("was killed by %s", signalName(e.Signal))
	}
	return fmt.Sprintf("exited with %d", e.Code)
}

var errNoPid = errors.New("the target's process is not known: give --pid")

// Wait waits until the target's main process has ended, or for ctx.
func (i *Instance) Wait(ctx context.Context) (Exit, error) {
	l := i.latest.Load()
	if l.main.Pid == 0 {
		return Exit{}, errNoPid
	}
	if l.proc != nil && l.main == l.root {
		return l.proc.wait(ctx)
	}
	for {
		err := l.main.Check()
		if errors.Is(err, observe.ErrGone) || errors.Is(err, observe.ErrReused) {
			break
		}
		if err != nil {
			return Exit{}, err
		}
		if err := pause(ctx, pollEvery); err != nil {
			return Exit{}, fmt.Errorf("process %d still runs: %w", l.main.Pid, err)
		}
	}
	l.exit.mu.Lock()
	defer l.exit.mu.Unlock()
	if l.exit.exit == nil {
		e := l.collect(ctx)
		l.exit.exit = &e
	}
	return *l.exit.exit, nil
}

// collect finds out how a main process that we did not start itself ended. A
// shell or a build tool around it hands the status on, soon or never.
func (l *life) collect(ctx context.Context) Exit {
	if e, ok := reap(l.main); ok || !l.wrapped {
		return e
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	e, _ := l.proc.wait(short)
	return e
}

// Stop ends an owned target: SIGKILL to its process group and to every process
// of its tree, whatever group or session it went to; its scratch directory is
// removed. It returns once nothing is left, may be called more than once, and
// leaves an attached target alone.
func (i *Instance) Stop() {
	if !i.owned {
		return
	}
	i.kill()
	if i.scratch != "" {
		os.RemoveAll(i.scratch)
	}
}

func (i *Instance) kill() {
	if l := i.latest.Load(); l.proc != nil {
		l.proc.kill(l.tree)
	}
	if u, ok := i.addr.(*net.UnixAddr); ok && !i.guest {
		os.Remove(u.Name) // a killed server cannot
	}
}

// Restart ends an owned target and starts it again at the same address. It
// waits for nothing between, so a server that cannot take its port back while
// old connections linger fails here (ErrExited or ErrSilent).
func (i *Instance) Restart(ctx context.Context) error {
	if !i.owned {
		return errors.New("a target that was already running is not ours to restart")
	}
	i.kill()
	return i.start(ctx)
}

// Leftover lists the processes of the target that still run.
func (i *Instance) Leftover() []observe.Process {
	tree := i.Tree()
	if tree == nil {
		return nil
	}
	live, err := tree.Processes()
	if err != nil {
		return nil
	}
	return live
}

// Strays lists orphans that are younger than the target and came to us, as whoever
// takes orphans, though no target of ours can be charged with them. There are none
// where each has a cgroup.
func (i *Instance) Strays() []observe.Process {
	l := i.latest.Load()
	if l.proc == nil {
		return nil
	}
	children, err := observe.Children()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(children, func(p observe.Process) bool {
		_, started := ours.Load(p.Pid)
		return started || p.Start < l.root.Start || l.tree.Has(p.Pid)
	})
}

// pollEvery is how soon the life cycle looks again at a condition that the
// kernel does not announce, and pollMost how long the pauses grow.
const (
	pollEvery = 5 * time.Millisecond
	pollMost  = 40 * time.Millisecond
)

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
