package observe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestIdentity(t *testing.T) {
	a := start(t, "plain")
	p, err := Identify(a.pid())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	other := Process{Pid: p.Pid, Start: p.Start - 1} // as if the pid had been another's before
	if err := other.Check(); !errors.Is(err, ErrReused) {
		t.Errorf("reused: %v", err)
	}
	if err := other.Signal(syscall.SIGKILL); !errors.Is(err, ErrReused) {
		t.Errorf("signal to a stranger: %v", err)
	}
	if _, err := other.CPU(); !errors.Is(err, ErrReused) {
		t.Errorf("CPU of a stranger: %v", err)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	until(t, "the process ends", func() bool { return errors.Is(p.Check(), ErrGone) }) // a zombie now
	_ = a.cmd.Wait()
	if err := p.Check(); !errors.Is(err, ErrGone) {
		t.Errorf("reaped: %v", err)
	}
	if err := p.Signal(syscall.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("signal to nobody: %v", err)
	}
	if _, err := Identify(1 << 22); !errors.Is(err, ErrGone) {
		t.Errorf("no such pid: %v", err)
	}
}

// A process lives while one of its threads does, whichever.
func TestFirstThreadEnded(t *testing.T) {
	a := start(t, "headless")
	until(t, "the first thread ends", func() bool {
		s, err := readStatFile("/proc/" + strconv.Itoa(a.pid()) + "/stat")
		return err == nil && s.ended()
	})
	tree := a.tree(Marked("OBSERVE_MARK=" + t.Name()))
	if live, err := tree.Processes(); err != nil || len(live) != 1 {
		t.Errorf("processes: %v, %v", live, err)
	}
	if zombies, err := tree.Zombies(); err != nil || len(zombies) != 0 {
		t.Errorf("zombies: %v, %v", zombies, err)
	}
	if listeners, err := tree.Listeners(); err != nil || len(listeners) != 1 {
		t.Errorf("listeners: %v, %v", listeners, err)
	}
	if n, err := tree.RSS(); err != nil || n == 0 {
		t.Errorf("memory: %d, %v", n, err)
	}
	if n, err := tree.FDs(); err != nil || n < 4 {
		t.Errorf("descriptors: %d, %v", n, err)
	}
	_ = a.to.Close()
	until(t, "the others end", func() bool { return errors.Is(tree.Root().Check(), ErrGone) })
}

// Every fact of a tree whose processes ended is ErrGone, never a zero.
func TestGoneTree(t *testing.T) {
	a := start(t, "plain")
	tree := a.tree()
	if _, err := tree.RSS(); err != nil {
		t.Fatal(err)
	}
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
	for name, f := range map[string]func() error{
		"Processes":   func() error { _, err := tree.Processes(); return err },
		"CPU":         func() error { _, err := tree.CPU(); return err },
		"RSS":         func() error { _, err := tree.RSS(); return err },
		"PSS":         func() error { _, err := tree.PSS(); return err },
		"FDs":         func() error { _, err := tree.FDs(); return err },
		"MaxFD":       func() error { _, err := tree.MaxFD(); return err },
		"Threads":     func() error { _, err := tree.Threads(); return err },
		"Pollers":     func() error { _, err := tree.Pollers(); return err },
		"Listeners":   func() error { _, err := tree.Listeners(); return err },
		"Descriptors": func() error { _, err := tree.Descriptors(); return err },
		"Switches":    func() error { _, err := tree.Switches(); return err },
		"RunDelay":    func() error { _, err := tree.RunDelay(); return err },
		"LimitFDs":    func() error { _, err := tree.LimitFDs(100); return err },
	} {
		if err := f(); !errors.Is(err, ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTreeFollowsDescendants(t *testing.T) {
	a := start(t, "plain")
	tree := a.tree(Grouped(), Marked("OBSERVE_MARK="+t.Name()))
	pids := func() string {
		live, err := tree.Processes()
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, p := range live {
			list = append(list, strconv.Itoa(p.Pid))
		}
		return strings.Join(list, " ")
	}
	me := strconv.Itoa(a.pid())
	if got := pids(); got != me {
		t.Fatalf("alone: %s, want %s", got, me)
	}
	child := a.tell("child")
	if got := pids(); got != me+" "+child {
		t.Errorf("with a child: %s, want %s %s", got, me, child)
	}
	away := a.tell("child session")
	// Its parent and its group are gone before anybody looks: the mark is left.
	fresh := a.tree(Grouped(), Marked("OBSERVE_MARK="+t.Name()))
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
	for name, tree := range map[string]*Tree{"known before": tree, "fresh": fresh} {
		childPid, _ := strconv.Atoi(child)
		awayPid, _ := strconv.Atoi(away)
		if !tree.Has(childPid) || !tree.Has(awayPid) {
			t.Errorf("%s: orphans %s and %s are not in the tree", name, child, away)
		}
		if tree.Has(os.Getpid()) || tree.Has(1) {
			t.Errorf("%s: strangers are in the tree", name)
		}
	}
	live, _ := tree.Processes()
	for _, p := range live {
		if err := p.Signal(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
}

func TestCPUSurvivesThreads(t *testing.T) {
	a := start(t, "plain")
	tree := a.tree()
	cpu := func() time.Duration {
		d, err := tree.CPU()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := cpu()
	a.tell("burn 60ms")
	used := cpu() - before
	if used < 60*time.Millisecond || used > 600*time.Millisecond {
		t.Errorf("used %s, want 60 ms and a little", used)
	}
	quiet := cpu()
	if more := cpu() - quiet; more > 50*time.Millisecond {
		t.Errorf("a process that sleeps used %s", more)
	}
	delay, err := tree.RunDelay()
	if err != nil || delay < 0 {
		t.Errorf("run delay %s, %v", delay, err)
	}
	again, err := tree.RunDelay()
	if err != nil || again < delay {
		t.Errorf("run delay shrank from %s to %s, %v", delay, again, err)
	}
}

func TestMemory(t *testing.T) {
	tree := start(t, "plain").tree()
	rss, err := tree.RSS()
	if err != nil || rss < 1<<20 || rss > 1<<30 {
		t.Errorf("RSS %d, %v", rss, err)
	}
	pss, err := tree.PSS()
	if err != nil || pss < 100<<10 || pss > rss*2 {
		t.Errorf("PSS %d beside RSS %d, %v", pss, rss, err)
	}
}

func TestDescriptors(t *testing.T) {
	a := start(t, "leaky")
	tree := a.tree()
	before, err := tree.FDs()
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := tree.SocketFDs()
	if err != nil {
		t.Fatal(err)
	}
	if got := a.tell("open 7"); got != "opened" {
		t.Fatal(got)
	}
	if now, err := tree.SocketFDs(); err != nil || now != sockets {
		t.Errorf("%d sockets, had %d: %v", now, sockets, err)
	}
	after, err := tree.FDs()
	if err != nil || after != before+7 {
		t.Errorf("%d descriptors, had %d: %v", after, before, err)
	}
	missing, err := tree.CloexecMissing()
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, d := range missing {
		if d.Kind != "file" || d.Link != "/dev/null" || d.Cloexec() {
			t.Errorf("%+v", d)
		}
		numbers = append(numbers, strconv.Itoa(d.FD))
	}
	if got := strings.Join(numbers, " "); got != a.first {
		t.Errorf("without close-on-exec: %s, want %s", got, a.first)
	}
	highest, err := tree.MaxFD()
	if err != nil || highest < after-1 {
		t.Errorf("highest %d of %d: %v", highest, after, err)
	}
}

func TestPollers(t *testing.T) {
	a := start(t, "poller")
	tree := a.tree()
	var epoll, twin, event, tid int
	if _, err := fmt.Sscan(a.first, &epoll, &twin, &event, &tid); err != nil {
		t.Fatal(err)
	}
	pollers, err := tree.Pollers()
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, p := range pollers {
		if !slices.ContainsFunc(p.Watched, func(w Watch) bool { return w.FD == event && w.Kind == "eventfd" }) {
			continue // Go's own
		}
		found = append(found, p.FD)
		if len(p.Watched) != 1 || p.Pid != a.pid() {
			t.Fatalf("%+v", p)
		}
		// The kernel adds EPOLLERR and EPOLLHUP to every watch.
		w := p.Watched[0]
		if want := uint32(unix.EPOLLIN | unix.EPOLLET | unix.EPOLLERR | unix.EPOLLHUP); w.FD != event || w.Kind != "eventfd" || w.Events != want {
			t.Errorf("%+v, want fd %d, events %#x", w, event, want)
		}
	}
	if !slices.Equal(found, []int{epoll, twin}) { // not the duplicate of the first
		t.Errorf("the pollers of descriptor %d are %v, want %d and %d", event, found, epoll, twin)
	}
	until(t, "the thread waits in epoll_pwait", func() bool {
		threads, err := tree.Threads()
		if err != nil {
			t.Fatal(err)
		}
		for _, th := range threads {
			if th.Tid == tid {
				inWait := th.Syscall.Number == unix.SYS_EPOLL_PWAIT || th.Syscall.Number == unix.SYS_EPOLL_WAIT
				return inWait && int(th.Syscall.Args[0]) == epoll && th.Syscall.Args[3] == 60_000 && th.State == 'S'
			}
		}
		return false
	})
	switches, err := tree.Switches()
	if err != nil || switches.Voluntary == 0 {
		t.Errorf("%+v, %v", switches, err)
	}
}

func TestListeners(t *testing.T) {
	a := start(t, "server")
	tree := a.tree()
	addr, err := net.ResolveTCPAddr("tcp", a.first)
	if err != nil {
		t.Fatal(err)
	}
	list, err := tree.Listeners()
	if err != nil || len(list) != 1 || list[0].Local != a.first || list[0].Pid != a.pid() || list[0].Network != "tcp" {
		t.Fatalf("%+v, %v", list, err)
	}
	if owns, err := tree.Owns(addr); !owns || err != nil {
		t.Errorf("owns: %v, %v", owns, err)
	}
	// A connection that waits for accept is counted by the listener.
	c, err := net.Dial("tcp", a.first)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	mine, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if owns, err := tree.Owns(mine.Addr()); owns || !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("a stranger's: %v, %v", owns, err)
	}
	mine.Close()
	if owns, err := tree.Owns(mine.Addr()); owns || err != nil {
		t.Errorf("nobody's: %v, %v", owns, err)
	}

	path := filepath.Join(t.TempDir(), "s")
	u := start(t, "unix-server", path)
	if owns, err := u.tree().Owns(&net.UnixAddr{Net: "unix", Name: path}); !owns || err != nil {
		t.Errorf("unix: %v, %v", owns, err)
	}
}

func TestLimitAndRestore(t *testing.T) {
	a := start(t, "plain")
	tree := a.tree()
	limit := func() (l unix.Rlimit) {
		if err := unix.Prlimit(a.pid(), unix.RLIMIT_NOFILE, nil, &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	before := limit()
	restore, err := tree.LeaveFDs(5)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.tell("open 5"); got != "opened" {
		t.Errorf("five numbers were to be left: %s", got)
	}
	if got := a.tell("open 1"); !strings.Contains(got, "too many open files") {
		t.Errorf("a sixth number: %s", got)
	}
	for range 2 {
		if err := restore(); err != nil {
			t.Error(err)
		}
		if got := limit(); got != before {
			t.Errorf("limit %+v, was %+v", got, before)
		}
	}
	if restore, err = tree.LimitFDs(64); err != nil || limit().Cur != 64 || limit().Max != before.Max {
		t.Errorf("limit %+v: %v", limit(), err)
	}
	open, err := tree.FDs()
	if err != nil {
		t.Fatal(err)
	}
	if rooms, err := tree.Rooms(); err != nil || len(rooms) != 1 || rooms[0].Pid != a.pid() || rooms[0].Soft != 64 || rooms[0].Open != open {
		t.Errorf("rooms %+v with %d open: %v", rooms, open, err)
	}
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
	if err := restore(); err != nil {
		t.Errorf("restoring what has ended: %v", err)
	}
}

func TestSoftLimitFor(t *testing.T) {
	for _, c := range []struct {
		used []int
		free int
		want uint64
	}{
		{nil, 0, 0},
		{nil, 3, 3},
		{[]int{0, 1, 2}, 0, 3},
		{[]int{0, 1, 2}, 1, 4},
		{[]int{0, 1, 2, 5}, 1, 4},
		{[]int{0, 1, 2, 5}, 2, 6},
		{[]int{0, 1, 2, 5}, 3, 7},
		{[]int{2, 4}, 3, 5},
	} {
		got := softLimitFor(c.used, c.free)
		if got != c.want {
			t.Errorf("%v leaving %d: %d, want %d", c.used, c.free, got, c.want)
		}
	}
}

// until waits for what the kernel does in its own time.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// A library that a process has mapped is found by its name, and by all of it.
func TestMapping(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	tree, err := OpenTree(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	maps := func(name string) bool {
		pids, err := tree.Mapping(name)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Equal(pids, []int{cmd.Process.Pid})
	}
	until(t, "the process has become sleep", func() bool { return maps("sleep") })
	if maps("leep") || maps("slee") {
		t.Error("a part of a file's name is taken for it")
	}
}
