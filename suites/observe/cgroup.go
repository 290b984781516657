package observe

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cgroup is a control group of its own for one target: the kernel's account of
// all processes that were ever in it, whatever session, parent or environment
// they went to, and of the CPU time of those that ended.
//
// It is one of cgroup v2, which needs no controller for that; a system with v1
// has it beside, where it is mounted at all. Elsewhere a Tree walks /proc.
type Cgroup struct {
	dir  string
	file *os.File
}

// NewCgroup makes a group of that name below our own. An error says why there
// can be none: no cgroup v2, or no right to write there. The caller calls Remove.
func NewCgroup(name string) (*Cgroup, error) {
	own, err := ownCgroup()
	if err != nil {
		return nil, err
	}
	g := &Cgroup{dir: filepath.Join(own, name)}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, err
	}
	if g.file, err = os.Open(g.dir); err == nil {
		_, err = g.CPU()
	}
	if err != nil {
		_ = g.Remove()
		return nil, err
	}
	return g, nil
}

// Dir is the group's directory, and FD an open descriptor of it, for clone3(2).
func (g *Cgroup) Dir() string { return g.dir }

// FD is valid until Remove.
func (g *Cgroup) FD() int { return int(g.file.Fd()) }

// CPU is the user and system time of all that was ever in the group.
func (g *Cgroup) CPU() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(g.dir, "cpu.stat"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if digits, found := strings.CutPrefix(line, "usage_usec "); found {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
			return time.Duration(n) * time.Microsecond, err
		}
	}
	return 0, fmt.Errorf("%s/cpu.stat tells no usage_usec", g.dir)
}

// pids lists the processes in the group now.
func (g *Cgroup) pids() ([]int, error) {
	text, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	var list []int
	for word := range strings.FieldsSeq(string(text)) {
		if n, err := strconv.Atoi(word); err == nil && n > 0 { // 0: of another pid namespace
			list = append(list, n)
		}
	}
	return list, nil
}

// Kill sends SIGKILL to every process in the group at once. A kernel before 5.14
// cannot.
func (g *Cgroup) Kill() error {
	return os.WriteFile(filepath.Join(g.dir, "cgroup.kill"), []byte("1"), 0)
}

// removeFor bounds how long Remove waits for the last process to be collected.
const removeFor = time.Second

// Remove takes the group away. It has to be empty by then, or soon.
func (g *Cgroup) Remove() error {
	if g.file != nil {
		g.file.Close()
		g.file = nil
	}
	for began := time.Now(); ; {
		err := os.Remove(g.dir)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) || time.Since(began) > removeFor {
			return err
		}
		time.Sleep(time.Millisecond) // the kernel announces the emptiness to inotify alone
	}
}

// ownCgroup is the directory of the cgroup v2 that this process is in.
func ownCgroup() (string, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	mine, found := "", false
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			mine, found = strings.TrimSpace(path), true
		}
	}
	if !found {
		return "", errors.New("this system has no cgroup v2")
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	defer mounts.Close()
	lines := bufio.NewScanner(mounts)
	for lines.Scan() {
		// "36 35 98:0 /root /mount/point options… - cgroup2 source options", proc_pid_mountinfo(5)
		words := strings.Fields(lines.Text())
		dash := slices.Index(words, "-")
		if dash < 5 || dash+1 >= len(words) || words[dash+1] != "cgroup2" {
			continue
		}
		below, err := filepath.Rel(words[3], mine)
		if err != nil || below == ".." || strings.HasPrefix(below, "../") {
			continue // our group is out of this mount's sight
		}
		return filepath.Join(words[4], below), nil
	}
	return "", errors.New("no cgroup v2 is mounted")
}
