package play

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
)

// settleTime is how long a push waits for the server to take its bytes before
// the transcript goes on without it. Nothing is blamed for it: a server may
// leave input unread while its own output is not read. What it must answer is
// judged by what is read.
const settleTime = 40 * time.Millisecond

// writer writes what a connection sends, in order and in the pieces given, in a
// goroutine of its own: so a client can stop reading without stopping to write.
type writer struct {
	s     *session.Session
	conn  *session.Conn
	stuck bool // a push waited in vain, and nothing was read since; the player's own

	mu      sync.Mutex
	pieces  [][]byte
	half    bool // a half-close follows the pieces
	stopped bool
	failed  bool          // the server ended the connection: nothing more is sent
	busy    bool          // the goroutine is running, and will see what is queued now
	idle    chan struct{} // closed when the last goroutine ends
}

// send queues one piece and waits a little until it is written; taken says whether it was.
func (w *writer) send(piece []byte) (taken bool) {
	w.mu.Lock()
	w.pieces = append(w.pieces, piece)
	w.start()
	idle := w.idle
	w.mu.Unlock()
	return w.settle(idle)
}

// finish queues the half-close.
func (w *writer) finish() {
	w.mu.Lock()
	w.half = true
	w.start()
	idle := w.idle
	w.mu.Unlock()
	w.settle(idle)
}

func (w *writer) settle(idle chan struct{}) (taken bool) {
	if w.stuck { // behind what is not taken, nothing is
		select {
		case <-idle:
			w.stuck = false
		default:
		}
		return !w.stuck
	}
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-idle:
		return true
	case <-timer.C:
		w.stuck = true
	case <-w.s.Context().Done():
	}
	return false
}

// start has the goroutine run; w.mu is held.
func (w *writer) start() {
	if w.busy || w.stopped || w.failed {
		return
	}
	idle := make(chan struct{})
	w.busy, w.idle = true, idle
	w.s.Go(func() {
		defer close(idle)
		w.run()
	})
}

// stop drops what is not written. The connection is to be closed next, which
// ends a write that is under way.
func (w *writer) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped, w.pieces = true, nil
}

// wait waits until nothing is being written; the connection is closed by then.
func (w *writer) wait() {
	w.mu.Lock()
	idle := w.idle
	w.mu.Unlock()
	if idle != nil {
		<-idle
	}
}

func (w *writer) run() {
	for {
		w.mu.Lock()
		if w.stopped || w.failed || len(w.pieces) == 0 {
			w.busy = false
			if w.half && !w.stopped && !w.failed {
				w.conn.CloseWrite() // under the lock, so that stop comes before Close or after this
			}
			w.half = false
			w.mu.Unlock()
			return
		}
		piece := w.pieces[0]
		w.mu.Unlock()
		n, err := w.conn.TrySend(piece)
		w.mu.Lock()
		if len(w.pieces) > 0 {
			if w.pieces[0] = piece[n:]; n == len(piece) {
				w.pieces = w.pieces[1:]
			}
		}
		w.failed = err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
		w.mu.Unlock()
	}
}
