package target

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// actEnv makes this test binary one of the servers below.
const actEnv = "REACTORSPEC_TEST_ACT"

// act plays a server, good or bad, at the port or socket path of the first argument.
func act(name string) {
	switch name {
	case "echo":
		serve(listen())
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		l := listen()
		for {
			if c, err := l.Accept(); err == nil {
				go echoTo(c)
			}
		}
	case "exit3":
		fmt.Fprintln(os.Stderr, "cannot open the moon")
		os.Exit(3)
	case "exit0":
	case "exit127":
		os.Exit(127)
	case "crash":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "silent":
		forever()
	case "child-then-silent": // a child in a session of its own must not stay
		again("silent", &syscall.SysProcAttr{Setsid: true})
		forever()
	case "elsewhere":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		serve(l)
	case "accepts-then-exit7":
		if c, err := listen().Accept(); err == nil {
			c.Close()
		}
		os.Exit(7)
	case "late":
		for taken := false; !taken; time.Sleep(time.Millisecond) {
			c, err := net.Dial("tcp", "127.0.0.1:"+os.Args[1])
			if taken = err == nil; taken {
				c.Close()
			}
		}
		listen()
	case "echo-child":
		again("echo", nil)
		forever()
	case "master": // it hands SIGTERM on to the one that listens, and waits for it
		worker := exec.Command(os.Args[0], os.Args[1:]...)
		worker.Env = append(os.Environ(), actEnv+"=echo")
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		must(worker.Start())
		<-terminated
		must(worker.Process.Signal(syscall.SIGTERM))
		must(worker.Wait())
	case "lost-daemon": // nothing that a process can show tells whose it is
		worker := exec.Command("/usr/bin/env", append([]string{"-i", actEnv + "=echo", os.Args[0]}, os.Args[1:]...)...)
		worker.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		must(worker.Start())
		again("sleeper", &syscall.SysProcAttr{Setsid: true})
		forever()
	case "sleeper":
		must(syscall.Setenv(nonceEnv, "-"))
		cmd := exec.Command("/usr/bin/env", "-i", "sleep", "300")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		must(cmd.Start())
	case "launcher":
		launcher()
	case "own-session-child":
		again("echo", &syscall.SysProcAttr{Setsid: true})
		forever()
	case "daemon":
		again("echo", &syscall.SysProcAttr{Setsid: true})
	case "bare-daemon": // it leaves parents, session and environment
		must(os.Setenv(nonceEnv, "-"))
		again("daemon", &syscall.SysProcAttr{Setsid: true})
	case "double-daemon":
		again("daemon", &syscall.SysProcAttr{Setsid: true})
	case "flood":
		go flood(os.Stdout)
		go flood(os.Stderr)
		serve(listen())
	case "escapes":
		fmt.Fprint(os.Stderr, "\x1b[31mred\x1b[0m \a bell <b>&amp; \u202e \xff\r\n\x00")
		serve(listen())
	case "harness":
		harness()
	default:
		fmt.Fprintf(os.Stderr, "no act %q\n", name)
		os.Exit(2)
	}
}

// harness starts targets as a user of this package does, names their processes
// and scratch directories, and dies of a panic.
func harness() {
	for _, name := range []string{"echo", "own-session-child", "daemon"} {
		i, err := (&Target{File: actFile(name)}).Launch(context.Background())
		must(err)
		live, err := i.Tree().Processes()
		must(err)
		for _, p := range live {
			fmt.Println("pid", p.Pid)
		}
		fmt.Println("dir", i.scratch)
	}
	panic("the harness is broken")
}

// launcher starts a target of an executable that the environment names, and tells
// what it sees of it.
func launcher() {
	f := actFile("echo")
	f.Start = Command{os.Getenv("EXECUTABLE"), "{port}"}
	i, err := (&Target{File: f}).Launch(context.Background())
	must(err)
	_, err = i.Tree().FDs()
	fmt.Println("descriptors:", err)
	_, err = i.Tree().CPU()
	fmt.Println("processor:", err)
	must(i.Signal(syscall.SIGTERM))
	exit, err := i.Wait(context.Background())
	fmt.Println(exit, err)
	i.Stop()
}

func listen() net.Listener {
	network, addr := "tcp", "127.0.0.1:"+os.Args[1]
	if strings.HasPrefix(os.Args[1], "/") {
		network, addr = "unix", os.Args[1]
	}
	l, err := net.Listen(network, addr)
	must(err)
	return l
}

// serve echoes until SIGTERM.
func serve(l net.Listener) {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
		os.Exit(0)
	}()
	for {
		c, err := l.Accept()
		must(err)
		go echoTo(c)
	}
}

func echoTo(c net.Conn) {
	defer c.Close()
	_, _ = io.Copy(c, c)
}

func again(name string, how *syscall.SysProcAttr) {
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), actEnv+"="+name)
	cmd.SysProcAttr = how
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	must(cmd.Start())
}

func flood(w io.Writer) {
	line := []byte(strings.Repeat("flood ", 200) + "\n")
	for {
		if _, err := w.Write(line); err != nil {
			return
		}
		time.Sleep(100 * time.Microsecond) // some 10 MB/s, not the whole machine
	}
}

func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ourChildren lists the processes whose parent is this one, zombies too.
func ourChildren(t *testing.T) []int {
	t.Helper()
	var list []int
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && parent(pid) == os.Getpid() {
			list = append(list, pid)
		}
	}
	slices.Sort(list)
	return list
}

func statWords(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
}

func parent(pid int) int {
	words := statWords(pid)
	if len(words) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(words[1])
	return n
}

func zombie(pid int) bool {
	words := statWords(pid)
	return len(words) > 0 && words[0] == "Z"
}
