package observe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// readings says of each kind of reading what it answers about p.
func readings(p Process) []string {
	tree := TreeOf(p)
	said := func(name string, err error) string { return fmt.Sprintf("%s: %v", name, err) }
	_, fds := p.fds()
	_, environment := ask(p, func(tid int) ([]byte, error) { return os.ReadFile(below(tid, "environ")) })
	_, space := ask(p, func(tid int) (string, error) { return os.Readlink(below(tid, "ns/net")) })
	_, memory := ask(p, func(tid int) ([]string, error) { return fields(below(tid, "statm")) })
	_, sockets := tree.Sockets()
	_, pss := tree.PSS()
	return []string{said("descriptors", fds), said("environment", environment), said("namespace", space), said("memory", memory), said("sockets", sockets), said("PSS", pss)}
}

// To a user without rights the kernel refuses the files of a process that has
// ended and that its parent has not collected. It has ended all the same.
func TestWhatHasEndedIsNotDenied(t *testing.T) {
	for _, said := range strings.Split(start(t, "nobody").first, "; ") {
		if !strings.Contains(said, ErrGone.Error()) {
			t.Errorf("%s, want %v", said, ErrGone)
		}
	}
}

// What a process answers while it ends counts for nothing: an error, an empty
// list, a part of one.
func TestWhatEndsWhileItIsLookedAt(t *testing.T) {
	for name, answer := range map[string]struct {
		list []int
		err  error
	}{
		"a refusal":   {nil, &os.PathError{Op: "readlink", Path: "/proc/1/ns/net", Err: syscall.EACCES}},
		"no file":     {nil, &os.PathError{Op: "open", Path: "/proc/1/fd", Err: syscall.ENOENT}},
		"nothing":     {nil, nil},
		"part of all": {[]int{0, 1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, "plain")
			p, err := Identify(a.pid())
			if err != nil {
				t.Fatal(err)
			}
			got, err := ask(p, func(int) ([]int, error) {
				must(a.cmd.Process.Kill())
				var status unix.Siginfo
				must(unix.Waitid(unix.P_PID, a.pid(), &status, unix.WEXITED|unix.WNOWAIT, nil))
				return answer.list, answer.err
			})
			if !errors.Is(err, ErrGone) || got != nil {
				t.Errorf("%v, %v, want %v", got, err, ErrGone)
			}
		})
	}
}

// A process that goes on is believed, and what it refuses is refused.
func TestWhatIsDenied(t *testing.T) {
	p, err := Identify(start(t, "plain").pid())
	if err != nil {
		t.Fatal(err)
	}
	refused := &os.PathError{Op: "open", Path: "/proc/1/fd", Err: syscall.EACCES}
	asked := 0
	_, err = ask(p, func(int) (int, error) { asked++; return 0, refused })
	if !errors.Is(err, ErrDenied) || asked != 1 {
		t.Errorf("asked %d times: %v, want %v", asked, err, ErrDenied)
	}
	if list, err := p.fds(); err != nil || len(list) < 3 {
		t.Errorf("descriptors %v, %v", list, err)
	}
}

// Where the thread that was asked ends and the process goes on, another one is asked.
func TestTheNextThreadIsAsked(t *testing.T) {
	a := start(t, "headless when told")
	p, err := Identify(a.pid())
	if err != nil {
		t.Fatal(err)
	}
	var asked []int
	list, err := ask(p, func(tid int) ([]int, error) {
		asked = append(asked, tid)
		if len(asked) == 1 {
			a.tell("now")
			until(t, "the first thread ends", func() bool {
				s, err := readStat(p.Pid)
				return err == nil && s.leaving()
			})
			return nil, &os.PathError{Op: "open", Path: "/proc/1/fd", Err: syscall.EACCES}
		}
		return numbers(below(tid, "fd"))
	})
	if err != nil || len(list) < 3 || len(asked) != 2 || asked[0] != p.Pid || asked[1] == p.Pid {
		t.Errorf("asked threads %v of process %d: %v, %v", asked, p.Pid, list, err)
	}
}

// A socket that no process holds is a stranger's, unless the tree has ended: then
// it is as like as not the tree's, and about to close.
func TestASocketThatNobodyHolds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	must(unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(int(file.Fd())), nil, 0)) // on its way, in nobody's table
	file.Close()
	l.Close()
	a := start(t, "plain")
	tree := a.tree()
	if owns, err := tree.Owns(l.Addr()); owns || !errors.Is(err, ErrForeign) {
		t.Errorf("beside a tree that runs: %v, %v, want %v", owns, err, ErrForeign)
	}
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
	if owns, err := tree.Owns(l.Addr()); owns || err != nil {
		t.Errorf("of a tree that has ended: %v, %v", owns, err)
	}
}
