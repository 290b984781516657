package dialect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/reactorspec/reactorspec/suites/internal/ascii"
)

// maxOverhead bounds what a reply may be beside its payload, in bytes, and so
// what a described dialect holds of a server that never comes to an end.
const maxOverhead = 1 << 20

// maxFrames bounds the frames of a reply.
const maxFrames = 10_000

// frame is how one piece of what a server sends is cut out of the stream, and what
// has to be in it. Exactly one of line, length, header, size and close cuts; where
// none does, is alone is the frame, byte by byte.
type frame struct {
	line   []byte       // it ends with these bytes
	length *lengthFrame // a binary length stands in it
	header *text        // it begins so, and {length} in it says how many bytes follow
	tail   []byte       // what follows the bytes of header
	size   int          // it has so many bytes
	close  bool         // it ends with the connection

	skip     []text // frames like these may come before any other
	until    []text // it repeats up to one like this
	is       []text // each is like one of these; of a line without its end
	contains []text // what is in it, or in all that until gathers

	where string // in which line of which file it is described
}

type lengthFrame struct {
	at     int // bytes before the number
	number number
}

// written reports whether the pattern itself is the frame.
func (f *frame) written() bool {
	return f.line == nil && f.length == nil && f.header == nil && f.size == 0 && !f.close
}

// tells reports whether the frame tells one reply from another.
func (f *frame) tells() bool { return len(f.is)+len(f.contains)+len(f.until) > 0 }

// carries reports whether the frame has to hold the payload.
func (f *frame) carries() bool {
	for _, list := range [][]text{f.is, f.contains, f.until} {
		if len(list) > 0 && !slices.ContainsFunc(list, func(t text) bool { return !t.carries() }) {
			return true
		}
	}
	return f.header != nil && f.header.carries()
}

// A Heard is one step of reading, for whoever wants to see them all.
type Heard struct {
	Bytes   []byte // what was read
	What    string // what it was taken for: a frame, one to skip, the end
	Problem string // why it is not what was expected; empty where it is
	At      int    // how many of the bytes fit, where Problem is not empty
}

// reading reads the frames of one reply.
type reading struct {
	r     *bufio.Reader
	name  string // of the dialect
	fill  fill
	left  int         // bytes that it may still take
	taken int         // bytes that it took
	heard func(Heard) // nil: nobody listens
}

func (d *reading) tell(b []byte, what, problem string, at int) {
	if d.heard != nil {
		d.heard(Heard{slices.Clone(b), what, problem, at})
	}
}

// frame reads one frame of the reply with all that it skips and repeats.
func (d *reading) frame(f *frame) error {
	if f.written() {
		return d.written(f.is[0])
	}
	var all, last []byte
	skips := 0
	for n := 1; ; n++ {
		switch {
		case n > maxFrames && skips == maxFrames:
			return &ReplyError{Dialect: d.name, Garbage: true,
				Want: fmt.Sprintf("a frame that skip: %s does not match (%s) among the first %d of a reply", worded(f.skip, d.fill), f.skip[0].where, maxFrames),
				Got:  fmt.Sprintf("%d that it matches, so that none was the reply; the last was %s", skips, shorten(last))}
		case n > maxFrames:
			return garbage(d.name, fmt.Sprintf("%s among the first %d of a reply", f.due(d.fill), maxFrames), last)
		}
		b, content, err := d.cut(f)
		if err != nil {
			err = d.unended(f, n-1, skips, last, err)
			d.tell(b, "a frame", err.Error(), len(b))
			return err
		}
		last = content
		if _, skipped := anyOf(f.skip, d.fill, content); skipped {
			skips++
			d.tell(b, "skipped", "", 0)
			continue
		}
		_, ends := anyOf(f.until, d.fill, content)
		if len(f.is) > 0 && !ends {
			if at, ok := anyOf(f.is, d.fill, content); !ok {
				return d.wrong(b, worded(f.is, d.fill), content, at, f.carries())
			}
		}
		if len(f.contains) > 0 && len(f.until) > 0 {
			all = append(all, content...)
		} else {
			all = content
		}
		if len(f.until) > 0 && !ends {
			d.tell(b, "one of several frames", "", 0)
			continue
		}
		for _, t := range f.contains {
			if !somewhere(t.with(d.fill), all) {
				return d.wrong(b, "a reply that contains "+wordedParts(t.with(d.fill)), all, 0, f.carries())
			}
		}
		what := "a frame"
		if ends {
			what = "the last frame"
		}
		d.tell(b, what, "", 0)
		return nil
	}
}

// An UnendedError is a reply of which something came, and then nothing more or the end of
// the connection: its cause. Missing says what was due, and where that is written.
type UnendedError struct {
	Missing string
	cause   error
}

func (e *UnendedError) Error() string { return e.cause.Error() + ", and still due is " + e.Missing }
func (e *UnendedError) Unwrap() error { return e.cause }

// unended says of what is missing of a frame how it is described; came frames came before,
// of which some were skipped.
func (d *reading) unended(f *frame, came, skips int, last []byte, err error) error {
	if d.taken == 0 || errors.As(err, new(*ReplyError)) {
		return err
	}
	missing := f.due(d.fill)
	switch {
	case came > 0 && came == skips:
		missing += fmt.Sprintf(", behind %d that skip (%s) matches, the last %s", came, f.skip[0].where, shorten(last))
	case came > 0:
		missing += fmt.Sprintf(", behind %d that did not match, the last %s", came, shorten(last))
	}
	return &UnendedError{missing, err}
}

// due names the frame, or the last of several, by what the file says of it.
func (f *frame) due(with fill) string {
	switch {
	case len(f.until) > 0:
		return fmt.Sprintf("a frame that matches until: %s (%s)", worded(f.until, with), f.until[0].where)
	case f.line != nil:
		return fmt.Sprintf("the end of a line, %s (%s)", ascii.Quote(f.line), f.where)
	case f.close:
		return fmt.Sprintf("the end of the connection (%s)", f.where)
	}
	return fmt.Sprintf("the rest of a frame (%s)", f.where)
}

// wrong is the error for a frame that is cut out well and does not say what it
// should: where the payload is in it, the server may have answered another request.
func (d *reading) wrong(b []byte, want string, got []byte, at int, carries bool) error {
	d.tell(b, "a frame", "want "+want, at)
	shown := shorten(got)
	if at > 0 && at < len(got) {
		shown = fmt.Sprintf("%s, which differs from byte %d on: %s", shown, at, shorten(got[at:]))
	}
	return &ReplyError{Dialect: d.name, Want: want, Got: shown, Garbage: !carries}
}

// readMore reads n more bytes behind b.
func (d *reading) readMore(b []byte, n int) ([]byte, error) {
	if n > d.left {
		return b, &ReplyError{Dialect: d.name, Want: fmt.Sprintf("a reply of at most %d more bytes", d.left), Got: fmt.Sprintf("%s, which announces %d", shorten(b), n), Garbage: true}
	}
	const chunk = 64 << 10
	for n > 0 {
		from := len(b)
		step := min(n, chunk)
		b = slices.Grow(b, step)[:from+step]
		m, err := io.ReadFull(d.r, b[from:])
		b = b[:from+m]
		d.took(m)
		if n -= m; err != nil {
			return b, inReply(err, d.taken, d.name)
		}
	}
	return b, nil
}

func (d *reading) took(n int) { d.left, d.taken = d.left-n, d.taken+n }

// cut reads one frame. content is what patterns look at.
func (d *reading) cut(f *frame) (b, content []byte, err error) {
	switch {
	case f.line != nil:
		b, err = d.upTo(nil, f.line, fmt.Sprintf("a line that ends in %s (%s)", ascii.Quote(f.line), f.where))
		return b, bytes.TrimSuffix(b, f.line), err
	case f.length != nil:
		l := f.length
		if b, err = d.readMore(nil, l.at+l.number.size); err != nil {
			return b, b, err
		}
		n := l.number.read(b[l.at:])
		if n < 0 || n > int64(d.left) {
			return b, b, &ReplyError{Dialect: d.name, Want: fmt.Sprintf("a length that counts 0 to %d bytes", d.left), Got: fmt.Sprintf("%s, which counts %d", shorten(b), n), Garbage: true}
		}
		b, err = d.readMore(b, int(n))
	case f.header != nil:
		var n int
		if b, n, err = d.prefix(f.header, true); err != nil {
			return b, b, err
		}
		if b, err = d.readMore(b, n); err != nil {
			return b, b, err
		}
		head := len(b)
		if b, err = d.readMore(b, len(f.tail)); err == nil && !bytes.Equal(b[head:], f.tail) {
			err = garbage(d.name, ascii.Quote(f.tail)+" after the bytes that the header counts", b[head:])
		}
	case f.size > 0:
		b, err = d.readMore(nil, f.size)
	default: // close
		b, err = d.untilClosed()
	}
	return b, b, err
}

// upTo reads on behind b until it ends in end.
func (d *reading) upTo(b, end []byte, want string) ([]byte, error) {
	from := len(b)
	for {
		part, err := d.r.ReadSlice(end[len(end)-1])
		d.took(len(part))
		b = append(b, part...)
		if d.left < 0 {
			return b, garbage(d.name, fmt.Sprintf("%s within %d bytes", want, len(b)), b)
		}
		if err != nil && err != bufio.ErrBufferFull {
			return b, inReply(err, d.taken, d.name)
		}
		if err == nil && bytes.HasSuffix(b[from:], end) {
			return b, nil
		}
	}
}

func (d *reading) untilClosed() ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(d.r, int64(d.left)+1))
	d.took(len(b))
	if d.left < 0 {
		return b, garbage(d.name, fmt.Sprintf("the end of the connection within %d bytes", len(b)-1), b)
	}
	if err != nil {
		return b, inReply(err, d.taken, d.name)
	}
	if len(b) == 0 && d.taken == 0 {
		return b, inReply(io.EOF, 0, d.name)
	}
	return b, nil
}

// written reads what the pattern says and nothing else.
func (d *reading) written(t text) error {
	b, _, err := d.prefix(&t, false)
	problem, at := "", len(b)
	if err != nil {
		problem = err.Error()
		if errors.As(err, new(*ReplyError)) && at > 0 {
			at-- // the byte that does not fit was taken
		}
	}
	d.tell(b, "the reply as it is written", problem, at)
	return err
}

// prefix reads bytes that the pattern says, to its end and no further. In a
// header, {length} is not known but read: n is what it counts.
func (d *reading) prefix(t *text, header bool) (b []byte, n int, err error) {
	parts := t.with(d.fill)
	if header {
		parts = slices.Clone(t.parts)
	}
	for i, p := range parts {
		start := len(b)
		switch {
		case p.kind == literal:
			if b, err = d.expect(b, p); err != nil {
				return b, n, err
			}
		case p.kind == anyBytes && p.count > 0:
			b, err = d.readMore(b, p.count)
		case p.kind == anyBytes: // sound: a literal follows; it is left to the next round
			end := parts[i+1].literal
			if b, err = d.upTo(b, end, "some bytes, then "+shorten(end)); err == nil {
				parts[i+1] = part{kind: literal}
			}
		case p.kind == lengthOf && p.number.size > 0:
			if b, err = d.readMore(b, p.number.size); err == nil {
				counted := p.number.read(b[start:])
				if counted < 0 || counted > int64(d.left) {
					err = garbage(d.name, fmt.Sprintf("a length that counts 0 to %d bytes", d.left), b[start:])
				}
				n = int(counted)
			}
		default: // digits, or a decimal length; a literal follows
			if b, err = d.digits(b); err == nil && p.kind == lengthOf {
				n, err = d.counted(b[start:], p.number)
			}
		}
		if err != nil {
			return b, n, err
		}
	}
	return b, n, nil
}

// expect reads the bytes of a literal one by one, so that the first wrong one is
// the last that is taken.
func (d *reading) expect(b []byte, p part) ([]byte, error) {
	start := len(b)
	for i, want := range p.literal {
		c, err := d.r.ReadByte()
		if err != nil {
			return b, inReply(err, d.taken, d.name)
		}
		d.took(1)
		if b = append(b, c); c != want {
			return b, &ReplyError{Dialect: d.name, Want: around(p.literal, i), Got: around(b[start:], i), Garbage: !p.carried}
		}
	}
	return b, nil
}

// digits reads decimal digits, and leaves what follows.
func (d *reading) digits(b []byte) ([]byte, error) {
	const most = 20
	start := len(b)
	for len(b)-start <= most {
		next, err := d.r.Peek(1)
		if err != nil {
			return b, inReply(err, d.taken, d.name)
		}
		if next[0] < '0' || next[0] > '9' {
			break
		}
		b = append(b, next[0])
		_, _ = d.r.Discard(1)
		d.took(1)
	}
	if n := len(b) - start; n == 0 || n > most {
		next, _ := d.r.Peek(1)
		return b, garbage(d.name, fmt.Sprintf("1 to %d decimal digits", most), append(slices.Clone(b[start:]), next...))
	}
	return b, nil
}

// counted is how many bytes a decimal length counts.
func (d *reading) counted(text []byte, n number) (int, error) {
	value, err := strconv.ParseInt(string(text), 10, 64)
	if value -= int64(n.plus); err != nil || value < 0 || value > int64(d.left) {
		return 0, garbage(d.name, fmt.Sprintf("a length that counts 0 to %d bytes", d.left), text)
	}
	return int(value), nil
}
