package poll

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many events one epoll_wait takes at most. A larger batch saves
// system calls, a smaller one lets tasks and timers in between sooner; the
// kernel rotates its ready list, so nothing starves behind the cut.
const batch = 512

// epoll keeps the interest list in the kernel; the token travels in epoll_data,
// so an event needs no lookup here.
type epoll struct {
	fd    int
	edge  bool
	ready [batch]unix.EpollEvent
}

func newEpoll(edge bool) (Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &epoll{fd: fd, edge: edge}, nil
}

func (p *epoll) Add(fd int, token uint64, interest Events) error {
	return p.ctl(unix.EPOLL_CTL_ADD, fd, token, interest)
}

func (p *epoll) Modify(fd int, token uint64, interest Events) error {
	return p.ctl(unix.EPOLL_CTL_MOD, fd, token, interest)
}

func (p *epoll) Remove(fd int) error {
	return p.ctl(unix.EPOLL_CTL_DEL, fd, 0, 0)
}

func (p *epoll) ctl(op, fd int, token uint64, interest Events) error {
	ev := unix.EpollEvent{Events: uint32(interest & (Readable | Writable))}
	if p.edge {
		ev.Events |= unix.EPOLLET
	}
	*(*uint64)(unsafe.Pointer(&ev.Fd)) = token // epoll_data_t, 8 bytes from Fd on
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, op, fd, &ev))
}

func (p *epoll) Wait(events []Event, timeout time.Duration) (int, error) {
	n, err := epollWait(p.fd, p.ready[:min(len(events), batch)], milliseconds(timeout))
	for i := range n {
		ev := &p.ready[i]
		events[i] = Event{Token: *(*uint64)(unsafe.Pointer(&ev.Fd)), Events: Events(ev.Events)}
	}
	return n, err
}

func (p *epoll) EdgeTriggered() bool { return p.edge }

func (p *epoll) Name() string {
	if p.edge {
		return "epollet"
	}
	return "epoll"
}

func (p *epoll) Close() error { return Close(p.fd) }
