package fuzz

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reactorspec/reactorspec/reference"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// TestTargetFindsFaults puts a server beside two classes of the reference that
// passes everything on to another of the second, and does one thing wrong: drawn
// rounds must tell them apart. Passing on alone must not.
func TestTargetFindsFaults(t *testing.T) {
	const most, enough = 1000, 100 // rounds in which a fault must show, and in which nothing may
	for _, row := range []struct {
		name  string
		class string
		fake  fake
	}{
		{"passes on", reference.Reactor, fake{}},
		{"passes on", reference.Iterative, fake{}},
		{"resets every conversation at once", reference.Reactor, fake{refuse: func(int64) bool { return true }}},
		{"resets who comes while another is served", reference.Reactor, fake{refuse: func(others int64) bool { return others > 0 }}},
		{"stops after 60,000 bytes", reference.Reactor, fake{most: 60_000}},
		{"takes lower case for upper", reference.Iterative, fake{request: bytes.ToUpper}},
		{"cancels nothing", reference.Reactor, fake{reply: fields("cancelled=1", "cancelled=0")}},
		{"does not know bad arguments", reference.Reactor, fake{reply: func(r probe.Reply) probe.Reply {
			if r.Status == probe.Bad {
				r.Status = probe.Unsupported
			}
			return r
		}}},
		{"offers what it does not declare", reference.Iterative, fake{reply: func(r probe.Reply) probe.Reply {
			if r.Status == probe.Unsupported {
				r.Status = probe.Bad
			}
			return r
		}}},
		{"loses a hook's turn", reference.Reactor, fake{reply: fields("ran=2 order", "ran=1 order")}},
		{"fires early", reference.Reactor, fake{reply: fields("early=0", "early=1")}},
	} {
		t.Run(row.name+" "+row.class, func(t *testing.T) {
			f := launch(t, reference.Iterative, row.class)
			behind := launch(t, row.class)[0]
			f = append(f, row.fake.launch(t, behind))
			sound := row.name == "passes on"
			for seed := range most {
				difference := f.differ(rounds.Example(seed))
				switch {
				case sound && difference != "":
					t.Fatalf("round %d: %s", seed, difference)
				case sound && seed == enough:
					return
				case !sound && difference != "":
					t.Logf("round %d: %.200s", seed, difference)
					return
				}
			}
			t.Errorf("%d rounds found no difference", most)
		})
	}
}

// TestReset tells resets that are permitted from those that are not.
func TestReset(t *testing.T) {
	for _, row := range []struct {
		sent, tail string
		may        bool
	}{
		{"ECHO\nsome bytes", "", false},
		{"ECHO", "", false},
		{"NO\n", "", false},
		{"NO\n", "more", true},
		{strings.Repeat("E", probe.MaxSignOn+1), "", false},
		{strings.Repeat("E", probe.MaxSignOn+2), "", true},
		{"SOURCE 5\n", "", false},
		{"SOURCE 5\n", "more", true},
		{"MAIN\nUSER ann\nQUIT\n", "", false},
		{"MAIN\nUSER ann\nQUIT\n", "S", true},
		{"PROBE\n\x00\x00\x00\x06" + "1 PING", "\x00\x00\x00\x06" + "2 P", false},
		{"PROBE\n", "\x00\x00\x00\x00", false},
		{"PROBE\n", "\x00\x00\x00\x00\x00", true},
		{"PROBE\n", "\x00\x00\x00\x01x", false},
		{"PROBE\n", "\x00\x00\x00\x01x\x00", true},
	} {
		c := conversation{Sent: []byte(row.sent), Tail: []byte(row.tail)}
		if got := c.unread(); got != row.may {
			t.Errorf("%q: may be reset: %v, want %v", row.sent+row.tail, got, row.may)
		}
		if fault := (ending{reset: true}).fault(member{}, c); (fault == "") != row.may {
			t.Errorf("%q: a reset is called %q", row.sent+row.tail, fault)
		}
	}
}

// fake passes conversations on to a server, and does what its fields say.
type fake struct {
	refuse  func(others int64) bool // resets a client, told how many there are beside it
	most    int                     // of bytes to a client, if not 0
	request func([]byte) []byte     // changes the verbs of a PROBE conversation
	reply   func(probe.Reply) probe.Reply
}

func fields(from, to string) func(probe.Reply) probe.Reply {
	return func(r probe.Reply) probe.Reply {
		r.Fields = bytes.ReplaceAll(r.Fields, []byte(from), []byte(to))
		return r
	}
}

// launch listens in front of behind until the test ends.
func (f fake) launch(t *testing.T, behind member) member {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := behind.addr
	var served sync.WaitGroup
	var clients atomic.Int64
	served.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // closed: the test ends
			}
			others := clients.Add(1) - 1
			served.Go(func() {
				defer clients.Add(-1)
				defer client.Close()
				if f.refuse != nil && f.refuse(others) {
					_, _ = client.Read(make([]byte, 1)) // or the reset comes before the client is connected
					_ = client.(*net.TCPConn).SetLinger(0)
					return
				}
				f.serve(client.(*net.TCPConn), to)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		served.Wait()
	})
	behind.name, behind.addr = "fake", l.Addr()
	return behind
}

// serve passes one conversation on. What the client says is taken line by line or
// frame by frame, so that no cut hides a word.
func (f fake) serve(client *net.TCPConn, addr net.Addr) {
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	var up sync.WaitGroup
	up.Go(func() {
		in := f.copy(server, client, 0, func(head []byte) bool { return f.request != nil && string(head) == "PROBE\n" }, func(body []byte) []byte {
			r, err := probe.ParseRequest(body)
			if err != nil {
				return nil
			}
			r.Verb = string(f.request([]byte(r.Verb)))
			return probe.AppendRequest(nil, r)
		})
		if in != nil { // the client has reset it
			_ = server.SetLinger(0)
			_ = server.Close()
			return
		}
		_ = server.CloseWrite()
	})
	out := f.copy(client, server, f.most, func(head []byte) bool { return f.reply != nil && bytes.HasPrefix(head, []byte("OK ")) }, func(body []byte) []byte {
		r, err := probe.ParseReply(body)
		if err != nil {
			return nil
		}
		return probe.AppendReply(nil, f.reply(r))
	})
	if out != nil {
		_ = client.SetLinger(0)
		_ = client.Close()
	} else {
		_ = client.CloseWrite()
	}
	up.Wait()
}

// copy passes bytes on, at most so many if most is not 0. Behind a first line for
// which framed says so, whole frames go through change; what it does not take,
// and whatever is no frame, goes on as it is.
func (f fake) copy(to io.Writer, from io.Reader, most int, framed func(line []byte) bool, change func(body []byte) []byte) error {
	var held []byte
	begun, frames, sent := false, false, 0
	send := func(b []byte) {
		if most > 0 {
			b = b[:min(len(b), max(0, most-sent))]
		}
		sent += len(b)
		_, _ = to.Write(b) // the other direction will tell
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		held = append(held, buf[:n]...)
		if _, size, _ := probe.TakeLine(held, len(held)); !begun && size > 0 {
			begun, frames = true, framed(held[:size])
			send(held[:size])
			held = held[size:]
		}
		for frames {
			body, size, fault := probe.TakeFrame(held)
			if fault != nil {
				frames = false
				break
			}
			if size == 0 {
				break
			}
			if changed := change(body); changed != nil {
				send(changed)
			} else {
				send(held[:size])
			}
			held = held[size:]
		}
		if begun && !frames || err != nil || len(held) > probe.MaxSignOn && !begun {
			send(held)
			held = nil
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
