package target

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reactorspec/reactorspec/suites/observe"
)

// TestMain runs this binary as a server of the tests when it is asked to.
func TestMain(m *testing.M) {
	if name := os.Getenv(actEnv); name != "" {
		act(name)
		return
	}
	goleak.VerifyTestMain(m)
}

// actFile is a target file that starts this test binary as the named act.
func actFile(name string, args ...string) File {
	return File{
		Name: name, Dialect: "echo",
		Start:        append(Command{os.Args[0], "{port}"}, args...),
		Env:          map[string]string{actEnv: name},
		ReadyTimeout: Duration(time.Minute), // the tests may share the machine with anything
	}
}

func launch(t *testing.T, f File) *Instance {
	t.Helper()
	i, err := (&Target{File: f}).Launch(t.Context())
	if err != nil {
		t.Fatalf("launch: %v\n%s", err, stderrOf(err))
	}
	t.Cleanup(i.Stop)
	return i
}

func stderrOf(err error) string {
	var launch *LaunchError
	if errors.As(err, &launch) {
		return launch.Stderr
	}
	return ""
}

// echoes fails the test unless the instance answers.
func echoes(t *testing.T, i *Instance) {
	t.Helper()
	c, err := net.DialTimeout(i.Network(), i.Addr().String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Fatalf("echo: %q, %v", got, err)
	}
}

// A start that cannot be judged ends in one cause, with words that say what to
// do, and leaves no process.
func TestLaunchFailures(t *testing.T) {
	cases := []struct {
		act   string
		cause error
		says  []string
	}{
		{"exit3", ErrExited, []string{"exited with 3", "cannot open the moon"}},
		{"exit0", ErrExited, []string{"exited with 0"}},
		{"exit127", ErrUnsupported, nil},
		{"crash", ErrExited, []string{"SIGKILL"}},
		{"silent", ErrSilent, []string{"{port}"}},
		{"elsewhere", ErrSilent, []string{"listens at 127.0.0.1:"}},
		{"child-then-silent", ErrSilent, nil},
	}
	for _, c := range cases {
		t.Run(c.act, func(t *testing.T) {
			f := actFile(c.act)
			if errors.Is(c.cause, ErrSilent) { // what ends is waited for, however long the machine takes
				f.ReadyTimeout = Duration(2 * time.Second)
			}
			before := ourChildren(t)
			i, err := (&Target{File: f}).Launch(t.Context())
			if err == nil {
				i.Stop()
				t.Fatal("launched")
			}
			if !errors.Is(err, c.cause) {
				t.Fatalf("cause of %v is not %q", err, c.cause)
			}
			for _, words := range c.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q does not say %q", err, words)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error is not one line: %q", err)
			}
			if after := ourChildren(t); len(after) > len(before) {
				t.Errorf("children left behind: %v, before %v", after, before)
			}
		})
	}
}

func TestLaunchOfNoProgram(t *testing.T) {
	for _, argv := range []Command{{"/no/such/program"}, {"no-such-program-anywhere"}, {"/etc/passwd"}} {
		_, err := (&Target{File: File{Name: "x", Start: argv}}).Launch(t.Context())
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%v: %v", argv, err)
		}
	}
	// The shell's own word for a command that does not exist is 127.
	_, err := (&Target{File: File{Name: "x", Start: ParseCommand("no-such-program-anywhere; exit $?")}}).Launch(t.Context())
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("shell: %v", err)
	}
}

func TestServes(t *testing.T) {
	for _, act := range []string{"echo", "echo-child", "flood", "daemon", "double-daemon", "bare-daemon", "own-session-child"} {
		t.Run(act, func(t *testing.T) {
			i := launch(t, actFile(act))
			echoes(t, i)
			if owns, err := i.Tree().Owns(i.Addr()); !owns || err != nil {
				t.Errorf("owns: %v, %v", owns, err)
			}
			if err := i.Alive(); err != nil {
				t.Error(err)
			}
			members, err := i.Tree().Processes()
			if err != nil {
				t.Fatal(err)
			}
			i.Stop()
			i.Stop() // idempotent
			for _, p := range members {
				if err := p.Check(); err == nil {
					t.Errorf("process %d outlived Stop", p.Pid)
				}
				if z := zombie(p.Pid); z {
					t.Errorf("process %d was not reaped", p.Pid)
				}
			}
			if c, err := net.Dial(i.Network(), i.Addr().String()); err == nil {
				c.Close()
				t.Error("the address is still served")
			}
			if _, err := os.Stat(i.scratch); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("scratch directory: %v", err)
			}
		})
	}
}

// A server that ends with its first connection, also before it was looked at again, was
// started: what is asked of it later tells of its end.
func TestServerThatEndsAtItsFirstConnection(t *testing.T) {
	for range 30 {
		i, err := (&Target{File: actFile("accepts-then-exit7")}).Launch(t.Context())
		if err != nil {
			t.Fatalf("launch: %v", err)
		}
		if exit, err := i.Wait(t.Context()); err != nil || exit.Code != 7 {
			t.Errorf("it ended with %v (%v), want 7", exit, err)
		}
		if err := i.Alive(); !errors.Is(err, observe.ErrGone) && !errors.Is(err, observe.ErrReused) {
			t.Errorf("of its end Alive says %v", err)
		}
		i.Stop()
	}
}

func TestUnixSocket(t *testing.T) {
	f := actFile("echo")
	f.Start = Command{os.Args[0], "{socket}"}
	i := launch(t, f)
	if i.Network() != "unix" {
		t.Fatalf("network %q", i.Network())
	}
	echoes(t, i)
	if err := i.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	echoes(t, i)
}

func TestRestartKeepsThePort(t *testing.T) {
	i := launch(t, actFile("echo"))
	addr, pid := i.Addr().String(), i.Pid()
	echoes(t, i)
	if err := i.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i.Addr().String() != addr || i.Pid() == pid {
		t.Errorf("restarted at %s as %d, was at %s as %d", i.Addr(), i.Pid(), addr, pid)
	}
	echoes(t, i)
}

// A stale server at the address is never taken for the target.
func TestForeignServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	i, err := newInstance(actFile("silent"))
	if err != nil {
		t.Fatal(err)
	}
	defer i.Stop()
	i.addr = l.Addr()
	if err := i.start(t.Context()); !errors.Is(err, ErrInUse) {
		t.Errorf("taken beforehand: %v", err)
	}
	l.Close()
	i.file = actFile("late") // it tries to listen once somebody else does
	started := make(chan error)
	go func() { started <- i.start(t.Context()) }()
	l2, err := net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer l2.Close()
	if err := <-started; !errors.Is(err, ErrInUse) {
		t.Errorf("taken meanwhile: %v", err)
	}
}

func TestSignalsReachTheServerBehindAShell(t *testing.T) {
	f := actFile("echo")
	f.Start = Command{"/bin/sh", "-c", "true; " + os.Args[0] + " {port}; exit $?"}
	i := launch(t, f)
	if i.Pid() == i.Tree().Root().Pid {
		t.Fatal("the shell is taken for the server")
	}
	if err := i.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	exit, err := i.Wait(ctx)
	if err != nil || !exit.Clean() {
		t.Errorf("exit %v, %v", exit, err)
	}
}

// A server need not set SO_REUSEADDR, so a port whose last connections linger is
// none to give to it.
func TestPortsWhereConnectionsLingerAreNotOffered(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server.Close() // who closes first keeps the connection in TIME_WAIT
	_, _ = io.ReadAll(client)
	client.Close()
	l.Close()
	if _, err := tryPort(port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("port %d, with a connection in TIME_WAIT: %v, want EADDRINUSE", port, err)
	}
	if port, err := tryPort(0); err != nil || port == 0 {
		t.Errorf("any port: %d, %v", port, err)
	}
}

func TestWaitReportsTheExit(t *testing.T) {
	for act, want := range map[string]Exit{
		"echo":     {Known: true},                          // exits 0 at SIGTERM
		"stubborn": {Known: true, Signal: syscall.SIGKILL}, // ignores SIGTERM
		"daemon":   {Known: true},                          // orphaned, so ours to reap
	} {
		t.Run(act, func(t *testing.T) {
			i := launch(t, actFile(act))
			if err := i.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if act == "stubborn" {
				short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				if _, err := i.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("ended: %v", err)
				}
				if err := i.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got, err := i.Wait(ctx)
			if err != nil || got != want {
				t.Errorf("exit %+v, %v; want %+v", got, err, want)
			}
			if again, err := i.Wait(ctx); err != nil || again != got {
				t.Errorf("asked again: %+v, %v", again, err)
			}
		})
	}
}

func TestOutputIsBoundedAndSafe(t *testing.T) {
	i := launch(t, actFile("escapes"))
	echoes(t, i)
	text := i.Stderr()
	if strings.ContainsAny(text, "\x1b\a\r\x00") || !strings.Contains(text, `\x1b[31m`) {
		t.Errorf("not neutralised: %q", text)
	}
	flood := launch(t, actFile("flood"))
	echoes(t, flood)
	if n := len(flood.Stderr()); n > tailLines*(lineWidth*4+10) {
		t.Errorf("tail of %d bytes", n)
	}
}

func TestBuild(t *testing.T) {
	cases := []struct {
		build   string
		timeout time.Duration
		cause   error
		says    string
	}{
		{"true", 0, nil, ""},
		{"echo no rule >&2; exit 2", 0, ErrBuild, "exited with 2: no rule"},
		{"sleep 60 & sleep 60", 200 * time.Millisecond, ErrBuild, "did not end within 200ms"},
		{"sh -c 'exit 127'", 0, ErrUnsupported, ""},
		{"/no/such/compiler", 0, ErrBuild, "no such file"},
		{"test -d {scratch}", 0, nil, ""},
		{"cd {scratch} && touch made && exit 3", 0, ErrBuild, "exited with 3"},
	}
	for _, c := range cases {
		t.Run(c.build, func(t *testing.T) {
			target := Target{File: File{Build: ParseCommand(c.build), BuildTimeout: Duration(c.timeout)}}
			err := target.Build(t.Context())
			if !errors.Is(err, c.cause) || (c.says != "" && !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %v with %q", err, c.cause, c.says)
			}
		})
	}
}

func TestAttach(t *testing.T) {
	i := launch(t, actFile("echo"))
	other := launch(t, actFile("echo"))
	addr := "tcp://" + i.Addr().String()
	a, err := (&Target{Addr: addr, Pid: i.Pid()}).Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	echoes(t, a)
	if a.Owned() || a.Pid() != i.Pid() {
		t.Errorf("owned %v, pid %d", a.Owned(), a.Pid())
	}
	a.Stop()
	echoes(t, i) // not ours to stop
	if err := a.Restart(t.Context()); err == nil {
		t.Error("restarted a foreign server")
	}
	for name, c := range map[string]struct {
		target Target
		cause  error
	}{
		"wrong pid":   {Target{Addr: addr, Pid: other.Pid()}, ErrPid},
		"no such pid": {Target{Addr: addr, Pid: 1 << 22}, ErrPid},
		"nobody":      {Target{Addr: "tcp://127.0.0.1:1"}, ErrUnreachable},
		"no scheme":   {Target{Addr: "127.0.0.1:7000"}, ErrAddress},
		"no port":     {Target{Addr: "tcp://127.0.0.1"}, ErrAddress},
		"relative":    {Target{Addr: "unix://x.sock"}, ErrAddress},
	} {
		if _, err := c.target.Launch(t.Context()); !errors.Is(err, c.cause) {
			t.Errorf("%s: %v, want %v", name, err, c.cause)
		}
	}
}

func TestLaunchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	before := ourChildren(t)
	_, err := (&Target{File: actFile("silent")}).Launch(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if after := ourChildren(t); len(after) > len(before) {
		t.Errorf("children left behind: %v", after)
	}
}

// Nothing outlives a run even if the harness dies without a word.
func TestNothingOutlivesAPanic(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), actEnv+"=harness")
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("the harness did not panic")
	}
	var left []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		left = nil
		for line := range strings.Lines(string(out)) {
			kind, what, _ := strings.Cut(strings.TrimSpace(line), " ")
			path := what
			if kind == "pid" {
				path = "/proc/" + what
				if pid, _ := strconv.Atoi(what); zombie(pid) {
					continue // init's to reap, or ours
				}
			}
			if _, err := os.Stat(path); err == nil {
				left = append(left, line)
			}
		}
		if left == nil {
			break
		}
	}
	if lines := strings.Count(string(out), "pid "); lines < 4 || left != nil {
		t.Errorf("left behind: %q; the harness said %q", left, out)
	}
}
