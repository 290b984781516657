package observe

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// burn is a shell command that uses some tenths of a second of CPU time.
const burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"

// spent starts the shell, in the group where there is one, and returns its tree and
// what lets it end.
func spent(t *testing.T, script string, group *Cgroup) *Tree {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script+"; echo; read _")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var options []Option
	if group != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: group.FD()}
		options = []Option{Contained(group)}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	root, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	tree := TreeOf(root, options...)
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	return tree
}

// used is the tree's CPU time, which has to be what burn takes.
func used(t *testing.T, tree *Tree) time.Duration {
	t.Helper()
	d, err := tree.CPU()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What a child used counts though it came and went unseen.
func TestCPUOfChildrenThatEnded(t *testing.T) {
	self := used(t, spent(t, burn, nil))
	child := used(t, spent(t, "( "+burn+" ) & wait", nil))
	if child < self/4 || child > 4*self {
		t.Errorf("%v in a child that ended, %v in the process itself", child, self)
	}
	joined, err := OpenTree(spent(t, "( "+burn+" ) & wait", nil).Root().Pid)
	if err != nil {
		t.Fatal(err)
	}
	if before := used(t, joined); before > self/4 {
		t.Errorf("a tree that was opened late is charged with %v of before", before)
	}
}

// Whoever nobody waited for is told by the group alone.
func TestCPUOfAGroup(t *testing.T) {
	group, err := NewCgroup("reactorspec-observe-test")
	if err != nil {
		t.Skip("no cgroup can be made here: ", err)
	}
	defer func() {
		if err := group.Remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(group.Dir()); !os.IsNotExist(err) {
			t.Errorf("the group is left: %v", err)
		}
	}()
	self := used(t, spent(t, burn, nil))
	t.Run("orphans", func(t *testing.T) { // its processes end before the group is removed
		tree := spent(t, "( ( "+burn+" ) & ); sleep 2", group)
		if orphan := used(t, tree); orphan < self/4 {
			t.Errorf("%v in an orphan, %v in a process itself", orphan, self)
		}
		live, err := tree.Processes()
		if err != nil || len(live) == 0 {
			t.Errorf("processes %v, %v", live, err)
		}
	})
}

func TestHandles(t *testing.T) {
	plain, err := Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if handles, err := plain.Handles(syscall.SIGTERM); err != nil || !handles {
		t.Errorf("a Go program has handlers of its own: %v, %v", handles, err)
	}
	shell := spent(t, "true", nil).Root()
	if handles, err := shell.Handles(syscall.SIGTERM); err != nil || handles {
		t.Errorf("a shell has no handler for SIGTERM: %v, %v", handles, err)
	}
}

func TestHeldSockets(t *testing.T) {
	a := start(t, "plain")
	held, err := a.tree().HeldSockets()
	if err != nil || len(held) != 0 {
		t.Errorf("a process without sockets holds %v, %v", held, err)
	}
}

func TestRunnable(t *testing.T) {
	self, err := OpenTree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := self.Runnable(); n < 1 || err != nil {
		t.Errorf("%d threads of this process run, %v: the one that looks does", n, err)
	}
	if Crowds(4) {
		t.Error("four threads are a crowd")
	}
	if !Crowds(10 * runtime.NumCPU()) {
		t.Error("ten threads for each processor are none")
	}
}

func TestWrote(t *testing.T) {
	a := start(t, "plain")
	tree := a.tree()
	wrote := func() int64 {
		n, err := tree.Wrote()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := wrote()
	said := a.tell("burn 1ms") + "\n"
	if more := wrote() - before; more < int64(len(said)) {
		t.Errorf("it wrote %d bytes more, and said %d", more, len(said))
	}
}
