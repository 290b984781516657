package session

import (
	"fmt"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// Probe is a PROBE conversation: requests go out with ids of its own, replies
// are kept until they are asked for. One goroutine uses it.
type Probe struct {
	s       *Session
	conn    *Conn
	lastID  uint32
	input   []byte
	pending []probe.Reply // arrived, not yet handed out
}

// Conn returns the connection beneath, at a frame border if no reply is under way.
func (p *Probe) Conn() *Conn { return p.conn }

// Patience adds extra to every wait of this conversation; see Conn.Patience.
func (p *Probe) Patience(extra time.Duration) *Probe {
	p.conn.Patience(extra)
	return p
}

// Call sends one request and waits for the first reply to it; replies to other
// requests are kept for Next and Await. The status is the check's to judge.
func (p *Probe) Call(verb string, args ...any) probe.Reply { return p.Await(p.Start(verb, args...)) }

// OK is Call for a request that must be answered ok.
func (p *Probe) OK(verb string, args ...any) probe.Reply {
	reply := p.Call(verb, args...)
	if reply.Status != probe.OK {
		p.conn.Failf(Wrong, fmt.Sprintf("%s was answered %s", verb, reply.Status), "ok",
			strings.TrimSpace(string(reply.Status)+" "+Quoted(reply.Fields)), "")
	}
	return reply
}

// Start sends one request and returns its id. Arguments are separated by one
// space; []byte goes as it is, a duration as nanoseconds, all else as Sprint
// prints it.
func (p *Probe) Start(verb string, args ...any) uint32 {
	p.lastID++
	p.conn.Send(probe.AppendRequest(nil, probe.Request{ID: p.lastID, Verb: verb, Args: joinArgs(args)}))
	return p.lastID
}

func joinArgs(args []any) []byte {
	var out []byte
	for i, arg := range args {
		if i > 0 {
			out = append(out, ' ')
		}
		switch v := arg.(type) {
		case []byte:
			out = append(out, v...)
		case time.Duration:
			out = fmt.Appendf(out, "%d", v.Nanoseconds())
		default:
			out = fmt.Append(out, v)
		}
	}
	return out
}

// Next returns the next reply in the order of arrival, to whichever request.
func (p *Probe) Next() probe.Reply {
	if len(p.pending) > 0 {
		reply := p.pending[0]
		p.pending = p.pending[1:]
		return reply
	}
	return p.receive("the next reply")
}

// Await returns the next reply to that request. A timer's request may be
// awaited several times.
func (p *Probe) Await(id uint32) probe.Reply {
	for i, reply := range p.pending {
		if reply.ID == id {
			p.pending = append(p.pending[:i:i], p.pending[i+1:]...)
			return reply
		}
	}
	for {
		reply := p.receive(fmt.Sprintf("the reply to request %d", id))
		if reply.ID == id {
			return reply
		}
		p.pending = append(p.pending, reply)
	}
}

// Kept counts the replies to that request that arrived and were not asked for yet.
func (p *Probe) Kept(id uint32) (n int) {
	for _, reply := range p.pending {
		if reply.ID == id {
			n++
		}
	}
	return n
}

// Quiet fails if another reply, or the end of the connection, comes within d.
func (p *Probe) Quiet(d time.Duration) {
	if len(p.pending) > 0 {
		reply := p.pending[0]
		p.conn.Failf(Wrong, "a reply came where none was due", "silence",
			fmt.Sprintf("request %d: %s %s", reply.ID, reply.Status, Quoted(reply.Fields)), "")
	}
	if len(p.input) > 0 {
		p.conn.Failf(Wrong, "bytes came where no reply was due", "silence", Quoted(p.input), "")
	}
	p.conn.Quiet(d)
}

// receive reads one frame and decodes the reply in it.
func (p *Probe) receive(want string) probe.Reply {
	for {
		body, n, err := probe.TakeFrame(p.input)
		if err != nil {
			p.conn.Failf(Wrong, "the target sent a bad frame", "a frame length from 1 to 65536", Quoted(p.input), "")
		}
		if n > 0 {
			reply, err := probe.ParseReply(body)
			if err != nil {
				p.conn.Failf(Wrong, "the target sent a frame that is no reply", "<id> <status> <fields>", Quoted(body), "")
			}
			reply.Fields = append([]byte(nil), reply.Fields...)
			p.input = append(p.input[:0], p.input[n:]...)
			return reply
		}
		var piece [readBuffer]byte
		got, err := p.conn.buffered().Read(piece[:])
		if err != nil {
			p.conn.fail(err, want, len(p.input))
		}
		p.input = append(p.input, piece[:got]...)
	}
}

// Fields decodes the key=value words of a reply.
func Fields(reply probe.Reply) map[string]string {
	fields := make(map[string]string)
	for _, word := range strings.Fields(string(reply.Fields)) {
		if key, value, found := strings.Cut(word, "="); found {
			fields[key] = value
		}
	}
	return fields
}

// Int returns a numeric field of a reply; one that is missing or no number is
// the target's fault.
func (p *Probe) Int(reply probe.Reply, key string) int64 {
	n, err := reply.Int(key)
	if err != nil {
		p.conn.Failf(Wrong, "a reply lacks a promised field: "+err.Error(), key+"=<number>", Quoted(reply.Fields), "")
	}
	return n
}
