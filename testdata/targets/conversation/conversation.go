// Package conversation is the target contract (spec/target.md) for servers
// whose event loop hands them bytes: sign-on, MAIN, ECHO, SINK, SOURCE, and
// PROBE with those verbs that the library behind it can answer. It does no I/O
// and knows no event loop, so one copy serves every adapter below
// testdata/targets and suites/proof/regress.
package conversation

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

const (
	maxSignOn = 256
	maxFrame  = 65536
	// pieceOfSource is what SOURCE makes at a time, in bytes.
	pieceOfSource = 1 << 16
)

// Options are what an adapter says of its server.
type Options struct {
	Class string // as in the target contract
	Loops int
	Limit int64 // declared unread output, 0 if none
	// Wakeup is the kind of the loops' wakeup descriptor; empty if unknown.
	Wakeup string
	// Sink offers SINK: the loop tells of the client's FIN, and an answer to it
	// is still sent.
	Sink bool
	// Source offers SOURCE: a close delivers what is due.
	Source bool
	// Paced has the adapter call More whenever SOURCE's last piece is written.
	Paced bool
	// Login offers MAIN.
	Login bool
	// Drain tells that SIGTERM drains the server, which is the adapter's work.
	Drain bool
	// Piece, where above 0, echoes in writes of that many bytes, and writes
	// every reply by itself.
	Piece int
	// Stats offers STATS; the adapter calls Closed when a connection ends.
	Stats bool
	// Contain offers FAIL, of which a handler is all that panics here.
	Contain bool
	// Where offers WHERE: the adapter calls Lives, and a connection keeps its thread.
	Where bool
	// Tasks offers POST and its like.
	Tasks Tasks
	// Offload runs work on a thread that is no loop, and is false when there is
	// no room for it; results come home as tasks, by Tasks or Home.Post.
	Offload func(work func()) bool
}

// What STATS tells, of all connections.
var numbers, closed, received, sent, tasks atomic.Uint64

// Conn is one connection's conversation. It belongs to the thread that serves
// the connection.
type Conn struct {
	opts    Options
	number  uint64
	command string
	held    []byte // of an unfinished line or frame
	sunk    uint64
	made    int64 // bytes of SOURCE so far
	left    int64 // and those to come
	item    item
	home    Home
}

// New starts the conversation of a fresh connection.
func New(opts Options) *Conn { return &Conn{opts: opts, number: numbers.Add(1)} }

// Closed tells that the connection has ended.
func (c *Conn) Closed() { closed.Add(1) }

// Feed takes what was read and hands what is to be sent to write, in order.
// The pieces are the callee's to keep. done asks for a close once they are sent.
func (c *Conn) Feed(in []byte, write func([]byte)) (done bool) {
	received.Add(uint64(len(in)))
	reply := write
	write = func(p []byte) {
		sent.Add(uint64(len(p)))
		reply(p)
	}
	if c.command == "" {
		c.held = append(c.held, in...)
		end := bytes.IndexByte(c.held, '\n')
		if end < 0 {
			return len(c.held) >= maxSignOn
		}
		line := strings.TrimSuffix(string(c.held[:end]), "\r")
		in = append([]byte(nil), c.held[end+1:]...)
		c.held = nil
		if done, ok := c.signOn(line, write); !ok || done {
			return true
		}
	}
	switch c.command {
	case "MAIN":
		return c.login(in, write)
	case "ECHO":
		piece := len(in)
		if c.opts.Piece > 0 {
			piece = c.opts.Piece
		}
		for len(in) > 0 {
			n := min(piece, len(in))
			write(append([]byte(nil), in[:n]...))
			in = in[n:]
		}
	case "SINK":
		c.sunk += uint64(len(in))
	case "PROBE":
		return c.frames(in, write)
	}
	return false
}

// End tells of the client's FIN; the adapter closes once what is due is sent.
func (c *Conn) End(write func([]byte)) {
	if c.command == "SINK" {
		write(fmt.Appendf(nil, "SUNK %d\n", c.sunk))
	}
}

func (c *Conn) signOn(line string, write func([]byte)) (done, ok bool) {
	command, argument, _ := strings.Cut(line, " ")
	var n int64
	switch {
	case line == "ECHO", line == "PROBE", line == "SINK" && c.opts.Sink, line == "MAIN" && c.opts.Login:
	case command == "SOURCE" && c.opts.Source:
		var err error
		if n, err = strconv.ParseInt(argument, 10, 64); err != nil || n < 0 || n > 1<<40 {
			return false, false
		}
	default:
		return false, false
	}
	c.command, c.item.number = command, c.number
	write(fmt.Appendf(nil, "OK %d\n", c.number))
	if command != "SOURCE" {
		return false, true
	}
	c.left = n
	if c.opts.Paced {
		return c.More(write), true
	}
	for !c.More(write) {
	}
	return true, true
}

// Sourcing reports whether SOURCE has more to make.
func (c *Conn) Sourcing() bool { return c.left > 0 }

// More makes the next piece of SOURCE, with Options.Paced; done with the last.
func (c *Conn) More(write func([]byte)) (done bool) {
	if c.command != "SOURCE" {
		return false
	}
	if c.left > 0 {
		piece := make([]byte, min(c.left, pieceOfSource))
		for i := range piece {
			piece[i] = byte((c.made + int64(i)) % 251)
		}
		c.made += int64(len(piece))
		c.left -= int64(len(piece))
		write(piece)
	}
	return c.left == 0
}

// frames answers every whole frame.
func (c *Conn) frames(in []byte, write func([]byte)) (done bool) {
	c.held = append(c.held, in...)
	var out []byte
	for len(c.held) >= 4 {
		n := int(binary.BigEndian.Uint32(c.held))
		if n == 0 || n > maxFrame {
			done = true
			break
		}
		if len(c.held) < 4+n {
			break
		}
		body := c.held[4 : 4+n]
		c.held = c.held[4+n:]
		id, rest, _ := bytes.Cut(body, []byte(" "))
		if _, err := strconv.ParseUint(string(id), 10, 32); err != nil {
			done = true
			break
		}
		verb, args, spaced := bytes.Cut(rest, []byte(" "))
		reply := c.answer(request{string(id), string(verb), string(args)}, spaced)
		if reply == nil {
			continue // it comes later
		}
		out = appendFrame(out, reply)
		if c.opts.Piece > 0 {
			write(out)
			out = nil
		}
	}
	if len(c.held) == 0 {
		c.held = nil // an idle connection holds no buffer
	}
	if len(out) > 0 {
		write(out)
	}
	return done
}

// request is one frame's.
type request struct{ id, verb, args string }

func appendFrame(out, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(out, uint32(len(body))), body...)
}

// answer is the body of a reply, or nil where the reply comes later.
func (c *Conn) answer(r request, spaced bool) []byte {
	reply := append([]byte(r.id), ' ')
	switch r.verb {
	case "PING":
		reply = append(reply, "ok"...)
		if spaced {
			reply = append(append(reply, ' '), r.args...)
		}
		return reply
	case "HELLO":
		return append(reply, "ok "+c.hello()...)
	case "STATS":
		return append(reply, c.stats()...)
	case "WHERE":
		if c.opts.Where {
			return fmt.Appendf(reply, "ok loop=%d tid=%d conn=%d", c.home.Loop, syscall.Gettid(), c.number)
		}
	case "FAIL":
		if c.opts.Contain {
			return append(reply, c.fail(r)...)
		}
	}
	if status := c.task(r); status != "" {
		return append(reply, status...)
	}
	return nil
}

const unsupported = "unsupported"

// fail panics in the handler, which is where it was called.
func (c *Conn) fail(r request) string {
	switch r.args {
	case "handler":
		panic("FAIL handler was asked for")
	case "task", "timer", "worker":
		return unsupported
	}
	return "bad"
}

func (c *Conn) hello() string {
	nonce := os.Getenv("REACTORSPEC_NONCE")
	if nonce == "" {
		nonce = "-"
	}
	var features []string
	offer := func(offered bool, names ...string) {
		if offered {
			features = append(features, names...)
		}
	}
	offer(c.opts.Sink, "sink")
	offer(c.opts.Source, "source")
	offer(c.opts.Login, "login")
	offer(c.opts.Stats, "stats")
	offer(c.opts.Drain, "drain")
	offer(c.opts.Contain, "contain")
	offer(c.opts.Where, "where")
	offer(c.opts.Tasks.Post != nil, "post")
	offer(c.opts.Limit > 0, "limit")
	offer(c.opts.Offload != nil, "offload")
	return fmt.Sprintf("class=%s loops=%d features=%s limit=%d wakeup=%s poller=epoll nonce=%s",
		c.opts.Class, max(1, c.opts.Loops), strings.Join(features, ","), c.opts.Limit, cmp.Or(c.opts.Wakeup, "-"), nonce)
}

func (c *Conn) stats() string {
	if !c.opts.Stats {
		return unsupported
	}
	accepted := numbers.Load()
	return fmt.Sprintf("ok accepted=%d open=%d in=%d out=%d wakes=0 coalesced=0 tasks=%d timers=0 lag=0 stalls=0",
		accepted, accepted-closed.Load(), received.Load(), sent.Load(), tasks.Load())
}
