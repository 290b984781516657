package dialect

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"time"
)

// Undiscerning asks one request on a connection of its own, and reads the reply again with
// its bytes changed, and as if something else had been asked: it says what a dialect that is
// code cannot tell of a server, as Described.Weakness does of a description. Empty where it
// can, or where nothing came that it takes.
func Undiscerning(conn net.Conn, d Dialect, patience time.Duration) string {
	d = PerConn(d)
	_ = conn.SetDeadline(time.Now().Add(patience))
	var came bytes.Buffer
	r := bufio.NewReader(io.TeeReader(conn, &came))
	for _, step := range d.Opening() {
		if step.Read != nil {
			if step.Read(r) != nil {
				return ""
			}
		} else if _, err := conn.Write(step.Send); err != nil {
			return ""
		}
	}
	before := came.Len() - r.Buffered()
	asked := tryPayload(d, 0)
	if _, err := conn.Write(d.Request(asked)); err != nil || !takes(d, r, asked) {
		return ""
	}
	reply := came.Bytes()[before : came.Len()-r.Buffered()]
	changed := bytes.Clone(reply)
	for i := range changed {
		changed[i] ^= 0xff
	}
	switch {
	case takes(d, bufio.NewReader(bytes.NewReader(changed)), asked):
		return "its ReadReply takes a reply of which each byte was changed for a good one: compare what came with what is due, and return a ReplyError where it differs"
	case !Constant(d) && takes(d, bufio.NewReader(bytes.NewReader(reply)), tryPayload(d, 1)):
		return "its ReadReply takes the reply to another request for a good one: compare the payload that came with the one that was asked, or return that one in Reply"
	}
	return ""
}

// takes reports whether a dialect takes what it reads for the reply to that payload, as a
// check does, which compares what came back.
func takes(d Dialect, r *bufio.Reader, payload []byte) (taken bool) {
	defer func() { // somebody's own code, and bytes that it may never have met
		if recover() != nil {
			taken = false
		}
	}()
	reply, err := d.ReadReply(r, payload)
	return err == nil && bytes.Equal(reply.Payload, payload)
}
