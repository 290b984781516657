package play

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// link is one open connection and the model of it.
type link struct {
	p      *player
	number int
	conn   *session.Conn
	out    *writer
	frames bool // a PROBE conversation

	made   []byte // what was made and not pushed
	pushed int    // bytes pushed, counted from the first of the connection
	asked  int    // payloads computed
	served bool   // something that it asked was answered
	due    []*due // what was made and is not answered, in order
	held   []byte // received by sip, not yet used
	in     *bufio.Reader
	finned bool
	doomed bool   // a panic in its handler was asked for: the server is to close it
	shed   bool   // more output was unread than the target's limit: it may close
	gone   bool   // the server ended it, which was legal
	cut    bool   // it half-closed amid a request
	spoilt bool   // it sends what is no request: nothing is due to it
	last   uint32 // the sign of what was seen on it before
	sipEnd error  // how input ended while it was sipped

	lastID    uint32
	lastTimer uint32
}

// due is one answer that the server owes, once its request was pushed whole.
type due struct {
	what       string
	start, end int                       // the request's place in what the connection sends
	opening    func(*bufio.Reader) error // what reads the answer to a part of the opening
	payload    []byte
	id         uint32 // frames
	verb       string
	argument   int
	optional   bool // not promised, or no longer
	pending    bool // RESET: the timer had not been seen to fire when this was asked
	panics     bool // FAIL in the handler
}

func (p *player) dial(step transcript.Step) *link {
	c := &link{p: p, number: step.Conn, frames: step.Frames}
	switch {
	case step.Op == transcript.Dial && p.s.Info.Greeting == 0 && dialect.TalksAhead(p.s.Dialect):
		c.conn = p.s.Dial()
		opening := c.conn.Dialect().Opening() // its own: it may have a word that no other has
		if step.Frames {
			opening = []dialect.Step{{Send: []byte(probe.Probe + "\n")}, {Read: readSignOn}}
		}
		for _, s := range opening {
			c.made = append(c.made, s.Send...)
			if s.Read != nil {
				c.due = append(c.due, &due{what: "the answer to the sign-on", end: len(c.made), opening: s.Read})
			}
		}
	case step.Frames:
		c.conn = p.s.Converse(probe.Probe)
	case step.Narrow:
		c.conn = p.s.Ready(p.s.DialNarrow())
	default:
		c.conn = p.s.Open()
	}
	c.out = &writer{s: p.s, conn: c.conn}
	p.writers = append(p.writers, c.out)
	c.in = bufio.NewReader(arrivals{c})
	return c
}

// arrivals is what has been received and not used: first what sip holds.
type arrivals struct{ c *link }

func (a arrivals) Read(b []byte) (int, error) {
	if len(a.c.held) > 0 {
		n := copy(b, a.c.held)
		a.c.held = a.c.held[n:]
		return n, nil
	}
	if a.c.sipEnd != nil {
		return 0, a.c.sipEnd
	}
	return a.c.conn.Input().Read(b)
}

// maxPing keeps a PING's body within a frame.
const maxPing = 60_000

// ask makes a request with a payload of its own.
func (c *link) ask(size int) {
	if c.silent() {
		return
	}
	d := c.conn.Dialect()
	if !c.frames && (d.Requests() > 0 && c.asked >= d.Requests() || !d.Pipelines() && len(c.due) > 0) {
		return // it has no words for another, or not yet
	}
	size = min(max(size, d.MinPayload()), d.MaxPayload())
	if c.frames {
		size = min(size, maxPing)
	}
	payload := c.p.t.Payload(c.number, c.asked, size)
	c.asked++
	owed := &due{payload: payload}
	if c.spoilt {
		c.made = append(c.made, d.Request(payload)...)
		return
	}
	if c.frames {
		owed.verb, owed.id = "PING", c.nextID()
		owed.what = fmt.Sprintf("the reply to PING %d with %d bytes", owed.id, size)
		c.make(owed, probe.AppendRequest(nil, probe.Request{ID: owed.id, Verb: "PING", Args: payload}))
		return
	}
	owed.what = fmt.Sprintf("the reply to request %d, of %d bytes,", c.asked, size)
	c.make(owed, d.Request(payload))
}

func (c *link) nextID() uint32 {
	c.lastID++
	return c.lastID
}

func (c *link) make(owed *due, request []byte) {
	owed.start = c.pushed + len(c.made)
	owed.end = owed.start + len(request)
	c.made = append(c.made, request...)
	c.due = append(c.due, owed)
}

// push sends n bytes of what was made, or all.
func (c *link) push(n int) {
	if n == 0 || n > len(c.made) {
		n = len(c.made)
	}
	if n == 0 || c.silent() {
		return
	}
	piece := slices.Clone(c.made[:n])
	c.made = c.made[n:]
	c.pushed += n
	unread := 0
	for _, owed := range c.due {
		if owed.panics && owed.end <= c.pushed {
			c.doom()
		}
		if owed.start < c.pushed {
			unread += len(owed.payload) + 64
		}
	}
	c.shed = c.shed || c.p.rules.limit > 0 && unread > c.p.rules.limit
	taken := c.out.send(piece)
	c.saw("push", fmt.Sprint(taken), len(piece), unread)
	if c.spoilt {
		c.drain()
		c.p.asBefore()
	}
}

// silent reports whether the client has nothing more to say.
func (c *link) silent() bool { return c.finned || c.doomed || c.gone }

// doom takes note that the server is to close the connection at once: what else
// is due may come first, and may be lost.
func (c *link) doom() {
	c.doomed = true
	for _, d := range c.due {
		d.optional = d.opening == nil
	}
}

// owed returns the first answer that is due now; nil if there is none.
func (c *link) owed() *due {
	for _, d := range c.due {
		if d.end <= c.pushed && !d.optional {
			return d
		}
	}
	return nil
}

// read reads count replies, or all that are due.
func (c *link) read(count int) {
	c.out.stuck = false // what is read makes room
	if c.spoilt {
		c.drain()
		return
	}
	if c.finned && !c.p.rules.answersFIN {
		return // it may come, and it may not
	}
	for i := 0; count == 0 || i < count; i++ {
		d := c.owed()
		if d == nil || c.gone {
			return
		}
		if c.frames && d.opening == nil {
			c.readFrame(d)
			continue
		}
		var err error
		var reply dialect.Reply
		if d.opening != nil {
			err = d.opening(c.in)
		} else {
			reply, err = c.conn.Dialect().ReadReply(c.in, d.payload)
		}
		if err != nil {
			c.ended(err, d.what, len(reply.Payload))
			return
		}
		if !bytes.Equal(reply.Payload, d.payload) {
			c.p.s.Failf(session.Wrong, d.what+" has other bytes", session.Quoted(d.payload), session.Quoted(reply.Payload), "")
		}
		c.gone = c.gone || reply.Last
		c.saw("reply", fmt.Sprint(reply.Last, d.opening != nil), len(d.payload), len(c.due))
		c.answered(d)
	}
}

func (c *link) answered(d *due) {
	c.due = slices.DeleteFunc(c.due, func(other *due) bool { return other == d })
	c.served = c.served || d.opening == nil
}

// leastAnswer is the length of the shortest answer to a sign-on, "OK 1\n".
const leastAnswer = 5

// leastReply is how many bytes of a reply are certain: a status line may be shorter than
// the payload of its request.
func (c *link) leastReply(d *due) int {
	if described, is := c.p.s.Dialect.(*dialect.Described); is && !described.Carries() {
		return min(1, len(d.payload))
	}
	return len(d.payload)
}

// sip reads some of what is certainly on its way, once.
func (c *link) sip(size int) {
	c.out.stuck = false
	if c.spoilt {
		c.drain()
		return
	}
	if c.gone || c.finned && !c.p.rules.answersFIN {
		return
	}
	certain := -len(c.held) - c.in.Buffered()
	for _, d := range c.due {
		switch {
		case d.end > c.pushed || d.optional:
		case d.opening != nil:
			certain += leastAnswer
		default:
			certain += c.leastReply(d)
		}
	}
	if size = min(size, certain); size <= 0 {
		return
	}
	b := make([]byte, size)
	n, err := c.conn.Input().Read(b)
	c.held = append(c.held, b[:n]...)
	if err != nil { // what was held may say that this is how it ends
		c.sipEnd = err
		c.read(0)
	}
}

// ended takes the end of input, or the wrong bytes, while what was due. Where
// the server may close it is the end of the connection and no more.
func (c *link) ended(err error, what string, got int) {
	closed := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || session.IsReset(err)
	lost := c.conn.MayHaveEnded(err) && c.sent() > 1
	if closed && (c.doomed || c.shed || c.p.rules.idle || lost) {
		c.gone = true
		c.saw("gone", string(c.conn.Ended(err)), got, len(c.due))
		return
	}
	c.conn.Blame(err, what, got)
}

// sent is how many requests that are not answered were sent, in part at least.
func (c *link) sent() (n int) {
	for _, d := range c.due {
		if d.start < c.pushed {
			n++
		}
	}
	return n
}

// fin half-closes. What was not pushed will never be: a request that was cut is
// due as far as it goes where a request is any bytes, and not at all elsewhere.
func (c *link) fin() {
	if c.silent() {
		return
	}
	c.finned, c.made = true, nil
	var left []*due
	for _, d := range c.due {
		switch {
		case d.end <= c.pushed:
			d.optional = c.frames && d.opening == nil && d.verb != "PING" // nobody promised that it is done in time
			left = append(left, d)
		case d.start < c.pushed && c.p.rules.streams && !c.frames && d.opening == nil:
			d.payload, d.end = d.payload[:c.pushed-d.start], c.pushed
			left = append(left, d)
		case d.start < c.pushed && !c.frames:
			c.cut = true
		}
	}
	c.due = left
	c.out.finish()
}

// mostComplaint is how many bytes a server may say about a request that the client's FIN
// has cut. No page says what is due then: 400 and an error of its own are as good as
// nothing at all.
const mostComplaint = 64 << 10

// end reads what is due, half-closes, and wants the server's end and nothing else.
func (c *link) end() {
	defer c.leave(c.conn.Close)
	c.read(0)
	c.fin()
	if c.spoilt {
		c.drain()
		return
	}
	if !c.doomed && !c.p.rules.answersFIN {
		return
	}
	c.read(0)
	for c.frames && !c.gone && len(c.due) > 0 {
		if _, err := c.in.Peek(1); err != nil {
			break
		}
		c.readFrame(nil) // what is optional may come still
	}
	if c.gone {
		return
	}
	_, err := c.in.Peek(1)
	if err == nil && c.cut { // it may say what it thinks of that
		_, err = io.CopyN(io.Discard, c.in, mostComplaint)
	}
	if err == nil {
		head, _ := c.in.Peek(c.in.Buffered())
		c.p.s.Failf(session.Wrong, "bytes came where none were due", "the end of input", fmt.Sprintf("%d bytes: %s", len(head), session.Quoted(head)), "")
	}
	how := c.conn.Ended(err)
	c.saw("end", string(how), 0, len(c.due))
	if how == session.Timeout {
		after, want := "the client's FIN", "all is delivered, so the server closes"
		if c.doomed {
			after, want = "a panic in its handler", "the server closes it, and goes on"
		}
		c.conn.Failf(session.Late, "the connection is still open after "+after, want, "silence; the connection is open", "")
	}
}

// leave closes the connection in its own way, whatever is due.
func (c *link) leave(how func()) {
	c.saw("leave", fmt.Sprint(c.finned, c.gone), len(c.due), len(c.made))
	c.out.stop()
	how()
	delete(c.p.conns, c.number)
}

// settle gives the connection what it is owed at the transcript's end: what was
// made is pushed and answered, and so is one request more.
func (c *link) settle() {
	if !c.finned {
		c.push(0)
		c.read(0)
		c.ask(16)
		c.push(0)
	}
	c.end()
}

// readSignOn reads the answer to PROBE.
func readSignOn(r *bufio.Reader) error {
	_, err := dialect.ReadSignOnReply(r)
	return err
}
