package load

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// churn is connections that come, exchange one request and go.
type churn struct {
	o       Options
	sa      unix.Sockaddr
	family  int
	ep      int
	request []byte // the sign-on, where there is one, and one payload
	visits  []visit
	began   time.Time
	result  Result
}

// visit is one connection of them, its slot used by one after the other.
type visit struct {
	fd     int
	came   int64 // ns since the churn began: when it set out to connect
	unsent []byte
	got    []byte
}

// Churn keeps o.Conns connections on their way for o.Duration: each connects,
// sends one request of o.Size bytes (behind the sign-on, if there is one), takes
// the reply and closes; the next follows at once. Result.Requests counts the
// connections, and a latency is the time from before the connect to the reply.
// o.Depth has to be 1. The client closes first, and keeps the TIME_WAIT.
func Churn(ctx context.Context, o Options) (Result, error) {
	if err := o.Check(); err != nil {
		return Result{}, err
	}
	if o.Depth != 1 {
		return Result{}, fmt.Errorf("load: Depth is %d: a connection of a churn has 1 request", o.Depth)
	}
	if o.Network == "" {
		o.Network = defaultNetwork
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	sa, family, err := resolve(ctx, o.Network, o.Addr)
	if err != nil {
		return Result{}, err
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return Result{}, os.NewSyscallError("epoll_create1", err)
	}
	defer unix.Close(ep)
	h := &churn{o: o, sa: sa, family: family, ep: ep, request: payload(o.Size)[:o.Size], visits: make([]visit, o.Conns), began: time.Now()}
	if o.SignOn != "" {
		h.request = append([]byte(o.SignOn+"\n"), h.request...)
	}
	h.result.Latency = histogram()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer func() {
		for _, v := range h.visits {
			if v.fd > 0 {
				unix.Close(v.fd)
			}
		}
	}()
	err = h.run(ctx)
	return h.result, err
}

func (h *churn) now() int64 { return int64(time.Since(h.began)) }

func (h *churn) run(ctx context.Context) error {
	open := 0
	for i := range h.visits {
		if err := h.come(i); err != nil {
			return err
		}
		open++
	}
	heard, in, events := h.now(), make([]byte, readSize), make([]unix.EpollEvent, batch)
	for open > 0 {
		n, err := unix.EpollWait(h.ep, events, pollMillis)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if n <= 0 {
			if quiet := time.Duration(h.now() - heard); quiet > h.o.Patience {
				return fmt.Errorf("load: %d connections wait for their reply and nothing came for %v: %w", open, quiet.Round(time.Millisecond), ErrSilent)
			}
			continue
		}
		heard = h.now()
		for _, e := range events[:n] {
			i := int(e.Fd)
			over, err := h.serve(i, in)
			if err != nil {
				return fmt.Errorf("load: connection %d of a churn: %w", h.result.Requests, err)
			}
			if !over {
				continue
			}
			if h.now() >= int64(h.o.Duration) {
				open--
				continue
			}
			if err := h.come(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// come opens the next connection of a slot and sends what fits.
func (h *churn) come(i int) error {
	v := &h.visits[i]
	*v = visit{came: h.now(), unsent: h.request, got: v.got[:0]}
	plain := h.o
	plain.SignOn = "" // it goes together with the request
	fd, err := connect(h.family, h.sa, plain)
	if err != nil {
		return fmt.Errorf("load: connection %d of a churn to %s: %w", h.result.Requests, h.o.Addr, err)
	}
	v.fd = fd
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
	if err := h.send(v); err != nil {
		return err
	}
	if len(v.unsent) > 0 {
		event.Events |= unix.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(h.ep, unix.EPOLL_CTL_ADD, fd, &event))
}

func (h *churn) send(v *visit) error {
	for len(v.unsent) > 0 {
		n, err := write(v.fd, v.unsent)
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("write", err)
		}
		v.unsent = v.unsent[max(n, 0):]
	}
	return nil
}

// serve takes what came, and ends the visit once the reply is whole.
func (h *churn) serve(i int, in []byte) (over bool, err error) {
	v := &h.visits[i]
	if len(v.unsent) > 0 {
		if err := h.send(v); err != nil {
			return false, err
		}
		if len(v.unsent) == 0 { // or it is ready for ever
			event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
			if err := unix.EpollCtl(h.ep, unix.EPOLL_CTL_MOD, v.fd, &event); err != nil {
				return false, os.NewSyscallError("epoll_ctl", err)
			}
		}
	}
	n, err := read(v.fd, in)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return false, nil
	case err != nil:
		return false, os.NewSyscallError("read", err)
	case n == 0:
		return false, fmt.Errorf("the target closed it with %d of %d bytes of the reply sent", len(v.got), h.o.Size)
	}
	v.got = append(v.got, in[:n]...)
	reply := v.got
	if h.o.SignOn != "" {
		_, rest, whole := bytes.Cut(v.got, []byte("\n"))
		if !whole {
			return false, nil
		}
		reply = rest
	}
	if len(reply) < h.o.Size {
		return false, nil
	}
	if want := h.request[len(h.request)-h.o.Size:]; !bytes.Equal(reply, want) {
		return false, fmt.Errorf("the reply of %d bytes differs from the request of %d: %w", len(reply), len(want), ErrEcho)
	}
	now := h.now()
	_ = h.result.Latency.RecordValue(min(now-v.came, latencyCeiling))
	h.result.Requests++
	h.result.Elapsed = time.Duration(now)
	err = unix.Close(v.fd)
	v.fd = 0
	return true, os.NewSyscallError("close", err)
}
