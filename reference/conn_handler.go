package reference

import "errors"

// Handler is the business of one connection: what a server on the reactor is
// written as. Every method runs on the thread that owns the connection, never
// two at a time, and must not block where loops are shared (S11): slow work
// goes to Workers. A method that panics loses its own connection only (TASK-13).
//
// A Handler may serve one connection or, when it keeps no state, all of them.
type Handler interface {
	// OnOpen is the first call: the connection may be written to from here on.
	OnOpen(c *Conn)
	// OnData gets bytes in the order in which they arrived and returns how many
	// it used. What it leaves is shown again in front of what arrives next;
	// it may not leave more than Options.MaxFrame. data is the loop's memory and
	// valid until OnData returns.
	OnData(c *Conn, data []byte) (used int)
	// OnEnd says that the peer sent its FIN after everything that OnData saw.
	// Output can still be written and is still delivered; the connection stays
	// half-open until Close.
	OnEnd(c *Conn)
	// OnClose is the last call, exactly one for each OnOpen. err is nil after an
	// orderly end, else what ended the connection.
	OnClose(c *Conn, err error)
}

// Drainer is a Handler that produces output step by step: OnDrain runs on the
// connection's thread when output that had to wait has all been handed to the
// kernel, and after RequestDrain.
type Drainer interface {
	OnDrain(c *Conn)
}

// Stopper is a Handler that wants to end in its own way when the server stops.
// OnStop must lead to Close by itself; what is left when the stop's deadline
// passes is cut. Other handlers' connections are closed once their output is delivered.
type Stopper interface {
	OnStop(c *Conn)
}

// What OnClose and Write report beside errors of system calls.
var (
	ErrClosed      = errors.New("connection is closed")
	ErrIdle        = errors.New("connection was idle for too long")
	ErrSlow        = errors.New("peer took no output for too long")
	ErrUnusedInput = errors.New("handler left more input unused than Options.MaxFrame")
	ErrPanic       = errors.New("handler panicked")
	ErrCut         = errors.New("cut by a stop, of the server at its deadline or of the loop")
)
