package poll

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pollSet is poll(2): the interest list lives here and is handed to the kernel,
// and looked through afterwards, in full on every Wait.
type pollSet struct {
	fds    []unix.PollFd
	tokens []uint64 // parallel to fds
	place  []int32  // by descriptor: 1 + index in fds, 0 if absent
	next   int      // where the next look-through starts, lest a full events slice starve the tail
}

func newPollSet() Poller { return &pollSet{} }

func (p *pollSet) Add(fd int, token uint64, interest Events) error {
	if fd < 0 {
		return os.NewSyscallError("poll", unix.EBADF)
	}
	for fd >= len(p.place) {
		p.place = append(p.place, make([]int32, len(p.place)+64)...)
	}
	if p.place[fd] != 0 {
		return errRegistered
	}
	p.fds = append(p.fds, unix.PollFd{Fd: int32(fd), Events: int16(interest & (Readable | Writable))})
	p.tokens = append(p.tokens, token)
	p.place[fd] = int32(len(p.fds))
	return nil
}

func (p *pollSet) Modify(fd int, token uint64, interest Events) error {
	i, err := p.index(fd)
	if err != nil {
		return err
	}
	p.fds[i].Events = int16(interest & (Readable | Writable))
	p.tokens[i] = token
	return nil
}

func (p *pollSet) Remove(fd int) error {
	i, err := p.index(fd)
	if err != nil {
		return err
	}
	last := len(p.fds) - 1
	p.fds[i], p.tokens[i] = p.fds[last], p.tokens[last]
	p.place[p.fds[i].Fd] = int32(i + 1)
	p.place[fd] = 0
	p.fds, p.tokens = p.fds[:last], p.tokens[:last]
	return nil
}

func (p *pollSet) index(fd int) (int, error) {
	if fd < 0 || fd >= len(p.place) || p.place[fd] == 0 {
		return 0, errUnregistered
	}
	return int(p.place[fd]) - 1, nil
}

func (p *pollSet) Wait(events []Event, timeout time.Duration) (int, error) {
	ready, err := pollWait(p.fds, milliseconds(timeout))
	n := 0
	for range len(p.fds) {
		if n == ready || n == len(events) {
			break
		}
		if p.next >= len(p.fds) {
			p.next = 0
		}
		if r := p.fds[p.next].Revents; r != 0 {
			ev := Events(uint16(r)) & (Readable | Writable | Fault | Hangup)
			if r&unix.POLLNVAL != 0 {
				ev |= Fault // closed before Remove: say so once and again, never silently spin
			}
			events[n] = Event{Token: p.tokens[p.next], Events: ev}
			n++
		}
		p.next++
	}
	return n, err
}

func (p *pollSet) EdgeTriggered() bool { return false }
func (p *pollSet) Name() string        { return "poll" }
func (p *pollSet) Close() error        { return nil }
