package reference

import (
	"github.com/reactorspec/reactorspec/reference/internal/poll"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// probing is the conversation of PROBE: frames, each a verb.
type probing struct {
	closing
	c *Conn
	// out gathers the replies of one OnData, so that pipelined requests cost one write.
	out []byte
}

func newProbing() *probing { return &probing{} }

// maxReplies is how much of replies is gathered before it is written, in bytes.
const maxReplies = 32 << 10

func (p *probing) OnOpen(c *Conn) { p.c = c }

func (p *probing) OnData(c *Conn, data []byte) (used int) {
	p.out = c.scratch()
	for !c.Congested() {
		body, n, err := probe.TakeFrame(data[used:])
		if n == 0 && err == nil {
			break
		}
		var request probe.Request
		if err == nil {
			request, err = probe.ParseRequest(body)
		}
		if err != nil {
			p.flush()
			c.Close()
			return len(data)
		}
		used += n
		p.request(request)
		if len(p.out) >= maxReplies {
			p.flush()
		}
	}
	p.flush()
	c.keepScratch(p.out)
	p.out = nil
	return used
}

func (p *probing) flush() {
	if len(p.out) > 0 {
		_, _ = p.c.Write(p.out) // a write error ends the connection by itself
		p.out = p.out[:0]
	}
}

// reply answers a request: at once when called from anywhere but OnData.
func (p *probing) reply(id uint32, status probe.Status, fields []byte) {
	direct := p.out == nil
	p.out = probe.AppendReply(p.out, probe.Reply{ID: id, Status: status, Fields: fields})
	if direct {
		p.flush()
		p.out = nil
	}
}

func (p *probing) request(r probe.Request) {
	switch r.Verb {
	case "PING":
		p.reply(r.ID, probe.OK, r.Args)
	case "HELLO":
		p.reply(r.ID, probe.OK, p.c.server.hello())
	case "WHERE":
		index := 0
		if p.c.reactor != nil {
			index = p.c.reactor.index
		}
		p.reply(r.ID, probe.OK, fields("loop", index, "tid", poll.ThreadID(), "conn", p.c.id))
	default:
		p.reply(r.ID, probe.Unsupported, nil)
	}
}
