package poll

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// fdSetSize is FD_SETSIZE: a set is a bitmap of that many descriptor *numbers*.
// All loops of a process share the numbers, so the limit is one of the process.
const fdSetSize = unix.FD_SETSIZE

// selectSet is select(2). Setting a bit at or beyond FD_SETSIZE would write
// behind the bitmap, so Add refuses such a descriptor before anything is set.
type selectSet struct {
	read, write unix.FdSet // the interest
	tokens      [fdSetSize]uint64
	member      unix.FdSet
	top         int // 1 + highest registered descriptor
	next        int // where the next look-through starts
}

// FitDescriptors lowers the process's soft limit of descriptors to what a kind of
// poller can watch. accept(2) then fails with EMFILE and leaves a client in the
// queue, until there is room; a descriptor beyond FD_SETSIZE could only be closed.
func FitDescriptors(kind string) error {
	if kind != "select" {
		return nil
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	limit.Cur = min(limit.Cur, fdSetSize)
	return os.NewSyscallError("setrlimit", unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
}

func newSelectSet() Poller { return &selectSet{} }

func (p *selectSet) Add(fd int, token uint64, interest Events) error {
	switch {
	case fd < 0:
		return os.NewSyscallError("select", unix.EBADF)
	case fd >= fdSetSize:
		return &LimitError{Poller: "select", FD: fd, Limit: fdSetSize}
	case p.member.IsSet(fd):
		return errRegistered
	}
	p.member.Set(fd)
	p.top = max(p.top, fd+1)
	p.set(fd, token, interest)
	return nil
}

func (p *selectSet) Modify(fd int, token uint64, interest Events) error {
	if !p.has(fd) {
		return errUnregistered
	}
	p.set(fd, token, interest)
	return nil
}

func (p *selectSet) Remove(fd int) error {
	if !p.has(fd) {
		return errUnregistered
	}
	p.set(fd, 0, 0)
	p.member.Clear(fd)
	for p.top > 0 && !p.member.IsSet(p.top-1) {
		p.top--
	}
	return nil
}

func (p *selectSet) has(fd int) bool { return fd >= 0 && fd < fdSetSize && p.member.IsSet(fd) }

func (p *selectSet) set(fd int, token uint64, interest Events) {
	p.tokens[fd] = token
	p.read.Clear(fd)
	p.write.Clear(fd)
	if interest&Readable != 0 {
		p.read.Set(fd)
	}
	if interest&Writable != 0 {
		p.write.Set(fd)
	}
}

// Wait reports Readable and Writable only: select has no word for a hangup, the
// read that follows finds it. With an empty interest a hangup stays unseen.
func (p *selectSet) Wait(events []Event, timeout time.Duration) (int, error) {
	read, write := p.read, p.write
	ready, err := selectWait(p.top, &read, &write, timeout)
	n := 0
	if ready > 0 {
		for range p.top {
			if n == len(events) {
				break
			}
			if p.next >= p.top {
				p.next = 0
			}
			var ev Events
			if read.IsSet(p.next) {
				ev |= Readable
			}
			if write.IsSet(p.next) {
				ev |= Writable
			}
			if ev != 0 {
				events[n] = Event{Token: p.tokens[p.next], Events: ev}
				n++
			}
			p.next++
		}
	}
	return n, err
}

func (p *selectSet) EdgeTriggered() bool { return false }
func (p *selectSet) Name() string        { return "select" }
func (p *selectSet) Close() error        { return nil }
