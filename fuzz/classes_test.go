package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/reference"
	"github.com/reactorspec/reactorspec/spec/probe"
)

// The four classes differ in how they serve, and in nothing that one client
// sees: the same script of conversations, one after the other, brings the same
// bytes and ends the same way.

// exchange is the longest that one conversation may take.
const exchange = 20 * time.Second

// conversation is one connection of a script: what the client sends, and in what pieces.
type conversation struct {
	Sent   []byte
	Pieces []int // sizes of the writes; the rest is sent at once
	// Abrupt leaves without waiting for the end: what came by then is not compared.
	Abrupt bool
}

// ending is what a conversation brought.
type ending struct {
	bytes []byte
	reset bool // it ended with RST, which may overtake bytes
}

var requests = []string{"PING", "PING a", "PING  two  spaces ", "PING \x00\xff", "NOVERB", "NOVERB x y", "ping", "TIMER", "CANCEL x", "HOOK nowhere 1", "", " ", "POST"}

// frames draws the bytes of a PROBE conversation, mostly good.
func frames(t *rapid.T) []byte {
	var b []byte
	for range rapid.IntRange(0, 6).Draw(t, "frames") {
		switch rapid.IntRange(0, 19).Draw(t, "frame") {
		case 0:
			b = append(b, 0, 0, 0, 0)
		case 1:
			b = append(b, 0, 1, 0, 1, 'x')
		case 2:
			b = append(b, 0, 0, 0, 3, 'a', ' ', 'b')
		case 3:
			size := rapid.IntRange(0, 60_000).Draw(t, "payload")
			b = probe.AppendRequest(b, probe.Request{ID: 9, Verb: "PING", Args: bytes.Repeat([]byte{'p'}, size)})
		case 4:
			b = append(b, rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "junk")...)
		default:
			verb, args, found := bytes.Cut([]byte(rapid.SampledFrom(requests[:6]).Draw(t, "request")), []byte(" "))
			r := probe.Request{ID: rapid.Uint32().Draw(t, "id"), Verb: string(verb)}
			if found {
				r.Args = args
			}
			b = probe.AppendRequest(b, r)
		}
	}
	return b
}

var conversations = rapid.Custom(func(t *rapid.T) conversation {
	var c conversation
	switch kind := rapid.SampledFrom([]string{"ECHO", "SINK", "SOURCE", "MAIN", "PROBE", "bad"}).Draw(t, "kind"); kind {
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
		c.Sent = append([]byte("PROBE\n"), frames(t)...)
	default:
		c.Sent = []byte(rapid.SampledFrom([]string{"", "\n", "ECHO", "ECHO \n", "echo\n", "SOURCE -1\n", "SOURCE 1 2\n", "SOURCE 99999999999999999999\n", "MAIN x\n",
			string(bytes.Repeat([]byte{'E'}, 257)), string(bytes.Repeat([]byte{'E'}, 300)) + "\n", "\x00\n"}).Draw(t, "sign-on"))
	}
	c.Pieces = rapid.SliceOfN(rapid.IntRange(1, 64), 0, 6).Draw(t, "pieces")
	c.Abrupt = rapid.IntRange(0, 9).Draw(t, "abrupt") == 0
	return c
})

// fleet is one running server of each class.
type fleet struct {
	servers []*reference.Server
	addrs   []net.Addr
}

func launch(t testing.TB) *fleet {
	f := new(fleet)
	for _, class := range reference.Classes {
		s, err := reference.New(reference.Options{Class: class, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		addr, err := s.Start("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f.servers, f.addrs = append(f.servers, s), append(f.addrs, addr)
	}
	t.Cleanup(func() {
		for i, s := range f.servers {
			ctx, cancel := context.WithTimeout(context.Background(), exchange)
			if err := s.Stop(ctx); err != nil {
				t.Errorf("%s: %v", reference.Classes[i], err)
			}
			cancel()
		}
	})
	return f
}

// agree plays a drawn script against every class and compares.
func (f *fleet) agree(t *rapid.T) {
	for i, c := range rapid.SliceOfN(conversations, 1, 4).Draw(t, "script") {
		first, err := play(f.addrs[0], c)
		if err != nil {
			t.Fatalf("conversation %d with class %s: %v", i+1, reference.Classes[0], err)
		}
		for k, addr := range f.addrs[1:] {
			class := reference.Classes[k+1]
			other, err := play(addr, c)
			if err != nil {
				t.Fatalf("conversation %d with class %s: %v", i+1, class, err)
			}
			if !c.Abrupt && !first.like(other) {
				t.Fatalf("conversation %d: class %s sends %s, class %s sends %s", i+1, reference.Classes[0], first, class, other)
			}
		}
	}
}

// like compares; a reset may have overtaken the last bytes.
func (e ending) like(o ending) bool {
	switch {
	case e.reset && o.reset:
		return bytes.HasPrefix(e.bytes, o.bytes) || bytes.HasPrefix(o.bytes, e.bytes)
	case e.reset:
		return bytes.HasPrefix(o.bytes, e.bytes)
	case o.reset:
		return bytes.HasPrefix(e.bytes, o.bytes)
	}
	return bytes.Equal(e.bytes, o.bytes)
}

func (e ending) String() string {
	return fmt.Sprintf("%d bytes, %q…, reset %v", len(e.bytes), e.bytes[:min(len(e.bytes), 60)], e.reset)
}

// play has one conversation and waits for its end. The number that the server
// gives the connection is left out: it counts what scripts before sent.
func play(addr net.Addr, c conversation) (ending, error) {
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		return ending{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(exchange)); err != nil {
		return ending{}, err
	}
	rest := c.Sent
	for _, size := range c.Pieces {
		n := min(size, len(rest))
		if _, err := conn.Write(rest[:n]); err != nil && !gone(err) {
			return ending{}, err
		}
		rest = rest[n:]
	}
	if _, err := conn.Write(rest); err != nil && !gone(err) {
		return ending{}, err
	}
	if c.Abrupt {
		_ = conn.(*net.TCPConn).SetLinger(0)
		return ending{}, nil
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil && !gone(err) {
		return ending{}, err
	}
	all, err := io.ReadAll(conn)
	if err != nil && !gone(err) {
		return ending{}, fmt.Errorf("%w after %d bytes", err, len(all))
	}
	return ending{bytes: numberless(all), reset: err != nil}, nil
}

// gone reports that the server closed, which it may do whatever it is sent.
func gone(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN)
}

// numberless takes the connection number out of the sign-on's answer and of ITEM lines.
func numberless(all []byte) []byte {
	head, rest, found := bytes.Cut(all, []byte("\n"))
	number, signed := bytes.CutPrefix(head, []byte("OK "))
	if !found || !signed {
		return all
	}
	rest = bytes.ReplaceAll(rest, append([]byte("ITEM "), append(number, " MAIN"...)...), []byte("ITEM n MAIN"))
	return append([]byte("OK n\n"), rest...)
}

func TestClassesAgree(t *testing.T) { rapid.Check(t, launch(t).agree) }
func FuzzClasses(f *testing.F)      { drawn(f, launch(f).agree) }
