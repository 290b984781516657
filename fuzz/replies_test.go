package fuzz

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// replyTo draws a good reply to d's request for payload.
func replyTo(t *rapid.T, d dialect.Dialect, payload []byte) []byte {
	switch name := d.Name(); name {
	case "echo", "probe":
		return bytes.Clone(payload)
	case "resp":
		return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(payload), payload)
	case "memcache":
		key := bytes.Fields(d.Request(payload))[1] // of "set <key> …": it differs from process to process
		return fmt.Appendf(nil, "STORED\r\nVALUE %s 0 %d\r\n%s\r\nEND\r\n", key, len(payload), payload)
	case "http":
		head := "HTTP/1.1 200 OK\r\nServer: x\r\n"
		if rapid.Bool().Draw(t, "interim") {
			head = "HTTP/1.1 100 Continue\r\n\r\n" + head
		}
		if rapid.Bool().Draw(t, "chunked") {
			return fmt.Appendf(nil, "%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%x\r\n0\r\nTrailer: yes\r\n\r\n", head, 2*len(payload), payload)
		}
		return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%x", head, 2*len(payload), payload)
	default:
		described, ok := d.(*dialect.Described)
		if !ok {
			t.Fatalf("no reply is known for dialect %s", name)
		}
		return described.Example(payload)
	}
}

// repliesAreRead feeds good, damaged and random bytes to a dialect's reader of
// replies: it gives back what was asked for or an error, takes no byte beyond
// the reply, and says the same however the bytes arrive.
func repliesAreRead(t *rapid.T) {
	d, err := dialect.Lookup(rapid.SampledFrom(dialect.Names()).Draw(t, "dialect"))
	if err != nil {
		t.Fatal(err)
	}
	if dialect.Wordless(d) {
		return
	}
	most := min(100, d.MaxPayload())
	payload := rapid.SliceOfN(rapid.Byte(), min(most, max(1, d.MinPayload())), most).Draw(t, "payload")
	if d.MinPayload() == 0 && rapid.IntRange(0, 9).Draw(t, "empty") == 0 {
		payload = nil
	}
	good := replyTo(t, d, payload)
	wire := edited(t, good, "$-1\r\n", "STORED\r\n", "END\r\n", "HTTP/1.1 ", "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n", "\r\n\r\n", "0\r\n\r\n", ";x=y")
	intact := bytes.Equal(wire, good)
	closes := d.Requests() == 1 // perhaps by its end: then nothing can follow, and no byte is the last that it needs
	if !closes {
		wire = append(wire, rapid.SampledFrom([]string{"", "\n", "the next reply", "\r\n0\r\n\r\n"}).Draw(t, "next")...)
	}

	got, left, err := readReply(d, bytes.NewReader(wire), 4096, payload)
	if err == nil && !bytes.Equal(got, payload) {
		t.Errorf("%s takes %q for %q", d.Name(), got, payload)
	}
	if intact && (err != nil || !bytes.Equal(left, wire[len(good):])) {
		t.Errorf("%s reads %q, which is right: %v, and leaves %q", d.Name(), wire, err, left)
	}
	if err == nil {
		end := len(wire) - len(left)
		if !bytes.Equal(left, wire[end:]) {
			t.Errorf("%s leaves %q of %q", d.Name(), left, wire)
		}
		// The last byte it took must be one that the reply needs.
		if _, _, err := readReply(d, bytes.NewReader(wire[:end]), 4096, payload); err != nil {
			t.Errorf("%s takes %q and no more, and wants more: %v", d.Name(), wire[:end], err)
		}
		if end > 0 && !closes {
			if _, _, err := readReply(d, bytes.NewReader(wire[:end-1]), 4096, payload); err == nil {
				t.Errorf("%s takes %q, and is content without the last byte", d.Name(), wire[:end])
			}
		}
	}
	slow, slowLeft, slowErr := readReply(d, iotest.OneByteReader(bytes.NewReader(wire)), 16, payload)
	if (err == nil) != (slowErr == nil) || err == nil && !(bytes.Equal(got, slow) && bytes.Equal(left, slowLeft)) {
		t.Errorf("%s: %q at once is %q, %v, leaving %q, and byte by byte %q, %v, leaving %q", d.Name(), wire, got, err, left, slow, slowErr, slowLeft)
	}
	var wrong *dialect.ReplyError
	if errors.As(err, &wrong) && (wrong.Want == "" || wrong.Got == "") {
		t.Errorf("%s: %v does not say what was wanted and what came", d.Name(), err)
	}
}

func readReply(d dialect.Dialect, wire io.Reader, buffer int, payload []byte) (got, left []byte, err error) {
	r := bufio.NewReaderSize(wire, buffer)
	reply, err := d.ReadReply(r, payload)
	if err != nil {
		return reply.Payload, nil, err
	}
	left, err = io.ReadAll(r)
	return reply.Payload, left, err
}

// signOnRepliesAreRead does the same for the answer to a sign-on.
func signOnRepliesAreRead(t *rapid.T) {
	wire := edited(t, fmt.Appendf(nil, "OK %d\nfirst bytes", rapid.Uint64().Draw(t, "number")), "OK ", "ERR ")
	r := bufio.NewReaderSize(bytes.NewReader(wire), 16)
	n, err := dialect.ReadSignOnReply(r)
	if err != nil {
		return
	}
	line, rest, _ := bytes.Cut(wire, []byte("\n"))
	if left, _ := io.ReadAll(r); !bytes.Equal(left, rest) {
		t.Errorf("%q: leaves %q", wire, left)
	}
	if want := fmt.Sprint("OK ", n); string(line) != want && len(line) <= len(want) {
		t.Errorf("%q is read as %d", wire, n)
	}
}

// anyReplies draws one or the other.
func anyReplies(t *rapid.T) {
	if rapid.IntRange(0, 7).Draw(t, "sign-on") == 7 {
		signOnRepliesAreRead(t)
		return
	}
	repliesAreRead(t)
}

func TestReplies(t *testing.T) { rapid.Check(t, anyReplies) }
func FuzzReplies(f *testing.F) { drawn(f, anyReplies) }
