// Package dialect sends one request with a payload to a server, in the server's
// own protocol, and reads exactly one reply.
//
// A dialect only speaks. The pages in spec/dialects say which clauses a target
// promises by speaking it. A wrong answer of a peer is an error value here, never
// a panic, and no reply makes a dialect hold more than MaxPayload bytes and a few
// lines.
package dialect

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/reactorspec/reactorspec/suites/internal/ascii"
)

// Dialect is one way to say a request. Its methods keep no state, so one value
// serves any number of connections and goroutines.
type Dialect interface {
	// Name is the word that target files and --dialect use.
	Name() string
	// Opening is what is said and heard once on a new connection, before the
	// first request; none where a connection needs no opening.
	Opening() []Step
	// Request returns the bytes that ask
	// for payload back. A payload outside MinPayload and MaxPayload is a
	// mistake of the caller, a panic.
	Request(payload []byte) []byte
	// ReadReply reads the reply to Request(payload), no byte more. A reply that
	// is malformed, or right for another request, is a *ReplyError; the Reply
	// then holds what was understood of it. The reader's own errors (deadline,
	// reset) are wrapped, an end of input inside the reply is
	// io.ErrUnexpectedEOF and one before it io.EOF.
	ReadReply(r *bufio.Reader, payload []byte) (Reply, error)
	// MinPayload and MaxPayload bound a payload, in bytes. Any byte values do.
	// A dialect whose requests carry none is constant: both are 0, and every
	// request is the same.
	MinPayload() int
	MaxPayload() int
	// Pipelines reports whether requests may be sent before replies are read.
	Pipelines() bool
	// Requests is how many requests one connection takes; 0 is any number,
	// until a reply is the Last.
	Requests() int
}

// Step is one step of an opening: bytes to send or, where Read is set, what the
// server says, of which Read takes no byte more.
type Step struct {
	Send []byte
	Read func(*bufio.Reader) error
}

// TalksAhead reports whether a client may say its opening and a request before it
// has heard anything: where the server never speaks in between, or where it
// does not speak first and the dialect pipelines.
func TalksAhead(d Dialect) bool {
	steps := d.Opening()
	if !slices.ContainsFunc(steps, func(s Step) bool { return s.Read != nil }) {
		return true
	}
	return steps[0].Read == nil && d.Pipelines()
}

// Reply is what a dialect understood of one reply.
type Reply struct {
	Payload []byte // that came back; nothing in a constant dialect
	// Last is true where the server says that it closes the connection behind
	// this reply: it answers no further request on it, and the client is to
	// close it too.
	Last bool
}

// ReplyError is a reply that a server should not have given.
type ReplyError struct {
	Dialect string // name of the dialect
	Want    string // what the dialect expected, in words or quoted
	Got     string // what came, quoted and shortened
	// Garbage is true where the reply was not even of the dialect's form, and
	// false where it was a good reply to some other request.
	Garbage bool
	// TooLong is true where the reply may say that the request was longer than
	// the server takes.
	TooLong bool
	// Busy is true where the reply says that the server has too much to do: that is
	// neither right nor wrong, but a limit of its own.
	Busy bool
	// Hint says what to change where this is the first reply of a target; it may
	// be empty.
	Hint string
}

func (e *ReplyError) Error() string {
	return fmt.Sprintf("%s: want %s, got %s", e.Dialect, e.Want, e.Got)
}

var all = []Dialect{echo{}, probeEcho{}, resp{}, memcache{}, plainHTTP, tcp{}}

// builtIn is the dialect of that name which is code; nil where there is none.
func builtIn(name string) Dialect {
	if i := slices.IndexFunc(all, func(d Dialect) bool { return d.Name() == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// PerConn returns d for one connection. Requests of the result can be told
// from those of any other connection where the dialect has room for that
// (memcache: a key of its own), so that a reply meant for another connection
// is an error even if its payload is the same.
func PerConn(d Dialect) Dialect {
	if p, ok := d.(interface{ perConn() Dialect }); ok {
		return p.perConn()
	}
	return d
}

// maxLine bounds one line of a reply, in bytes; the longest legal one is a
// memcached VALUE line of some 300 bytes.
const maxLine = 4096

// readLine reads a line that ends in \r\n and returns it without. It holds
// maxLine bytes at most. The slice is the caller's own.
func readLine(r *bufio.Reader, dialect, want string) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, garbage(dialect, want, append(line, part...))
		}
		line = append(line, part...)
		if err == nil {
			break
		}
		if err != bufio.ErrBufferFull {
			return line, inReply(err, len(line), dialect)
		}
	}
	if !bytes.HasSuffix(line, []byte("\r\n")) {
		return nil, garbage(dialect, want+" ended by \\r\\n", line)
	}
	return line[:len(line)-2], nil
}

// readPayload reads len(want) bytes and compares them. It stops at the first
// chunk that differs, so a server that floods costs one chunk.
func readPayload(r *bufio.Reader, dialect string, want []byte) ([]byte, error) {
	const chunk = 64 << 10
	got := make([]byte, 0, min(len(want), chunk))
	for len(got) < len(want) {
		from := len(got)
		n := min(len(want)-from, chunk)
		got = slices.Grow(got, n)[:from+n]
		m, err := r.Read(got[from:])
		got = got[:from+m]
		if i := firstDifference(got[from:], want[from:]); i >= 0 {
			return got, &ReplyError{Dialect: dialect, Want: around(want, from+i), Got: around(got, from+i)}
		}
		if err != nil {
			return got, inReply(err, len(got), dialect)
		}
	}
	return got, nil
}

// expect reads exactly the bytes of want, for the fixed parts of a reply.
func expect(r *bufio.Reader, dialect, want string) error {
	got := make([]byte, len(want))
	n, err := io.ReadFull(r, got)
	if string(got[:n]) != want[:n] {
		return garbage(dialect, ascii.Quote([]byte(want)), got[:n])
	}
	if err != nil {
		return inReply(err, 1, dialect)
	}
	return nil
}

// inReply words a read error: an end of input after the first byte is unexpected.
func inReply(err error, have int, dialect string) error {
	if (err == io.EOF || err == io.ErrUnexpectedEOF) && have > 0 {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s: reading a reply: %w", dialect, err)
}

// garbage is the error for bytes that are not of the dialect's form.
func garbage(dialect, want string, got []byte) error {
	return &ReplyError{Dialect: dialect, Want: want, Got: shorten(got), Garbage: true}
}

// firstDifference compares the common length and returns -1 when it is equal.
func firstDifference(got, want []byte) int {
	n := min(len(got), len(want))
	if bytes.Equal(got[:n], want[:n]) {
		return -1
	}
	for i := range n {
		if got[i] != want[i] {
			return i
		}
	}
	return -1
}

// around quotes the bytes of a payload from offset at on.
func around(b []byte, at int) string {
	return fmt.Sprintf("%s at byte %d", shorten(b[at:]), at)
}

// shorten quotes the head of b.
func shorten(b []byte) string {
	const head = 40 // bytes
	if len(b) == 0 {
		return "nothing"
	}
	if len(b) <= head {
		return ascii.Quote(b)
	}
	return fmt.Sprintf("%s… (%d bytes)", ascii.Quote(b[:head]), len(b))
}

// checkSize panics on a payload that the dialect cannot say: the checks ask
// MaxPayload first, so this is a mistake of ours.
func checkSize(d Dialect, payload []byte) {
	if n := len(payload); n < d.MinPayload() || n > d.MaxPayload() {
		panic(fmt.Sprintf("%s: payload of %d bytes is outside %d to %d", d.Name(), n, d.MinPayload(), d.MaxPayload()))
	}
}
