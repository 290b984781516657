package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// ending is what a conversation brought, without the connection's number: that
// counts what scripts before sent.
type ending struct {
	bytes []byte
	reset bool // it ended with RST, which may overtake bytes
}

func (e ending) String() string {
	return fmt.Sprintf("%d bytes, %q…, reset %v", len(e.bytes), e.bytes[:min(len(e.bytes), 200)], e.reset)
}

// numberless takes the connection number out of the sign-on's answer and of ITEM lines.
func numberless(all []byte) []byte {
	head, rest, found := bytes.Cut(all, []byte("\n"))
	number, signed := bytes.CutPrefix(head, []byte("OK "))
	if !found || !signed {
		return all
	}
	rest = bytes.ReplaceAll(rest, fmt.Appendf(nil, "ITEM %s MAIN", number), []byte("ITEM n MAIN"))
	return append([]byte("OK n\n"), rest...)
}

// fault says what is wrong with an ending whatever other servers do.
func (e ending) fault(m member, c conversation) string {
	if e.reset && !c.unread() {
		return fmt.Sprintf("resets, and it has read or must read all that was sent: %s", e)
	}
	replies := e.said().replies
	for id, a := range c.Asked {
		got := replies[id]
		switch {
		case e.reset && len(got) < max(a.replies, 1):
		case m.offers(a) && len(got) != a.replies:
			return fmt.Sprintf("answers %q %d times, want %d: %s", a.text, len(got), a.replies, e)
		case !m.offers(a) && !slices.Equal(got, []string{"unsupported"}):
			return fmt.Sprintf("does not offer %q and answers %q: %s", a.text, got, e)
		}
	}
	return ""
}

// like compares endings of the same conversation with two servers. Where one was
// reset it may lack bytes at its end; fault has seen to it that it might be.
func (e ending) like(o ending, c conversation, eOf, oOf member) bool {
	if c.Asked == nil {
		return prefix(e.bytes, o.bytes, e.reset, o.reset)
	}
	mine, others := e.said(), o.said()
	for _, id := range slices.Concat(mine.order, others.order) {
		a, asked := c.Asked[id]
		if asked && (!eOf.offers(a) || !oOf.offers(a)) {
			continue // one of them answers unsupported, and fault looks at that
		}
		if !prefix(mine.replies[id], others.replies[id], e.reset, o.reset) {
			return false
		}
	}
	return prefix(mine.signOn, others.signOn, e.reset, o.reset) && prefix(mine.pings(c), others.pings(c), e.reset, o.reset) &&
		(e.reset || o.reset || bytes.Equal(mine.left, others.left))
}

// prefix compares; one that was cut short may lack something at its end.
func prefix[T comparable](a, b []T, aCut, bCut bool) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n]) && (len(a) == n || bCut) && (len(b) == n || aCut)
}

// said is what a server says in a PROBE conversation. Replies may come in any
// order but those to PING.
type said struct {
	signOn  []byte
	replies map[uint32][]string // by id, in the order in which they came
	order   []uint32
	left    []byte // what is no reply
}

func (e ending) said() said {
	s := said{replies: map[uint32][]string{}}
	signOn, left, frames := cut(e.bytes)
	s.signOn, s.left = signOn, left
	for _, body := range frames {
		r, err := probe.ParseReply(body)
		if err != nil {
			s.left = append(append(bytes.Clone(body), '|'), s.left...)
			continue
		}
		s.replies[r.ID] = append(s.replies[r.ID], steady(r))
		s.order = append(s.order, r.ID)
	}
	return s
}

// pings are the ids of the replies whose order is promised.
func (s said) pings(c conversation) (ids []uint32) {
	for _, id := range s.order {
		if a, asked := c.Asked[id]; !asked || a.verb() == "PING" {
			ids = append(ids, id)
		}
	}
	return ids
}

// varying are the fields whose values may differ from server to server and from
// run to run; whether they are there may not.
var varying = strings.Fields(`class loops features limit wakeup poller nonce loop tid conn tids writes late turns batch worker home
	accepted open in out wakes coalesced tasks timers lag stalls`)

// steady is a reply without what varies.
func steady(r probe.Reply) string {
	words := strings.Split(string(r.Fields), " ")
	for i, word := range words {
		if key, _, found := strings.Cut(word, "="); found && slices.Contains(varying, key) {
			words[i] = key
		}
	}
	return strings.TrimSuffix(string(r.Status)+" "+strings.Join(words, " "), " ")
}
