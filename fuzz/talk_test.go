package fuzz

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// exchange is the longest that one conversation may take.
const exchange = 20 * time.Second

// talk is a conversation under way with one server.
type talk struct {
	conversation
	conn  *net.TCPConn
	steps []func() error // what is still to be done, in order
	due   int            // replies to wait for

	mu   sync.Mutex
	got  []byte
	err  error // why reading ended; nil for FIN
	over bool
	more chan struct{} // something came
	done chan struct{} // closed when reading ended
}

// open connects and reads from here on, so that no server waits for room to answer.
func open(m member, c conversation) (*talk, error) {
	conn, err := net.Dial(m.addr.Network(), m.addr.String())
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(exchange)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	t := &talk{conversation: c, conn: conn.(*net.TCPConn), more: make(chan struct{}, 1), done: make(chan struct{})}
	for _, a := range c.Asked {
		if m.offers(a) {
			t.due += a.replies
		} else {
			t.due++
		}
	}
	t.plan()
	go t.read()
	return t, nil
}

func (t *talk) plan() {
	write := func(b []byte) {
		if len(b) == 0 {
			return
		}
		t.steps = append(t.steps, func() error {
			if _, err := t.conn.Write(b); err != nil && !gone(err) {
				return err
			}
			return nil
		})
	}
	rest := t.Sent
	for _, size := range t.Pieces {
		n := min(size, len(rest))
		write(rest[:n])
		rest = rest[n:]
	}
	write(rest)
	if t.Patient {
		t.steps = append(t.steps, t.wait)
	}
	write(t.Tail)
	t.steps = append(t.steps, t.end)
}

// step does the next thing and reports whether there was one.
func (t *talk) step() (bool, error) {
	if len(t.steps) == 0 {
		return false, nil
	}
	next := t.steps[0]
	t.steps = t.steps[1:]
	return true, next()
}

// wait waits until all replies are here. One that never comes is an error; a
// connection that ended is for the comparison to judge.
func (t *talk) wait() error {
	for {
		t.mu.Lock()
		_, _, bodies := cut(t.got)
		have, over, err := len(bodies), t.over, t.err
		t.mu.Unlock()
		switch {
		case have >= t.due:
			return nil
		case over && err != nil && !gone(err):
			return fmt.Errorf("%d replies of %d: %w", have, t.due, err)
		case over:
			return nil
		}
		<-t.more
	}
}

// end sends FIN and reads to the server's, or leaves at once.
func (t *talk) end() error {
	if t.Abrupt {
		_ = t.conn.SetLinger(0)
		return t.conn.Close()
	}
	if err := t.conn.CloseWrite(); err != nil && !gone(err) {
		return err
	}
	<-t.done
	if t.err != nil && !gone(t.err) {
		return fmt.Errorf("%w after %d bytes", t.err, len(t.got))
	}
	return nil
}

func (t *talk) close() {
	_ = t.conn.Close()
	<-t.done
}

func (t *talk) read() {
	defer close(t.done)
	buf := make([]byte, 64<<10)
	for {
		n, err := t.conn.Read(buf)
		t.mu.Lock()
		t.got = append(t.got, buf[:n]...)
		if err != nil {
			t.over = true
			if err != io.EOF {
				t.err = err
			}
		}
		t.mu.Unlock()
		select {
		case t.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// gone reports that the server closed, which it may do whatever it is sent.
func gone(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN)
}

// cut takes what a PROBE conversation brought apart: the answer to the sign-on,
// the bodies of whole frames, and what is left behind those.
func cut(all []byte) (signOn, left []byte, bodies [][]byte) {
	_, n, err := probe.TakeLine(all, probe.MaxSignOn)
	if err != nil || n == 0 {
		return nil, all, nil
	}
	for left = all[n:]; ; {
		body, size, err := probe.TakeFrame(left)
		if err != nil || size == 0 {
			return all[:n], left, bodies
		}
		bodies, left = append(bodies, body), left[size:]
	}
}
