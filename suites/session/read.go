package session

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// End says how reading ended.
type End string

// The ways in which reading ends.
const (
	EOF     End = "EOF"     // the server's FIN
	Reset   End = "Reset"   // the server's RST
	Timeout End = "Timeout" // silence for an await; the connection is open
)

// readBuffer is what one connection holds of unread input in user space, in
// bytes; checks open 10,000 connections.
const readBuffer = 4096

func (c *Conn) buffered() *bufio.Reader {
	if c.reader == nil {
		c.reader = bufio.NewReaderSize(incoming{c}, readBuffer)
	}
	return c.reader
}

// read is how many bytes that came have been looked at; the others are buffered.
func (c *Conn) read() int64 { return c.got.Load() - int64(c.buffered().Buffered()) }

// incoming reads from the socket, records it, and reports
// os.ErrDeadlineExceeded after an await of effective time without a byte.
type incoming struct{ c *Conn }

func (in incoming) Read(b []byte) (int, error) {
	if in.c.pace != nil {
		in.c.pace()
	}
	return in.c.receive(b, in.c.budget(), true)
}

// receive is one read that waits at most budget of effective time.
func (c *Conn) receive(b []byte, budget time.Duration, eager bool) (int, error) {
	watch := c.s.Clock()
	for {
		remaining := budget - watch.Wall()
		if remaining <= 0 {
			remaining = budget - watch.Elapsed()
		}
		_ = c.socket.SetReadDeadline(time.Now().Add(max(remaining, time.Millisecond)))
		n, err := c.socket.Read(b)
		c.s.alive()
		if n > 0 {
			c.moved()
			c.got.Add(int64(n))
			if !c.spoke.Swap(true) {
				c.s.heard(c)
			}
			c.s.log.add(c.number, "recv", b[:n])
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			if err != nil {
				c.s.log.add(c.number, ending(err), nil)
			}
			return 0, err
		}
		if watch.Elapsed() >= budget || watch.Wall() >= c.s.Budget.Wall+budget {
			if eager {
				c.s.log.add(c.number, "note", []byte("silence"))
			}
			return 0, err
		}
	}
}

// fail ends the check for an error of reading: silence is Late, everything
// else (closed, reset, not the dialect's form) is Wrong.
func (c *Conn) fail(err error, want string, got int) { c.missed(err, want, got, got == 0) }

// missed is fail where the bytes that came may be the beginning of something else: none
// says that nothing of what was due is among them.
func (c *Conn) missed(err error, want string, got int, none bool) {
	c.s.alive()
	have := fmt.Sprintf("%d bytes", got)
	c.unsecured(err)
	due := want // the reason is short without what is missing of it
	var unended *dialect.UnendedError
	if errors.As(err, &unended) {
		due += ", of which is missing " + unended.Missing
	}
	var wrong *dialect.ReplyError
	switch {
	case errors.As(err, &wrong):
		reason := "the reply is not the one to this request"
		if wrong.Garbage {
			reason = "what came is not a reply in the " + wrong.Dialect + " dialect"
		}
		failure := &Failure{Kind: Wrong, Reason: reason, Want: wrong.Want, Got: wrong.Got, Hint: wrong.Hint,
			Conn: c.number, Source: c.socket.LocalAddr().String(), taken: int(c.replies.Load()), other: true}
		if others := c.s.others(); others > 0 && c.turnedAway() {
			failure.beside, failure.away, failure.busy = others, true, wrong.Busy
		}
		panic(failed{failure})
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.Failf(Late, fmt.Sprintf("silence for %s instead of %s", milliseconds(c.budget()), want),
			fmt.Sprintf("%s within %s", due, milliseconds(c.budget())), have+", then silence; the connection is open", "")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		c.closedUnder()
		c.ended("closed", want, due, have+", then the end of input (FIN)", none && errors.Is(err, io.EOF))
	case ending(err) == "rst":
		c.closedUnder()
		c.ended("reset", want, due, have+", then RST", none)
	default:
		c.Failf(Wrong, "what came is not "+want, want, oneLine(err.Error()), "")
	}
}

// ended ends the check since the server ended the connection; before says that it was
// before anything of what was due.
func (c *Conn) ended(how, want, due, have string, before bool) {
	failure := &Failure{Kind: Wrong, Reason: oneLine("the server " + how + " the connection instead of sending " + want), Want: due, Got: have,
		Conn: c.number, Source: c.socket.LocalAddr().String(), Ended: before, silent: c.silent(), taken: int(c.replies.Load())}
	if before && dialect.MayQuit(c.dialect) { // turned away without a word, or ended to make room
		failure.beside = c.s.others()
	}
	panic(failed{failure})
}

// turnedAway reports whether the server said something else than its first reply on
// this connection and ended it: "max number of clients reached", 503.
func (c *Conn) turnedAway() bool { return c.replies.Load() == 0 && c.endsItsWords() }

// endsItsWords reads on behind something that was no reply, and reports whether the
// server has ended the connection behind it.
func (c *Conn) endsItsWords() bool {
	const mostWords = 64 << 10
	_, err := io.CopyN(io.Discard, c.buffered(), mostWords)
	return errors.Is(err, io.EOF) || ending(err) == "rst"
}

// Read returns exactly n bytes.
func (c *Conn) Read(n int) []byte {
	b := make([]byte, n)
	c.readFull(b, fmt.Sprintf("%d bytes", n))
	return b
}

func (c *Conn) readFull(b []byte, want string) {
	got, err := io.ReadFull(c.buffered(), b)
	if err != nil {
		c.fail(err, want, got)
	}
}

// Want reads len(b) bytes and fails at the first that differs; what names them.
func (c *Conn) Want(b []byte, what string) {
	const piece = 64 << 10
	got := make([]byte, min(len(b), piece))
	for done := 0; done < len(b); {
		part := got[:min(piece, len(b)-done)]
		n, err := io.ReadAtLeast(c.buffered(), part, 1)
		if at := firstDifference(b[done:], part[:n]); at < n {
			at += done
			c.Failf(Wrong, fmt.Sprintf("%s differs from byte %d of %d on", what, at, len(b)),
				fmt.Sprintf("from byte %d: %s", at, Quoted(b[at:])), fmt.Sprintf("from byte %d: %s", at, Quoted(part[at-done:n])), "")
		}
		done += n
		if err != nil {
			c.fail(err, fmt.Sprintf("%s (%d bytes)", what, len(b)), done)
		}
	}
}

// WantLine reads one line, up to \n, and returns it without its line end.
func (c *Conn) WantLine() string {
	var line []byte
	for {
		b, err := c.buffered().ReadByte()
		if err != nil {
			c.fail(err, "a line", len(line))
		}
		if b == '\n' {
			return string(bytes.TrimSuffix(line, []byte("\r")))
		}
		if line = append(line, b); len(line) > 4096 {
			c.Failf(Wrong, "a line does not end", "a line of at most 4096 bytes", Quoted(line), "")
		}
	}
}

// ReadAll reads until the end of input, silence, or limit bytes (then the end is
// Timeout's opposite: the limit was reached and End is empty).
func (c *Conn) ReadAll(limit int) ([]byte, End) {
	var all []byte
	part := make([]byte, min(limit, 64<<10))
	for len(all) < limit {
		n, err := c.buffered().Read(part[:min(len(part), limit-len(all))])
		all = append(all, part[:n]...)
		if err != nil {
			return all, c.end(err)
		}
	}
	return all, ""
}

// Whatever returns what has come, or comes next, whatever it is, and waits no longer than d
// for it.
func (c *Conn) Whatever(d time.Duration) []byte {
	b := make([]byte, readBuffer)
	n, _ := c.buffered().Read(b[:c.buffered().Buffered()])
	if n == 0 {
		n, _ = c.receive(b, d, false)
	}
	return b[:n]
}

// Drain reads and forgets until the end of input or silence; it returns how
// many bytes came.
func (c *Conn) Drain() (int64, End) {
	n, err := io.Copy(io.Discard, onlyReader{c.buffered()})
	if err == nil {
		return n, EOF
	}
	return n, c.end(err)
}

type onlyReader struct{ io.Reader }

func (c *Conn) end(err error) End {
	c.s.alive()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case errors.Is(err, io.EOF):
		return EOF
	case ending(err) == "rst":
		return Reset
	}
	c.s.harnessFailed("read: %v", err)
	return ""
}

// WantEOF fails unless the next thing that comes is the server's FIN.
func (c *Conn) WantEOF() { c.wantEnd("the end of input (FIN)", false) }

// WantClosed fails unless the next thing that comes is FIN or RST.
func (c *Conn) WantClosed() { c.wantEnd("the connection is closed (FIN or RST)", true) }

func (c *Conn) wantEnd(want string, resetToo bool) {
	_, err := c.buffered().Peek(1)
	if err == nil {
		head, _ := c.buffered().Peek(c.buffered().Buffered())
		c.Failf(Wrong, "bytes came where none were due", want, fmt.Sprintf("%d bytes: %s", len(head), Quoted(head)), "")
	}
	switch c.end(err) {
	case EOF:
	case Reset:
		if !resetToo {
			c.Failf(Wrong, "the server reset the connection", want, "RST", "")
		}
	default:
		c.Failf(Late, fmt.Sprintf("the connection is still open after %s", milliseconds(c.budget())), want, "silence; the connection is open", "")
	}
}

// Quiet fails if anything comes, bytes or an end, for d of effective time.
func (c *Conn) Quiet(d time.Duration) {
	want := fmt.Sprintf("silence for %s, the connection open", milliseconds(d))
	if c.reader != nil && c.reader.Buffered() > 0 {
		head, _ := c.reader.Peek(c.reader.Buffered())
		c.Failf(Wrong, "bytes came where none were due", want, Quoted(head), "")
	}
	var b [headBytes]byte
	n, err := c.receive(b[:], d, false)
	switch {
	case n > 0:
		c.Failf(Wrong, "bytes came where none were due", want, Quoted(b[:n]), "")
	case errors.Is(err, os.ErrDeadlineExceeded):
	case errors.Is(err, io.EOF):
		c.closedUnder()
		c.Failf(Wrong, "the server closed a connection that should stay open", want, "the end of input (FIN)", "")
	case ending(err) == "rst":
		c.closedUnder()
		c.Failf(Wrong, "the server reset a connection that should stay open", want, "RST", "")
	default:
		c.s.harnessFailed("read: %v", err)
	}
}

// compare fails unless got equals want.
func (c *Conn) compare(want, got []byte, what string) {
	if bytes.Equal(want, got) {
		return
	}
	at := firstDifference(want, got)
	if at == len(want) || at == len(got) {
		c.Failf(Wrong, fmt.Sprintf("%s has %d bytes instead of %d", what, len(got), len(want)), Quoted(want), Quoted(got), "")
	}
	c.Failf(Wrong, fmt.Sprintf("%s differs from byte %d of %d on", what, at, len(want)),
		fmt.Sprintf("from byte %d: %s", at, Quoted(want[at:])), fmt.Sprintf("from byte %d: %s", at, Quoted(got[at:])), "")
}

// firstDifference returns the first index at which a and b differ, at most the
// shorter length.
func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := 0; i < n; {
		if step := min(n-i, 4096); bytes.Equal(a[i:i+step], b[i:i+step]) {
			i += step
			continue
		}
		for a[i] == b[i] {
			i++
		}
		return i
	}
	return n
}
