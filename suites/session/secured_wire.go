package session

import (
	"net"
	"sync"
	"time"
)

// wire is the socket below TLS, whose Write never blocks.
type wire struct {
	net.Conn
	mu         sync.Mutex
	out        []byte
	shaking    bool          // the handshake is not over: the socket has no deadlines
	read, sent time.Time     // the deadlines that the checks set
	changed    chan struct{} // closed, and another one, when one of them changes
}

func newWire(socket net.Conn) *wire {
	return &wire{Conn: socket, shaking: true, changed: make(chan struct{})}
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = append(w.out, b...)
	return len(b), nil
}

// Read flushes first while the handshake lasts: the peer waits for what was said.
func (w *wire) Read(b []byte) (int, error) {
	w.mu.Lock()
	shaking := w.shaking
	w.mu.Unlock()
	if shaking {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	return w.Conn.Read(b)
}

// SetWriteDeadline is crypto/tls's word behind its close_notify, and not for the
// socket: nothing that it writes blocks.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// flush writes what waits, as far as the socket takes it before the deadline.
func (w *wire) flush() error {
	for {
		w.mu.Lock()
		out := w.out
		w.mu.Unlock()
		if len(out) == 0 {
			return nil
		}
		n, err := w.Conn.Write(out)
		w.mu.Lock()
		w.out = w.out[n:]
		w.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// settle ends the handshake: what waits is written, within patience, and the deadlines that
// the checks set are the socket's.
func (w *wire) settle(patience time.Duration) error {
	_ = w.Conn.SetWriteDeadline(time.Now().Add(patience))
	err := w.flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shaking = false
	_ = w.Conn.SetReadDeadline(w.read)
	_ = w.Conn.SetWriteDeadline(w.sent)
	return err
}

// deadline is one of the two, and what tells that one of them has changed.
func (w *wire) deadline(which *time.Time) (time.Time, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *which, w.changed
}

func (w *wire) readDeadline() (time.Time, <-chan struct{})  { return w.deadline(&w.read) }
func (w *wire) writeDeadline() (time.Time, <-chan struct{}) { return w.deadline(&w.sent) }

// unbounded is no deadline at all.
func (w *wire) unbounded() (time.Time, <-chan struct{}) { return time.Time{}, nil }

// set sets one of the two, and the socket's by apply, unless the handshake lasts.
func (w *wire) set(which *time.Time, t time.Time, apply func(time.Time) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	*which = t
	close(w.changed)
	w.changed = make(chan struct{})
	if w.shaking {
		return nil
	}
	return apply(t)
}

func (w *wire) setRead(t time.Time) error { return w.set(&w.read, t, w.Conn.SetReadDeadline) }
func (w *wire) setSent(t time.Time) error { return w.set(&w.sent, t, w.Conn.SetWriteDeadline) }

// putOff moves the deadline of reads, if there is one.
func (w *wire) putOff(by time.Duration) {
	if until, _ := w.readDeadline(); !until.IsZero() {
		_ = w.setRead(until.Add(by))
	}
}
