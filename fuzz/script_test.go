package fuzz

import (
	"bytes"
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// conversation is one connection of a script: what the client sends, and in what pieces.
type conversation struct {
	// Sent is what the conversation consists of, and Asked the requests in it,
	// by id: empty where it is no PROBE conversation.
	Sent  []byte
	Asked map[uint32]ask
	// Patient waits for every reply to Asked before it goes on. It is set where a
	// reply comes later, for then the end of the conversation may overtake it.
	Patient bool
	// Tail is what is sent last: broken frames, and what comes behind them.
	Tail   []byte
	Pieces []int // sizes of the writes of Sent; the rest is sent at once
	// Abrupt leaves without waiting for the end: what came by then is not compared.
	Abrupt bool
}

// round is conversations that are open side by side. Turns says whose next piece
// is sent, by index; what is left goes conversation by conversation.
type round struct {
	Talks []conversation
	Turns []int
}

// ask is one request of PROBE. Times in it are such that the result is the
// same on every run: at once, or long after the script's end.
type ask struct {
	text    string // the verb and, after a space, its arguments
	replies int    // how many a server gives that offers the verb; others answer unsupported once
	later   bool   // the reply may come after those to later requests, and not at all after the end
}

func (a ask) verb() string {
	verb, _, _ := strings.Cut(a.text, " ")
	return verb
}

// feature is what a server must offer to know the verb; "" where none is needed.
func (a ask) feature() string {
	switch verb := a.verb(); verb {
	case "WHERE", "STATS":
		return strings.ToLower(verb)
	case "POST", "CROSS", "RACE", "CHAIN", "NEST":
		return "post"
	case "SHARED":
		return "shared"
	case "HOOK":
		return "hooks"
	case "TIMER", "TIMERS", "CANCEL", "RESET", "SELFCANCEL":
		return "timer"
	case "OFFLOAD":
		return "offload"
	case "FAIL":
		return "contain"
	}
	return ""
}

// never is a time that no script lasts, in nanoseconds.
const never = "3600000000000"

// atOnce are requests whose reply is due before the next request is looked at:
// they may stand anywhere. FAIL handler is missing: it ends the conversation
// where panics are contained, and nowhere else.
var atOnce = []ask{
	{text: "PING", replies: 1}, {text: "PING a", replies: 1}, {text: "PING  two  spaces ", replies: 1}, {text: "PING \x00\xff", replies: 1},
	{text: "NOVERB", replies: 1}, {text: "NOVERB x y", replies: 1}, {text: "ping", replies: 1}, {text: "timer 1 0 0 1", replies: 1},
	{text: "", replies: 1}, {text: "  x", replies: 1},
	{text: "HELLO", replies: 1}, {text: "WHERE", replies: 1}, {text: "STATS", replies: 1},
	{text: "POST", replies: 1}, {text: "POST - 0", replies: 1}, {text: "POST 9999 1", replies: 1}, {text: "POST - 1 ", replies: 1},
	{text: "CROSS - 17 1", replies: 1}, {text: "CHAIN x 1", replies: 1}, {text: "NEST -", replies: 1}, {text: "RACE - -1", replies: 1}, {text: "SHARED", replies: 1},
	{text: "HOOK nowhere 1", replies: 1}, {text: "HOOK after-io 1001", replies: 1},
	{text: "TIMER", replies: 1}, {text: "TIMER x 0 0 1", replies: 1}, {text: "TIMER 1 0 0 10001", replies: 1}, {text: "TIMERS 0 0", replies: 1},
	{text: "CANCEL", replies: 1}, {text: "CANCEL x", replies: 1}, {text: "RESET 1", replies: 1}, {text: "SELFCANCEL 0", replies: 1},
	{text: "OFFLOAD 10001 w", replies: 1}, {text: "FAIL", replies: 1}, {text: "FAIL nowhere", replies: 1},
}

// pending are requests about two timers that stay pending: what one is answered
// tells what came before it.
var pending = []ask{
	{text: "TIMER 1 " + never + " 0 1"}, {text: "TIMER 2 " + never + " " + never + " 3"},
	{text: "CANCEL 1", replies: 1}, {text: "CANCEL 2", replies: 1}, {text: "RESET 1 " + never, replies: 1},
}

// inTime are requests that take turns of the loop, or another thread.
var inTime = []ask{
	{text: "POST - 3", replies: 1, later: true}, {text: "POST 0 1", replies: 1, later: true}, {text: "CROSS - 2 3", replies: 1, later: true},
	{text: "RACE - 1", replies: 1, later: true}, {text: "CHAIN - 3", replies: 1, later: true}, {text: "NEST - 2", replies: 1, later: true},
	{text: "SHARED 5", replies: 1, later: true}, {text: "HOOK after-io 2", replies: 1, later: true}, {text: "HOOK before-poll 1", replies: 1, later: true},
	{text: "TIMER 7 0 0 1", replies: 1, later: true}, {text: "TIMER 8 1000 1000 3", replies: 3, later: true}, {text: "TIMERS 0 3", replies: 1, later: true},
	{text: "OFFLOAD 0 w", replies: 1, later: true},
	{text: "FAIL task", replies: 1, later: true}, {text: "FAIL timer", replies: 1, later: true}, {text: "FAIL worker", replies: 1, later: true},
}

// request writes one request as a frame.
func (a ask) request(dst []byte, id uint32) []byte {
	verb, args, _ := strings.Cut(a.text, " ")
	return probe.AppendRequest(dst, probe.Request{ID: id, Verb: verb, Args: []byte(args)})
}

// firstID is the least id of a drawn request: too long to come about in a few
// bytes of junk.
const firstID = 1_000_000_000

// drawFrames fills in a PROBE conversation.
func (c *conversation) drawFrames(t *rapid.T) {
	c.Sent, c.Asked = []byte("PROBE\n"), map[uint32]ask{}
	id := firstID + uint32(rapid.Uint16().Draw(t, "id"))
	keys := map[string]bool{}
	for range rapid.IntRange(0, 8).Draw(t, "frames") {
		a := rapid.OneOf(rapid.SampledFrom(atOnce), rapid.SampledFrom(pending), rapid.SampledFrom(inTime)).Draw(t, "request")
		if a.verb() == "TIMER" && a.later {
			if keys[a.text] {
				continue // a second one would take the first one's key, if that has not fired yet
			}
			keys[a.text] = true
		}
		id++
		c.Asked[id] = a
		c.Sent = a.request(c.Sent, id)
		c.Patient = c.Patient || a.later
	}
	c.Patient = c.Patient || rapid.Bool().Draw(t, "patient")
	for range rapid.SampledFrom([]int{0, 0, 1, 2, 3}).Draw(t, "tail") {
		switch rapid.IntRange(0, 5).Draw(t, "last") {
		case 0:
			c.Tail = append(c.Tail, 0, 0, 0, 0)
		case 1:
			c.Tail = append(c.Tail, 0, 1, 0, 1, 'x')
		case 2:
			c.Tail = append(c.Tail, 0, 0, 0, 3, 'a', ' ', 'b')
		case 3:
			size := rapid.IntRange(0, 60_000).Draw(t, "payload")
			c.Tail = probe.AppendRequest(c.Tail, probe.Request{ID: 9, Verb: "PING", Args: bytes.Repeat([]byte{'p'}, size)})
		case 4:
			c.Tail = append(c.Tail, rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "junk")...)
		default:
			c.Tail = ask{text: "PING behind"}.request(c.Tail, 10)
		}
	}
}

var conversations = rapid.Custom(func(t *rapid.T) conversation {
	var c conversation
	switch kind := rapid.SampledFrom([]string{"PROBE", "ECHO", "SINK", "SOURCE", "MAIN", "bad"}).Draw(t, "kind"); kind {
	case "ECHO", "SINK":
		c.Sent = append([]byte(kind+"\n"), rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")...)
		c.Sent = append(c.Sent, bytes.Repeat([]byte{'e'}, rapid.SampledFrom([]int{0, 0, 1, 5000, 70_000}).Draw(t, "more"))...)
	case "SOURCE":
		c.Sent = fmt.Appendf(nil, "SOURCE %d\n", rapid.SampledFrom([]int{0, 1, 251, 8192, 65_537, 300_000}).Draw(t, "n"))
	case "MAIN":
		c.Sent = []byte("MAIN\n")
		for _, line := range rapid.SliceOfN(rapid.SampledFrom([]string{"USER ann\n", "KEY k\r\n", "SHOW\n", "SAY hello you\n", "SAY \n", "\n", "NO\n", "QUIT\n", "USER a-b\n", "SHOW"}), 0, 8).Draw(t, "lines") {
			c.Sent = append(c.Sent, line...)
		}
	case "PROBE":
		c.drawFrames(t)
	default:
		c.Sent = []byte(rapid.SampledFrom([]string{"", "\n", "ECHO", "ECHO \n", "echo\n", "SOURCE -1\n", "SOURCE 1 2\n", "SOURCE 99999999999999999999\n", "MAIN x\n", "NO\nECHO\nmore",
			string(bytes.Repeat([]byte{'E'}, 257)), string(bytes.Repeat([]byte{'E'}, 300)) + "\n", "\x00\n"}).Draw(t, "sign-on"))
	}
	c.Pieces = rapid.SliceOfN(rapid.IntRange(1, 64), 0, 6).Draw(t, "pieces")
	c.Abrupt = rapid.IntRange(0, 9).Draw(t, "abrupt") == 0
	return c
})

var rounds = rapid.Custom(func(t *rapid.T) round {
	r := round{Talks: rapid.SliceOfN(conversations, 1, 3).Draw(t, "side by side")}
	if last := len(r.Talks) - 1; last > 0 {
		r.Turns = rapid.SliceOfN(rapid.IntRange(0, last), 0, 12).Draw(t, "turns")
	}
	return r
})

// unread tells whether a server may close with bytes of c before it that it need
// not read any more: bytes behind what ends the conversation. Its kernel then
// sends RST, which may overtake what it had answered. Nothing else permits one.
func (c conversation) unread() bool {
	all := append(bytes.Clone(c.Sent), c.Tail...)
	line, n, err := probe.TakeLine(all, probe.MaxSignOn)
	if err != nil {
		return len(all) > probe.MaxSignOn+1 // that many must come before the line is known to be too long
	}
	if n == 0 {
		return false
	}
	rest := all[n:]
	on, err := probe.ParseSignOn(line)
	switch {
	case err != nil, on.Command == probe.Source:
		return len(rest) > 0
	case on.Command == probe.Main:
		item := probe.Item{Command: probe.Main}
		for {
			line, n, err := probe.TakeLine(rest, len(rest))
			if n == 0 || err != nil {
				return false
			}
			rest = rest[n:]
			if _, closing := item.Login(nil, line); closing {
				return len(rest) > 0
			}
		}
	case on.Command == probe.Probe:
		for {
			body, n, err := probe.TakeFrame(rest)
			if err != nil {
				return len(rest) > 4 // the header tells
			}
			if n == 0 {
				return false
			}
			rest = rest[n:]
			if _, err := probe.ParseRequest(body); err != nil {
				return len(rest) > 0
			}
		}
	}
	return false
}
