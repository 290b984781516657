package dialect

import "errors"

// Bounds narrow a dialect to what one target takes. What is 0 stays as the
// dialect has it.
type Bounds struct {
	MinPayload, MaxPayload int // bytes
	Requests               int // on one connection
}

// Within returns d within those bounds. Where one connection takes one request,
// the result does not pipeline.
func Within(d Dialect, b Bounds) Dialect {
	if b == (Bounds{}) {
		return d
	}
	return within{d, b}
}

type within struct {
	Dialect
	bounds Bounds
}

func (w within) MinPayload() int { return max(w.Dialect.MinPayload(), w.bounds.MinPayload) }

func (w within) MaxPayload() int {
	if w.bounds.MaxPayload > 0 {
		return min(w.Dialect.MaxPayload(), w.bounds.MaxPayload)
	}
	return w.Dialect.MaxPayload()
}

func (w within) Requests() int {
	if w.bounds.Requests > 0 {
		return w.bounds.Requests
	}
	return w.Dialect.Requests()
}

func (w within) Pipelines() bool  { return w.Requests() != 1 && w.Dialect.Pipelines() }
func (w within) perConn() Dialect { return within{PerConn(w.Dialect), w.bounds} }
func (w within) ends() bool       { return Ends(w.Dialect) }

// Constant reports whether the requests of d carry no payload.
func Constant(d Dialect) bool { return d.MaxPayload() == 0 }

// Ends reports whether a server may end a connection in that dialect whenever it
// likes, by saying so in a reply. One that was sent more requests meanwhile may
// reset the connection, and the client never reads what it said.
func Ends(d Dialect) bool {
	e, ok := d.(interface{ ends() bool })
	return ok && e.ends()
}

// MayQuit reports whether a server may end a connection in that dialect between two
// requests for reasons of its own, such as a number of requests that it takes from one
// client: in http, and wherever a source of its own says what a protocol is. The other
// dialects that are code here promise that a connection stays.
func MayQuit(d Dialect) bool { return Ends(d) || builtIn(d.Name()) == nil }

// Refused reports whether err is a reply by which a server refuses a request, as
// it may one that is longer than it takes.
func Refused(err error) bool {
	var wrong *ReplyError
	return errors.As(err, &wrong) && wrong.TooLong
}

// MaxClients is how many clients there may be at a time, as far as d says so.
func (w within) MaxClients() int {
	if m, ok := w.Dialect.(interface{ MaxClients() int }); ok {
		return m.MaxClients()
	}
	return 0
}
