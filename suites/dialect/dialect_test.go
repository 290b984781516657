package dialect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// good answers payload as a server that keeps the dialect would.
func good(d Dialect, payload []byte) string {
	switch d := d.(type) {
	case echo, probeEcho:
		return string(payload)
	case resp:
		return fmt.Sprintf("$%d\r\n%s\r\n", len(payload), payload)
	case memcache:
		return fmt.Sprintf("STORED\r\nVALUE %s 0 %d\r\n%s\r\nEND\r\n", d.key(payload), len(payload), payload)
	case http1:
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: %d\r\n\r\n%x", 2*len(payload), payload)
	}
	panic("no such dialect")
}

func each(t *testing.T, f func(t *testing.T, d Dialect)) {
	for _, d := range all {
		if Wordless(d) {
			continue
		}
		t.Run(d.Name(), func(t *testing.T) { f(t, d) })
	}
}

// Whatever the payload and however the bytes arrive, the reply is read to its
// last byte and no further.
func TestReadsExactlyOneReply(t *testing.T) {
	each(t, func(t *testing.T, d Dialect) {
		rapid.Check(t, func(t *rapid.T) {
			d := PerConn(d)
			payload := rapid.SliceOfN(rapid.Byte(), d.MinPayload(), 300).Draw(t, "payload")
			const next = "the next reply"
			var wire io.Reader = strings.NewReader(good(d, payload) + next)
			if rapid.Bool().Draw(t, "byte by byte") {
				wire = iotest.OneByteReader(wire)
			}
			r := bufio.NewReaderSize(wire, rapid.IntRange(16, 5000).Draw(t, "buffer"))
			if len(d.Request(payload)) < len(payload) {
				t.Fatal("the request does not hold the payload")
			}
			got, err := d.ReadReply(r, payload)
			if err != nil || !bytes.Equal(got.Payload, payload) || got.Last {
				t.Fatalf("got %+v, %v", got, err)
			}
			if rest, err := io.ReadAll(r); string(rest) != next || err != nil {
				t.Fatalf("left %q, %v", rest, err)
			}
		})
	})
}

// A reply cut at any byte is an error that says so, and the reader's own
// error stays visible in it.
func TestTruncatedReplies(t *testing.T) {
	each(t, func(t *testing.T, d Dialect) {
		payload := []byte("pay\r\nload")
		whole := good(d, payload)
		for n := range len(whole) {
			_, err := d.ReadReply(bufio.NewReader(strings.NewReader(whole[:n])), payload)
			want := io.ErrUnexpectedEOF
			if n == 0 {
				want = io.EOF
			}
			if !errors.Is(err, want) {
				t.Errorf("%q: %v, want %v", whole[:n], err, want)
			}
			broken := io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(os.ErrDeadlineExceeded))
			if _, err := d.ReadReply(bufio.NewReader(broken), payload); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%q then a deadline: %v", whole[:n], err)
			}
		}
	})
}

func TestTruncatedChunks(t *testing.T) {
	const whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n6869\r\n0\r\n\r\n"
	for n := 1; n < len(whole); n++ {
		if _, err := plainHTTP.ReadReply(bufio.NewReader(strings.NewReader(whole[:n])), []byte("hi")); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", whole[:n], err)
		}
		broken := io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(os.ErrDeadlineExceeded))
		if _, err := plainHTTP.ReadReply(bufio.NewReader(broken), []byte("hi")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q then a deadline: %v", whole[:n], err)
		}
	}
}

// The right bytes for another request are wrong, and said to be a reply.
func TestReplyToAnotherRequest(t *testing.T) {
	each(t, func(t *testing.T, d Dialect) {
		for _, other := range []string{"paylOad", "other payload", "p"} {
			_, err := d.ReadReply(bufio.NewReader(strings.NewReader(good(d, []byte(other))+"more and more")), []byte("payload"))
			var wrong *ReplyError
			if !errors.As(err, &wrong) || wrong.Garbage || wrong.Want == "" || wrong.Got == "" {
				t.Errorf("reply to %q: %v", other, err)
			}
		}
	})
	// memcache tells connections apart even where payloads are the same.
	mine, theirs := PerConn(memcache{}), PerConn(memcache{})
	_, err := mine.ReadReply(bufio.NewReader(strings.NewReader(good(theirs, []byte("same")))), []byte("same"))
	var wrong *ReplyError
	if !errors.As(err, &wrong) || wrong.Garbage {
		t.Errorf("memcache: a reply for another connection: %v", err)
	}
}

func TestGarbage(t *testing.T) {
	for name, replies := range map[string][]string{
		"resp": {"-ERR unknown command\r\n", "+OK\r\n", "$-1\r\n", "$x\r\n", "$7\n", "$+7\r\n", "\r\n", "$7\r\npayloadXX", "HTTP/1.1 400 Bad\r\n\r\n", "\x00\x01\x02\r\n"},
		"memcache": {"ERROR\r\n", "SERVER_ERROR out of memory storing object\r\n", "NOT_STORED\r\n", "STORED\nEND\r\n", "STORED\r\nEND\r\n",
			"STORED\r\nVALUE k 0 x\r\n", "STORED\r\nVALUE\r\n"},
		"http": {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/9", "HTTP/1.1 x\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
			"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", strings.Repeat("HTTP/1.1 103 Early\r\n\r\n", 10)},
	} {
		d, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, reply := range replies {
			_, err := d.ReadReply(bufio.NewReader(strings.NewReader(reply)), []byte("payload"))
			var wrong *ReplyError
			if !errors.As(err, &wrong) || !wrong.Garbage || !strings.HasPrefix(err.Error(), name+": want ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s answers %q: %v", name, reply, err)
			}
		}
	}
}

func TestHTTPBodies(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	const chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
	for reply, ok := range map[string]bool{
		chunked + "4\r\n6869\r\n0\r\n\r\n":                                       true,
		chunked + "1\r\n6\r\n3;x=y\r\n869\r\n0\r\nTrailer: yes\r\n\r\n":          true,
		"HTTP/1.1 100 Continue\r\n\r\n" + head + "Content-Length: 4\r\n\r\n6869": true,
		"HTTP/1.1 200 OK\nContent-Length: 4\n\n6869":                             true, // RFC 9112 2.2: a recipient may take a bare LF
		head + "content-length:4\r\n\r\n6869":                                    true,
		chunked + "6\r\n686900\r\n0\r\n\r\n":                                     false,
		chunked + "2\r\n68\r\n0\r\n\r\n":                                         false,
		chunked + "4\r\n6868\r\n0\r\n\r\n":                                       false,
		head + "Content-Length: 3\r\n\r\n686":                                    false,
		head + "Content-Length: 4\r\n\r\n6968":                                   false,
		"HTTP/1.1 204 No Content\r\n\r\n":                                        false,
	} {
		r := bufio.NewReader(strings.NewReader(reply + "NEXT"))
		got, err := plainHTTP.ReadReply(r, []byte("hi"))
		if (err == nil) != ok || (ok && string(got.Payload) != "hi") {
			t.Errorf("%q: %+v, %v", reply, got, err)
		}
		if rest, _ := io.ReadAll(r); ok && string(rest) != "NEXT" {
			t.Errorf("%q: left %q", reply, rest)
		}
	}
}

// A server that floods costs a bounded amount of memory, whatever it repeats.
func TestFloods(t *testing.T) {
	each(t, func(t *testing.T, d Dialect) {
		const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n6869\r\n0\r\n"
		for _, unit := range []string{"\n", "x", "\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n", "STORED\r\n", "A: b\r\n"} {
			for _, prefix := range []string{"", "HTTP/1.1 200 OK\r\n", "STORED\r\n", "$", chunked} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := d.ReadReply(bufio.NewReader(io.MultiReader(strings.NewReader(prefix), &endless{unit: unit})), []byte("hi"))
				runtime.ReadMemStats(&after)
				complete := prefix == chunked && unit == "\r\n" && d.Name() == "http"
				if (err == nil) != complete {
					t.Errorf("%q and endless %q: %v", prefix, unit, err)
				}
				if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
					t.Errorf("%q and endless %q cost %d bytes", prefix, unit, used)
				}
			}
		}
	})
}

// endless repeats unit up to a gigabyte.
type endless struct {
	unit  string
	given int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.given > 1<<30 {
		return 0, io.EOF
	}
	n := 0
	for n < len(b) {
		n += copy(b[n:], e.unit[(e.given+n)%len(e.unit):])
	}
	e.given += n
	return n, nil
}

func TestOpening(t *testing.T) {
	each(t, func(t *testing.T, d Dialect) {
		steps := d.Opening()
		if d.Name() != "probe" {
			if len(steps) != 0 {
				t.Error("has an opening")
			}
			return
		}
		if len(steps) != 2 || string(steps[0].Send) != "ECHO\n" || steps[1].Read == nil {
			t.Fatalf("%d steps, the first says %q", len(steps), steps[0].Send)
		}
		r := bufio.NewReader(strings.NewReader("OK 42\nfirst bytes"))
		if err := steps[1].Read(r); err != nil {
			t.Error(err)
		}
		if rest, _ := io.ReadAll(r); string(rest) != "first bytes" {
			t.Errorf("left %q", rest)
		}
	})
	for line, want := range map[string]uint64{"OK 0\n": 0, "OK 18446744073709551615\n": 1<<64 - 1} {
		if n, err := ReadSignOnReply(bufio.NewReader(strings.NewReader(line))); n != want || err != nil {
			t.Errorf("%q: %d, %v", line, n, err)
		}
	}
	for _, line := range []string{"OK\n", "OK \n", "OK x\n", "OK 1 2\n", "OK -1\n", "OK +1\n", "KO 1\n", "OK 1\r\n", "\n", "OK 99999999999999999999999\n", "ECHO"} {
		_, err := ReadSignOnReply(bufio.NewReader(strings.NewReader(line)))
		var wrong *ReplyError
		if !errors.As(err, &wrong) || !wrong.Garbage {
			t.Errorf("%q: %v", line, err)
		}
	}
	for line, want := range map[string]error{"": io.EOF, "OK": io.ErrUnexpectedEOF, "OK 12": io.ErrUnexpectedEOF} {
		if _, err := ReadSignOnReply(bufio.NewReader(strings.NewReader(line))); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", line, err, want)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, name := range Names() {
		if d, err := Lookup(name); err != nil || d.Name() != name {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
	if _, err := Lookup("nobody's"); err == nil || !strings.Contains(err.Error(), "echo, probe, resp, memcache, http") {
		t.Errorf("%v", err)
	}
}

// A payload outside the bounds is our own mistake.
func TestPayloadBounds(t *testing.T) {
	each(t, func(t *testing.T, d Dialect) {
		defer func() {
			if recover() == nil {
				t.Error("a payload that is too long was accepted")
			}
		}()
		d.Request(make([]byte, d.MaxPayload()+1))
	})
}
