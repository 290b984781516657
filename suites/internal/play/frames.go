package play

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// needs are the features of the verbs that need one.
var needs = map[string]spec.Feature{
	transcript.Post: "post", transcript.Timer: "timer", transcript.Cancel: "timer",
	transcript.Offload: "offload", transcript.Where: "where",
	transcript.Cross: "post", transcript.Hook: "hooks", transcript.ResetTimer: "timer", transcript.Fail: "contain",
}

// crossers are the threads of a CROSS.
const crossers = 3

// places are where FAIL panics, by a step's number, and the features that bring a
// server such a place.
var (
	places      = []string{"task", "timer", "worker", "handler"}
	placesNeeds = []spec.Feature{"post", "timer", "offload", ""}
)

// unknownVerb is a verb that no target knows.
const unknownVerb = "XREACTORSPEC"

// call makes a request of one of the verbs.
func (c *link) call(verb string, argument int) {
	if !c.frames || c.silent() || c.spoilt {
		return
	}
	d := &due{verb: verb, id: c.nextID(), argument: argument}
	request := probe.Request{ID: d.id, Verb: verb}
	after := time.Duration(argument) * time.Millisecond
	switch verb {
	case transcript.Post:
		d.argument = max(argument, 1)
		request.Args = fmt.Appendf(nil, "- %d", d.argument)
	case transcript.Cross:
		d.argument = max(argument, 1)
		request.Args = fmt.Appendf(nil, "- %d %d", crossers, d.argument)
	case transcript.Hook:
		d.argument = max(argument, 1)
		d.optional = true // a loop with nothing to do makes no turns
		request.Args = fmt.Appendf(nil, "%s %d", contract.Positions[int(d.id)%len(contract.Positions)], d.argument)
	case transcript.Fail:
		d.argument %= len(places)
		d.panics = d.argument == transcript.InHandler && slices.Contains(c.p.rules.features, needs[verb])
		request.Args = []byte(places[d.argument])
	case transcript.Timer:
		c.lastTimer = d.id
		request.Args = fmt.Appendf(nil, "%d %d 0 1", d.id, after.Nanoseconds())
	case transcript.Cancel:
		d.argument = int(c.lastTimer)
		request.Args = fmt.Appendf(nil, "%d", d.argument)
	case transcript.ResetTimer:
		d.argument = int(c.lastTimer)
		d.pending = c.timer(c.lastTimer) >= 0
		request.Args = fmt.Appendf(nil, "%d %d", d.argument, after.Nanoseconds())
	case transcript.Offload:
		request.Args = fmt.Appendf(nil, "%d w%d", argument, d.id)
	case transcript.Unknown:
		request.Verb = unknownVerb
	}
	if verb == transcript.Timer || verb == transcript.ResetTimer || verb == transcript.Offload {
		c.conn.Patience(transcript.MaxWait * time.Millisecond)
	}
	d.what = fmt.Sprintf("the reply to request %d, %s,", d.id, request.Verb)
	c.make(d, probe.AppendRequest(nil, request))
}

// readFrame reads one reply, to whichever request that is due; wanted, if not
// nil, names what is awaited.
func (c *link) readFrame(wanted *due) {
	what := "a reply that may come"
	if wanted != nil {
		what = wanted.what
	}
	var header [4]byte
	if n, err := io.ReadFull(c.in, header[:]); err != nil {
		c.ended(err, what, n)
		return
	}
	size := binary.BigEndian.Uint32(header[:])
	if size == 0 || size > probe.MaxFrame {
		c.p.s.Failf(session.Wrong, "the target sent a bad frame", "a frame length from 1 to 65536", fmt.Sprint(size), "")
	}
	body := make([]byte, size)
	if n, err := io.ReadFull(c.in, body); err != nil {
		c.ended(err, what, n)
		return
	}
	reply, err := probe.ParseReply(body)
	if err != nil {
		c.p.s.Failf(session.Wrong, "the target sent a frame that is no reply", "<id> <status> <fields>", session.Quoted(body), "")
	}
	c.match(reply)
}

// match matches a reply with what is due. Replies come in any order, but those
// to PING in the order of their requests.
func (c *link) match(reply probe.Reply) {
	wrong := func(reason, want string) {
		c.p.s.Failf(session.Wrong, reason, want, fmt.Sprintf("%d %s %s", reply.ID, reply.Status, session.Quoted(reply.Fields)), "")
	}
	at := slices.IndexFunc(c.due, func(d *due) bool { return d.opening == nil && d.id == reply.ID && d.end <= c.pushed })
	if at < 0 {
		wrong("a reply came to a request that is answered, cancelled or was never made", "a reply to one of the requests that are due")
	}
	d := c.due[at]
	if d.verb == "PING" {
		if first := slices.IndexFunc(c.due, func(d *due) bool { return d.verb == "PING" }); first != at {
			wrong("replies to PING came out of order", fmt.Sprintf("the reply to %d first", c.due[first].id))
		}
	}
	c.saw(d.verb, string(reply.Status), len(reply.Fields), len(c.due))
	unsupported := reply.Status == probe.Unsupported
	if unsupported && !c.offered(d) {
		c.answered(d)
		return
	}
	value := func(key string) string {
		v, _ := reply.Field(key)
		return v
	}
	want, kept := "ok", reply.Status == probe.OK
	switch d.verb {
	case "PING":
		want += " and the same bytes"
		kept = kept && string(reply.Fields) == string(d.payload)
	case transcript.Post:
		want += fmt.Sprintf(" ran=%d", d.argument)
		kept = kept && value("ran") == fmt.Sprint(d.argument)
	case transcript.Timer:
		want, kept = fmt.Sprintf("fired key=%d", d.id), reply.Status == probe.Fired && value("key") == fmt.Sprint(d.id)
	case transcript.Cross:
		want += fmt.Sprintf(" ran=%d", crossers*d.argument)
		kept = kept && value("ran") == fmt.Sprint(crossers*d.argument)
	case transcript.Hook:
		want += fmt.Sprintf(" ran=%d", d.argument)
		kept = kept && value("ran") == fmt.Sprint(d.argument)
	case transcript.Fail:
		want, kept = "failed", reply.Status == probe.Failed
		switch places[d.argument] {
		case "worker":
			want, kept = "failed, or full", kept || reply.Status == probe.Full
		case "handler":
			want, kept = "the end of the connection", false
		}
	case transcript.ResetTimer:
		want, kept = "ok reset=1, or 0", kept && (value("reset") == "0" || value("reset") == "1" && d.pending)
	case transcript.Cancel:
		want, kept = "ok cancelled=1, or 0", kept && c.cancelled(d, value("cancelled"))
	case transcript.Offload:
		want = fmt.Sprintf("ok word=w%d, or full", d.id)
		kept = kept && value("word") == fmt.Sprintf("w%d", d.id) || reply.Status == probe.Full
	case transcript.Unknown:
		want, kept = "unsupported", unsupported
	}
	if !kept {
		wrong(d.what+" is another", want)
	}
	c.answered(d)
}

// offered reports whether the target declares what the request needs.
func (c *link) offered(d *due) bool {
	declared := func(f spec.Feature) bool { return f == "" || slices.Contains(c.p.rules.features, f) }
	return declared(needs[d.verb]) && (d.verb != transcript.Fail || declared(placesNeeds[d.argument]))
}

// timer finds what a timer owes; -1: it has fired, was cancelled or never set.
func (c *link) timer(id uint32) int {
	return slices.IndexFunc(c.due, func(d *due) bool { return d.verb == transcript.Timer && d.id == id })
}

// cancelled takes back what a timer owed, and reports whether it can be so.
func (c *link) cancelled(d *due, said string) bool {
	timer := c.timer(uint32(d.argument))
	switch {
	case said == "0":
		return true
	case said != "1" || timer < 0:
		return false
	}
	c.answered(c.due[timer])
	return true
}
