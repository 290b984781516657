package dialect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// Try says one request to a server and writes down, byte by byte, what is said and
// heard, and where it is not what the dialect expects. It reports whether all of
// it was. patience bounds each wait for a byte.
func Try(w io.Writer, conn net.Conn, d Dialect, patience time.Duration) bool {
	t := &try{w: w, conn: conn, d: PerConn(d), patience: patience}
	t.in = bufio.NewReader(t)
	return t.opening() && t.exchange()
}

type try struct {
	w        io.Writer
	conn     net.Conn
	d        Dialect
	in       *bufio.Reader
	patience time.Duration
	came     []byte // read since the last step began, as far as it is kept
	total    int    // bytes read since then
	began    time.Time
	steps    pieces // of the step
}

// stepWaits is how many times its patience a step may take while bytes keep coming.
const stepWaits = 5

// errTrickles is a step that goes on and on.
var errTrickles = errors.New("bytes kept coming")

// keptBytes bounds what a step's bytes are kept and shown, in bytes.
const keptBytes = 4096

func (t *try) Read(b []byte) (int, error) {
	if time.Since(t.began) > stepWaits*t.patience {
		return 0, errTrickles
	}
	_ = t.conn.SetReadDeadline(time.Now().Add(t.patience))
	n, err := t.conn.Read(b)
	t.total += n
	if room := keptBytes - len(t.came); room > 0 {
		t.came = append(t.came, b[:min(n, room)]...)
	}
	return n, err
}

func (t *try) say(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

func (t *try) opening() bool {
	described, _ := t.d.(*Described)
	for i, step := range t.d.Opening() {
		if step.Read == nil {
			t.say("open, step %d: send %d bytes", i+1, len(step.Send))
			if !t.send(step.Send) {
				return false
			}
			continue
		}
		t.say("open, step %d: read", i+1)
		t.begin()
		var err error
		if described != nil {
			err = described.ListenOpening(i, t.in, t.heard)
			t.rest()
		} else {
			err = step.Read(t.in)
			t.showUsed()
		}
		if err != nil {
			t.follows(err)
			t.failed(err)
			return false
		}
	}
	return true
}

// begin starts a step: what was read ahead is its first bytes.
func (t *try) begin() {
	t.began = time.Now()
	ahead, _ := t.in.Peek(t.in.Buffered())
	t.came, t.total = bytes.Clone(ahead[:min(len(ahead), keptBytes)]), len(ahead)
	t.steps = pieces{}
}

// used is what the step has taken so far of what came, as far as it is kept.
func (t *try) used() []byte {
	return t.came[:min(len(t.came), max(0, t.total-t.in.Buffered()))]
}

// showUsed shows it.
func (t *try) showUsed() {
	used := t.used()
	t.show("<", used)
	if more := t.total - t.in.Buffered() - len(used); more > 0 {
		t.say("  < … %d bytes more, not shown", more)
	}
}

func (t *try) exchange() bool {
	payload := tryPayload(t.d, 0)
	request := t.d.Request(payload)
	if Constant(t.d) {
		t.say("request: send %d bytes", len(request))
	} else {
		t.say("request with a payload of %d bytes: send %d bytes", len(payload), len(request))
	}
	if !t.send(request) {
		return false
	}
	t.say("reply: read")
	t.begin()
	err := t.reply(payload)
	if err != nil {
		t.follows(err)
		t.failed(err)
		return false
	}
	whole := t.used()
	t.say("the reply is what the dialect expects")
	t.patience, t.began = t.patience/10, time.Now()
	if more, err := t.in.Peek(1); err == nil {
		more, _ = t.in.Peek(max(len(more), t.in.Buffered()))
		t.say("after the reply, where nothing is due:")
		t.show("<", more)
		if described, ok := t.d.(*Described); ok && described.Skips() {
			t.say("    perhaps what the next reply skips")
			return true
		}
		t.say("! these bytes would be taken for the reply to the next request: let reply go on to its last byte, or skip them")
		return false
	}
	if !Constant(t.d) && len(whole) < keptBytes {
		if _, err := t.d.ReadReply(bufio.NewReader(bytes.NewReader(whole)), tryPayload(t.d, 1)); err == nil {
			t.say("! the same bytes would pass for the reply to a request with another payload: say {payload} or {hex} in is: or contains:")
		}
	}
	return true
}

func (t *try) reply(payload []byte) error {
	if described, ok := t.d.(*Described); ok {
		_, err := described.Listen(t.in, payload, t.heard)
		t.rest()
		return err
	}
	_, err := t.d.ReadReply(t.in, payload)
	t.showUsed()
	return err
}

// tryPayload is a short payload that shows in a dump: letters, in one of two kinds.
func tryPayload(d Dialect, kind int) []byte {
	n := min(max(d.MinPayload(), 12), d.MaxPayload())
	letters := []string{"reactorspec ", "another one "}[kind]
	return []byte(strings.Repeat(letters, n/len(letters)+1)[:n])
}

func (t *try) send(b []byte) bool {
	t.show(">", b)
	_ = t.conn.SetWriteDeadline(time.Now().Add(t.patience))
	if _, err := t.conn.Write(b); err != nil {
		t.say("! it could not be sent: %v", cause(err))
		return false
	}
	return true
}

// follows shows what came behind the place where reading ended, and what still comes as
// long as each piece follows the one before it closely, for as long as one wait at the most.
func (t *try) follows(err error) {
	const pause = 200 * time.Millisecond
	if !errors.As(err, new(*ReplyError)) { // all that came was read
		return
	}
	patience := t.patience
	t.patience, t.began = min(pause, patience), time.Now()
	defer func() { t.patience = patience }()
	rest := make([]byte, 0, keptBytes+1)
	for until := time.Now().Add(patience); len(rest) < cap(rest) && time.Now().Before(until); {
		n, err := t.in.Read(rest[len(rest):cap(rest)])
		if rest = rest[:len(rest)+n]; err != nil {
			break
		}
	}
	if len(rest) == 0 {
		return
	}
	t.say("    what came behind it:")
	t.show("<", rest[:min(len(rest), keptBytes)])
	if len(rest) > keptBytes {
		t.say("  < … and more, which is not shown")
	}
}

// failed says why a read failed, in words for whoever writes the dialect.
func (t *try) failed(err error) {
	var wrong *ReplyError
	var unended *UnendedError
	if errors.As(err, &unended) {
		defer t.say("! still due: %s", unended.Missing)
	}
	switch {
	case errors.As(err, &wrong):
		t.say("! want %s", wrong.Want)
		t.say("!  got %s", wrong.Got)
	case errors.Is(err, os.ErrDeadlineExceeded):
		if len(t.came) == 0 {
			t.say("! nothing came within %v: does the server wait for something that the client should say first?", t.patience)
		} else {
			t.say("! nothing more came within %v, and the frame has not ended: does it really end where the file says?", t.patience)
		}
	case errors.Is(err, errTrickles):
		t.say("! bytes kept coming for %v, and the end of the reply is not among them", stepWaits*t.patience)
	case errors.Is(err, io.ErrUnexpectedEOF):
		t.say("! the server closed the connection inside it")
	case errors.Is(err, io.EOF):
		t.say("! the server closed the connection instead")
	default:
		t.say("! %v", cause(err))
	}
}
