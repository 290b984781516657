package observe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Tree is a process and all that came of it: children, children's children,
// those that left for a session of their own, and those whose parents died.
// Its methods may be called from any goroutine; each walks /proc anew.
type Tree struct {
	root    Process
	mark    []byte // NAME=value that the root's environment held, or nil
	group   int    // process group led by the root, or 0
	orphans bool   // see Orphans
	cgroup  *Cgroup
	joined  bool // the root ran before anybody looked: see account.reapedBefore

	mu     sync.Mutex
	known  map[Process]*account // every process ever seen in the tree
	recent membership
	used   time.Duration // the greatest CPU time told
}

// membership is the outcome of a walk and what tells that it still holds.
type membership struct {
	live   []Process
	newest string // the machine's newest pid before the walk
	at     time.Time
}

// membershipAge bounds the use of a membership that seems unchanged.
const membershipAge = time.Second

// account is what is kept of a process so that sums never shrink when a
// process or a thread ends.
type account struct {
	cpu          time.Duration        // last CPU time read
	reaped       time.Duration        // what the kernel added to it of children that ended, when last read
	reapedBefore time.Duration        // the part of reaped that the tree is not charged with
	seen         bool                 // reaped was read before
	lives        bool                 // at the last reading
	delay        map[int]*threadDelay // run delay by thread
}

// An Option widens what belongs to a tree.
type Option func(*Tree)

// Marked also counts processes whose environment holds the entry NAME=value:
// the way to find a daemon whose parents exited before anybody looked.
func Marked(entry string) Option { return func(t *Tree) { t.mark = []byte(entry) } }

// Grouped also counts the members of the process group that the root leads.
func Grouped() Option { return func(t *Tree) { t.group = t.root.Pid } }

// Orphans lets Owns adopt a server that left its parents, its group and its
// environment behind: it holds the socket in question, is younger than the
// root, and its parent is the calling process, which as a subreaper inherits
// the orphans of its targets.
func Orphans() Option { return func(t *Tree) { t.orphans = true } }

// Contained says that all processes of the tree are in that group, which then
// tells its members and its CPU time.
func Contained(g *Cgroup) Option { return func(t *Tree) { t.cgroup = g } }

// OpenTree returns the tree of the process that has pid now. The root may end
// while others of the tree go on.
func OpenTree(pid int, options ...Option) (*Tree, error) {
	root, err := Identify(pid)
	if err != nil {
		return nil, err
	}
	t := TreeOf(root, options...)
	t.joined = true
	return t, nil
}

// TreeOf returns the tree of a process that may have ended already.
func TreeOf(root Process, options ...Option) *Tree {
	t := &Tree{root: root, known: map[Process]*account{root: newAccount()}}
	for _, o := range options {
		o(t)
	}
	return t
}

func newAccount() *account { return &account{delay: map[int]*threadDelay{}} }

// Root is the process that the tree was opened with.
func (t *Tree) Root() Process { return t.root }

// Processes lists the running processes of the tree, parents before children
// as far as they are known, else by age. ErrGone or ErrReused when none is left.
func (t *Tree) Processes() ([]Process, error) {
	members, err := t.walk()
	if err != nil {
		return nil, err
	}
	var live []Process
	for _, m := range members {
		if !m.stat.dead() {
			live = append(live, m.Process)
		}
	}
	if len(live) == 0 {
		if err := t.root.Check(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("process %d: %w", t.root.Pid, ErrGone)
	}
	return live, nil
}

// Zombies lists the processes of the tree that have ended and wait for their
// parent, with that parent's pid.
func (t *Tree) Zombies() (map[Process]int, error) {
	members, err := t.walk()
	if err != nil {
		return nil, err
	}
	zombies := map[Process]int{}
	for _, m := range members {
		if m.stat.dead() {
			zombies[m.Process] = m.stat.ppid
		}
	}
	return zombies, nil
}

// Has reports whether the running process with that pid belongs to the tree.
func (t *Tree) Has(pid int) bool {
	live, err := t.Processes()
	return err == nil && slices.ContainsFunc(live, func(p Process) bool { return p.Pid == pid })
}

type member struct {
	Process
	stat stat
}

// walk finds the members now, dead ones included, and remembers them.
func (t *Tree) walk() ([]member, error) {
	list, err := pids()
	if err != nil {
		return nil, err
	}
	all := make(map[int]stat, len(list))
	for _, pid := range list {
		if s, err := readStat(pid); err == nil { // it may have vanished since
			all[pid] = s
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	in := map[int]bool{}
	for _, pid := range t.contained() {
		if _, ok := all[pid]; ok {
			in[pid] = true
		}
	}
	for pid, s := range all {
		if _, ok := t.known[Process{pid, s.start}]; ok || t.adopts(pid, s) {
			in[pid] = true
		}
	}
	for grown := true; grown; { // descendants, to any depth
		grown = false
		for pid, s := range all {
			if !in[pid] && in[s.ppid] {
				in[pid], grown = true, true
			}
		}
	}
	if len(in) == 0 { // over: whoever gets the group's number later is a stranger
		t.group, t.mark = 0, nil
	}
	members := make([]member, 0, len(in))
	for pid := range in {
		p := Process{pid, all[pid].start}
		if t.known[p] == nil {
			t.known[p] = newAccount()
		}
		members = append(members, member{p, all[pid]})
	}
	slices.SortFunc(members, func(a, b member) int {
		switch {
		case a.Process == t.root:
			return -1
		case b.Process == t.root:
			return 1
		case a.Start != b.Start:
			return int(int64(a.Start - b.Start))
		}
		return a.Pid - b.Pid
	})
	return members, nil
}

// contained lists the processes of the tree's group, if it has one.
func (t *Tree) contained() []int {
	if t.cgroup == nil {
		return nil
	}
	list, err := t.cgroup.pids()
	if err != nil {
		return nil // the walk finds what it can
	}
	return list
}

// adopts says whether a process belongs to the tree though no living parent
// shows it: a member of the root's group, or an orphan that carries the mark.
func (t *Tree) adopts(pid int, s stat) bool {
	if pid == os.Getpid() || s.start < t.root.Start {
		return false
	}
	if t.group != 0 && s.group == t.group {
		return true
	}
	if t.mark == nil || (s.ppid != 1 && s.ppid != os.Getpid()) {
		return false
	}
	environment, err := ask(Process{pid, s.start}, func(tid int) ([]byte, error) { return os.ReadFile(below(tid, "environ")) })
	return err == nil && slices.ContainsFunc(bytes.Split(environment, []byte{0}), func(e []byte) bool { return bytes.Equal(e, t.mark) })
}

// members is Processes without the walk, as long as no process and no thread
// has been made on this machine since the last one.
func (t *Tree) members() ([]Process, error) {
	newest := newestPid()
	t.mu.Lock()
	recent := t.recent
	t.mu.Unlock()
	if newest != "" && newest == recent.newest && time.Since(recent.at) < membershipAge {
		live := slices.DeleteFunc(slices.Clone(recent.live), func(p Process) bool { return p.Check() != nil })
		if len(live) > 0 {
			return live, nil
		}
	}
	started := time.Now()
	live, err := t.Processes()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recent = membership{live: slices.Clone(live), newest: newest, at: started}
	return live, err
}

// Children lists the running processes whose parent is the calling one; those of a
// subreaper's are its orphans too.
func Children() ([]Process, error) {
	list, err := pids()
	var children []Process
	for _, pid := range list {
		if s, err := readStat(pid); err == nil && s.ppid == os.Getpid() && !s.dead() {
			children = append(children, Process{pid, s.start})
		}
	}
	return children, err
}

// newestPid is the pid or thread number given out last, empty if unknown: the
// last field of /proc/loadavg.
func newestPid() string {
	words, err := fields("/proc/loadavg")
	if err != nil {
		return ""
	}
	return words[len(words)-1]
}

// adopt takes an orphan into the tree, see Orphans.
func (t *Tree) adopt(p Process) bool {
	s, err := readStat(p.Pid)
	if !t.orphans || err != nil || s.start != p.Start || s.start < t.root.Start || s.ppid != os.Getpid() {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[p] = newAccount()
	t.recent = membership{}
	return true
}

// each calls f for every running process of the tree. A process that ends
// meanwhile is skipped; any other error ends the walk.
func (t *Tree) each(f func(Process) error) error {
	live, err := t.members()
	if err != nil {
		return err
	}
	seen := 0
	var gone error
	for _, p := range live {
		err := f(p)
		if errors.Is(err, ErrGone) || errors.Is(err, ErrReused) {
			gone = fmt.Errorf("process %d: %w", p.Pid, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("process %d: %w", p.Pid, err)
		}
		seen++
	}
	if seen == 0 {
		return gone
	}
	return nil
}
