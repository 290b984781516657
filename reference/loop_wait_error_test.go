package reference

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
)

// failing is a poller whose next waits fail.
type failing struct {
	poll.Poller
	call  string
	errno syscall.Errno
	left  int
}

func (p *failing) Wait(events []poll.Event, timeout time.Duration) (int, error) {
	if p.left == 0 {
		return p.Poller.Wait(events, timeout)
	}
	p.left--
	return 0, os.NewSyscallError(p.call, p.errno)
}

// failWaits has a loop's next n waits fail.
func failWaits(t *testing.T, l *Loop, errno syscall.Errno, n int) {
	do(t, l, func() {
		call := l.poller.Name() // poll and select are called like their pollers
		if strings.HasPrefix(call, "epoll") {
			call = "epoll_wait"
		}
		l.poller = &failing{l.poller, call, errno, n}
	})
}

// A poll that fails for want of what may come back is tried again.
func TestPollOutOfMemory(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOMEM, syscall.EINVAL} {
		onEachLoop(t, func(t *testing.T, o Options) {
			if errno == syscall.EINVAL && o.Poller != "poll" {
				t.Skip("only poll(2) says so of the limit on descriptors")
			}
			o.Loops = 1
			s := start(t, o)
			c := s.sign("ECHO")
			r := s.class.loop(0)
			failWaits(t, r.Loop, errno, 4)
			c.send("x")
			c.want("x")
			eventually(t, "the failures to be counted", func() bool { return r.Stats().BadPolls == 4 })
		})
	}
}

// A loop that an error ends does not leave its connections behind.
func TestLoopEndsByError(t *testing.T) {
	onEachLoop(t, func(t *testing.T, o Options) {
		o.Loops = 1
		opened, reason := make(chan *Conn, 1), make(chan error, 1)
		s := start(t, o.with(&scripted{
			open:  func(c *Conn) { opened <- c },
			close: func(_ *Conn, err error) { reason <- err },
		}))
		peer := s.dial()
		await(t, "the connection", opened)
		errno := syscall.EINVAL
		if o.Poller == "poll" {
			errno = syscall.EBADF // EINVAL may pass there
		}
		failWaits(t, s.class.loop(0).Loop, errno, 1)
		if err := await(t, "OnClose", reason); !errors.Is(err, errno) {
			t.Errorf("OnClose got %v", err)
		}
		if _, err := io.ReadAll(peer.r); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer's reading ended with %v; want a reset", err)
		}
		eventually(t, "the connection to be gone", func() bool { return s.Stats().Open == 0 })
		stop(t, s)
	})
}
