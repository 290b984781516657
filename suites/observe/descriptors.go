package observe

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Descriptor is an open file descriptor of the tree.
type Descriptor struct {
	Pid, FD int
	// Kind is socket, pipe, eventpoll, eventfd, timerfd, signalfd, inotify,
	// io_uring, another anonymous inode's name, or file.
	Kind  string
	Link  string // what /proc shows, such as "socket:[1234]"
	Inode uint64 // of sockets and pipes, else 0
	Flags int    // the open flags, octal in fdinfo
}

// Cloexec reports whether an exec closes the descriptor.
func (d Descriptor) Cloexec() bool { return d.Flags&closeOnExec != 0 }

// FDs counts the open descriptors of the tree.
func (t *Tree) FDs() (int, error) {
	n, err := t.sum(func(p Process) (int64, error) {
		fds, err := p.fds()
		return int64(len(fds)), err
	})
	return int(n), err
}

// SocketFDs counts the open descriptors of the tree that are sockets, whatever
// state they are in.
func (t *Tree) SocketFDs() (int, error) {
	n, err := t.sum(func(p Process) (int64, error) {
		return ask(p, func(tid int) (sockets int64, err error) {
			err = eachFD(tid, func(_ int, link string) error {
				if kind, _ := parseLink(link); kind == "socket" {
					sockets++
				}
				return nil
			})
			return sockets, err
		})
	})
	return int(n), err
}

// HeldSockets are the inodes of the sockets that a descriptor of the tree holds,
// whatever state they are in: one that was reset is in no table of /proc/net.
func (t *Tree) HeldSockets() (map[uint64]bool, error) {
	held := map[uint64]bool{}
	err := t.each(func(p Process) error {
		inodes, err := ask(p, func(tid int) (inodes []uint64, err error) {
			err = eachFD(tid, func(_ int, link string) error {
				if kind, inode := parseLink(link); kind == "socket" {
					inodes = append(inodes, inode)
				}
				return nil
			})
			return inodes, err
		})
		for _, inode := range inodes {
			held[inode] = true
		}
		return err
	})
	return held, err
}

// MaxFD is the highest descriptor number in use in the tree.
func (t *Tree) MaxFD() (int, error) {
	highest := -1
	err := t.each(func(p Process) error {
		fds, err := p.fds()
		if len(fds) > 0 {
			highest = max(highest, fds[len(fds)-1])
		}
		return err
	})
	return highest, err
}

// Descriptors lists the open descriptors of the tree. One that is closed
// meanwhile is left out.
func (t *Tree) Descriptors() ([]Descriptor, error) {
	var list []Descriptor
	err := t.each(func(p Process) error {
		its, err := ask(p, func(tid int) (its []Descriptor, err error) {
			err = eachFD(tid, func(fd int, link string) error {
				info, err := os.ReadFile(below(tid, "fdinfo/"+strconv.Itoa(fd)))
				if err != nil {
					return err
				}
				d := Descriptor{Pid: p.Pid, FD: fd, Link: link, Flags: parseFlags(info)}
				d.Kind, d.Inode = parseLink(link)
				its = append(its, d)
				return nil
			})
			return its, err
		})
		list = append(list, its...)
		return err
	})
	return list, err
}

// CloexecMissing lists the descriptors above 2 that an exec would hand on.
func (t *Tree) CloexecMissing() ([]Descriptor, error) {
	all, err := t.Descriptors()
	var list []Descriptor
	for _, d := range all {
		if d.FD > 2 && !d.Cloexec() {
			list = append(list, d)
		}
	}
	return list, err
}

// Mapping lists the processes of the tree that have a file of that name mapped, a library
// for example, by their pids.
func (t *Tree) Mapping(name string) (pids []int, err error) {
	err = t.each(func(p Process) error {
		maps, err := os.ReadFile(below(p.Pid, "maps"))
		if bytes.Contains(maps, []byte("/"+name+"\n")) {
			pids = append(pids, p.Pid)
		}
		return err
	})
	return pids, err
}

// parseLink reads "socket:[12]", "pipe:[12]", "anon_inode:[eventfd]" or a path.
func parseLink(link string) (kind string, inode uint64) {
	kind, rest, ok := strings.Cut(link, ":")
	rest = strings.Trim(rest, "[]")
	switch {
	case ok && (kind == "socket" || kind == "pipe"):
		inode, _ = strconv.ParseUint(rest, 10, 64)
		return kind, inode
	case ok && kind == "anon_inode":
		return rest, 0
	}
	return "file", 0
}

func parseFlags(info []byte) int {
	lines := bufio.NewScanner(bytes.NewReader(info))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "flags:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 8, 64)
			return int(n)
		}
	}
	return 0
}

// Poller is one epoll descriptor and what hangs on it.
type Poller struct {
	Pid, FD int
	Watched []Watch
}

// Watch is a descriptor on a poller: a tfd line of fdinfo, proc(5).
type Watch struct {
	FD     int
	Events uint32 // EPOLLIN, WriteReady, EdgeTriggered, …: epoll_ctl(2)
	Data   uint64 // what the program gets back
	Inode  uint64 // 0 where an old kernel does not tell
	Kind   string // of the descriptor that has this number now; empty if closed
}

// The events that are looked at, as Linux numbers them.
const (
	WriteReady    = 0x4     // EPOLLOUT
	EdgeTriggered = 1 << 31 // EPOLLET
)

// closeOnExec is O_CLOEXEC, as Linux numbers it on the processors that Go knows, Alpha and SPARC left out.
const closeOnExec = 0o2000000

// Pollers lists the pollers of the tree, each by the lowest of its descriptors: one
// that was duplicated within a process is still one poller, as mio's registry is,
// which every server on tokio has. A poller that several processes share is listed
// for each.
func (t *Tree) Pollers() ([]Poller, error) {
	var list []Poller
	err := t.each(func(p Process) error {
		its, err := ask(p, func(tid int) (its []Poller, err error) {
			err = eachFD(tid, func(fd int, link string) error {
				if kind, _ := parseLink(link); kind != "eventpoll" {
					return nil
				}
				if slices.ContainsFunc(its, func(other Poller) bool { return sameFile(tid, other.FD, fd) }) {
					return nil
				}
				watched, err := readWatches(tid, fd)
				if err == nil {
					its = append(its, Poller{Pid: p.Pid, FD: fd, Watched: watched})
				}
				return err
			})
			return its, err
		})
		list = append(list, its...)
		return err
	})
	return list, err
}

// readWatches lists what hangs on one epoll descriptor.
func readWatches(tid, fd int) ([]Watch, error) {
	info, err := os.ReadFile(below(tid, "fdinfo/"+strconv.Itoa(fd)))
	if err != nil {
		return nil, err
	}
	watched, err := parseWatches(info)
	for i := range watched {
		if link, err := os.Readlink(below(tid, "fd/"+strconv.Itoa(watched[i].FD))); err == nil {
			watched[i].Kind, _ = parseLink(link)
		}
	}
	return watched, err
}

// parseWatches reads the lines "tfd: 5 events: 19 data: 5 pos:0 ino:61af sdev:7".
func parseWatches(info []byte) ([]Watch, error) {
	var list []Watch
	for line := range bytes.Lines(info) {
		if !bytes.HasPrefix(line, []byte("tfd:")) {
			continue
		}
		var w Watch
		values, err := pairs(string(line))
		if err == nil {
			w.FD, err = strconv.Atoi(values["tfd"])
		}
		if err == nil {
			var events uint64
			events, err = strconv.ParseUint(values["events"], 16, 32)
			w.Events = uint32(events)
		}
		if err == nil {
			w.Data, err = strconv.ParseUint(values["data"], 16, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("fdinfo line %q: %w", line, err)
		}
		w.Inode, _ = strconv.ParseUint(values["ino"], 16, 64)
		list = append(list, w)
	}
	return list, nil
}

// pairs splits "name: value name:value …"; blanks after a colon are optional.
func pairs(line string) (map[string]string, error) {
	values := map[string]string{}
	words := strings.Fields(strings.ReplaceAll(line, ":", ": "))
	if len(words)%2 != 0 {
		return nil, fmt.Errorf("a name has no value")
	}
	for i := 0; i < len(words); i += 2 {
		values[strings.TrimSuffix(words[i], ":")] = words[i+1]
	}
	return values, nil
}
