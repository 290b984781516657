package observe

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

const actEnv = "REACTORSPEC_TEST_ACT"

func init() { // an init that locks keeps main on the first thread
	if strings.HasPrefix(os.Getenv(actEnv), "headless") {
		runtime.LockOSThread()
	}
}

// TestMain runs this binary as a process to be observed when it is asked to.
func TestMain(m *testing.M) {
	if name := os.Getenv(actEnv); name != "" {
		act(name)
		return
	}
	goleak.VerifyTestMain(m)
}

// act says a line when it is ready and then obeys the lines of its standard
// input: the observed side of every test is exact, not timed.
func act(name string) {
	orders := bufio.NewScanner(os.Stdin)
	say := func(format string, a ...any) { fmt.Printf(format+"\n", a...) }
	switch name {
	case "plain":
		say("ready")
	case "headless": // its first thread ends, the others serve on
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		go func() {
			for orders.Scan() {
			}
			os.Exit(0)
		}()
		say("%s", l.Addr())
		_, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
	case "headless when told":
		told := make(chan struct{})
		go func() {
			say("ready")
			for orders.Scan() {
				say("told")
				close(told)
			}
			os.Exit(0)
		}()
		<-told
		_, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
	case "server":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		say("%s", l.Addr())
	case "unix-server":
		l, err := net.Listen("unix", os.Args[1])
		must(err)
		say("%s", l.Addr())
	case "poller":
		epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		must(err)
		event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		must(err)
		must(unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, event, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(event)}))
		_, err = unix.FcntlInt(uintptr(epoll), unix.F_DUPFD_CLOEXEC, 0)
		must(err)
		twin, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		must(err)
		must(unix.EpollCtl(twin, unix.EPOLL_CTL_ADD, event, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(event)}))
		waiting := make(chan int)
		go func() {
			runtime.LockOSThread()
			waiting <- unix.Gettid()
			for {
				_, _ = unix.EpollWait(epoll, make([]unix.EpollEvent, 1), 60_000)
			}
		}()
		say("%d %d %d %d", epoll, twin, event, <-waiting)
	case "nobody": // a user without rights, beside a child that has ended
		if os.Getuid() == 0 {
			must(syscall.Setgid(65534))
			must(syscall.Setuid(65534))
		}
		cmd := exec.Command("sleep", "600")
		must(cmd.Start())
		child, err := Identify(cmd.Process.Pid)
		must(err)
		_, err = child.fds()
		must(err) // while it lives nothing is refused
		must(cmd.Process.Kill())
		var status unix.Siginfo
		must(unix.Waitid(unix.P_PID, child.Pid, &status, unix.WEXITED|unix.WNOWAIT, nil))
		say("%s", strings.Join(readings(child), "; "))
	case "leaky":
		fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0) // no O_CLOEXEC
		must(err)
		say("%d", fd)
	}
	for orders.Scan() {
		order, argument, _ := strings.Cut(orders.Text(), " ")
		switch order {
		case "burn": // CPU time on a thread that ends afterwards
			d, err := time.ParseDuration(argument)
			must(err)
			var done sync.WaitGroup
			done.Add(1)
			go func() {
				defer done.Done()
				runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
				for from := threadCPU(); threadCPU()-from < d; {
				}
			}()
			done.Wait()
			say("burnt")
		case "child":
			var how *syscall.SysProcAttr
			if argument == "session" {
				how = &syscall.SysProcAttr{Setsid: true}
			}
			cmd := exec.Command("sleep", "600")
			cmd.SysProcAttr = how
			must(cmd.Start())
			say("%d", cmd.Process.Pid)
		case "open":
			n := 0
			_, _ = fmt.Sscan(argument, &n)
			for range n {
				if _, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
					say("%v", err)
					n = -1
					break
				}
			}
			if n >= 0 {
				say("opened")
			}
		case "exit":
			os.Exit(0)
		}
	}
}

func threadCPU() time.Duration {
	var ts unix.Timespec
	must(unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts))
	return time.Duration(ts.Nano())
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// actor is such a process.
type actor struct {
	t     *testing.T
	cmd   *exec.Cmd
	to    io.WriteCloser
	lines *bufio.Scanner
	first string // what it said when it was ready
}

func start(t *testing.T, name string, args ...string) *actor {
	t.Helper()
	// What a shell left open in this process is not the actor's doing.
	must(unix.CloseRange(3, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC))
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), actEnv+"="+name, "OBSERVE_MARK="+t.Name())
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	to, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &actor{t: t, cmd: cmd, to: to, lines: bufio.NewScanner(from)}
	t.Cleanup(func() {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		_ = cmd.Wait()
	})
	a.first = a.hear()
	return a
}

func (a *actor) pid() int { return a.cmd.Process.Pid }

func (a *actor) hear() string {
	a.t.Helper()
	if !a.lines.Scan() {
		a.t.Fatalf("the process said nothing: %v", a.lines.Err())
	}
	return a.lines.Text()
}

// tell gives an order and returns the answer.
func (a *actor) tell(order string) string {
	a.t.Helper()
	if _, err := io.WriteString(a.to, order+"\n"); err != nil {
		a.t.Fatal(err)
	}
	return a.hear()
}

func (a *actor) tree(options ...Option) *Tree {
	a.t.Helper()
	tree, err := OpenTree(a.pid(), options...)
	if err != nil {
		a.t.Fatal(err)
	}
	return tree
}
