package dialect

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// What a reply is refused for is said with its numbers whole, and with what to change.
func TestErrorsSayTheirNumbers(t *testing.T) {
	page, err := NewHTTP(HTTP{Path: "/film", Headers: map[string]string{"Accept": "text/plain"}})
	if err != nil {
		t.Fatal(err)
	}
	put, err := NewHTTP(HTTP{Method: "PUT"})
	if err != nil {
		t.Fatal(err)
	}
	described := func(text string) Dialect {
		d, err := ReadDescribed([]byte(text), "mine.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	endless := io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n\r\n"), io.LimitReader(zeroes{}, maxBody+1))
	for name, c := range map[string]struct {
		d     Dialect
		reply io.Reader
		says  []string // in the error or its hint
	}{
		"http, announced": {page, strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
			[]string{"a body of at most 67108864 bytes", "one of 99999999999 bytes, as its Content-Length says", `"GET /film HTTP/1.1\r\nHost: reactorspec\r\nAccept: text/plain\r\n\r\n"`, "--http-path"}},
		"http, goes on":    {page, endless, []string{"a body of at most 67108864 bytes", "goes on behind them", "--http-path"}},
		"http, body asked": {put, strings.NewReader("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"), []string{`PUT /echo HTTP/1.1\r\n`, `Content-Length: 12\r\n\r\n" and the body "reactorspec "`, `404 Not Found" with the body "no"`}},
		"a length":         {described("request: \"x\"\nreply: {length: {size: 4}}\n"), strings.NewReader("abcdefgh"), []string{`"abcd", which counts 1633837924`}},
		"a header":         {described("request: \"x\"\nreply: {header: \"announcing as many bytes as will never come: {length}\\n\"}\n"), strings.NewReader("announcing as many bytes as will never come: 1000000000\n"), []string{"1000000000"}},
		"an end of line":   {described("request: \"x\"\nreply:\n  line: \"\\n\"\n"), io.LimitReader(zeroes{}, 8<<20), []string{`a line that ends in "\n" (mine.yaml:3)`}},
		"an until":         {described("request: \"x\"\nreply:\n  line: \"\\n\"\n  until: END\n"), iotest.TimeoutReader(strings.NewReader("one\ntwo\n")), []string{`until: "END" (mine.yaml:4)`, "behind 2 that did not match", `the last "two"`}},
		"too many":         {described("request: \"x\"\nreply:\n  line: \"\\n\"\n  until: END\n"), strings.NewReader(strings.Repeat("one\n", maxFrames+1)), []string{`until: "END" (mine.yaml:4) among the first 10000`, `got "one"`}},
		"too many skipped": {described("request: \"x\"\nreply:\n  line: \"\\n\"\n  skip: \"+ {any}\"\n  is: OK\n"), strings.NewReader(strings.Repeat("+ nn\n", maxFrames+1)), []string{`a frame that skip: "+ {any}" does not match `, "(mine.yaml:4) among the first 10000", "10000 that it matches, so that none was the reply", `the last was "+ nn"`}},
		"a few skipped":    {described("request: \"x\"\nreply:\n  line: \"\\n\"\n  skip: \"+ {any}\"\n  is: OK\n"), iotest.TimeoutReader(strings.NewReader("+ one\n+ two\n")), []string{"behind 2 that skip (mine.yaml:4) matches"}},
		"the connection":   {described("request: \"x\"\nreply:\n  close: true\n"), iotest.TimeoutReader(strings.NewReader("some")), []string{"still due is the end of the connection (mine.yaml:3)"}},
		"http, interim":    {page, strings.NewReader(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 99)), []string{"a final status behind at most 4 interim ones", "HTTP/1.1 100 Continue", "never ends", "GET /film"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.d.ReadReply(bufio.NewReader(c.reply), tryPayload(c.d, 0))
			if err == nil {
				t.Fatal("it is taken for a reply")
			}
			said := err.Error()
			var wrong *ReplyError
			if errors.As(err, &wrong) {
				said = fmt.Sprint(err, "; ", wrong.Hint)
			}
			if strings.Contains(said, "--http-status 100") {
				t.Errorf("%s\nadvises a status that is none of a reply", said)
			}
			for _, part := range c.says {
				if !strings.Contains(said, part) {
					t.Errorf("%s\ndoes not say %s", said, part)
				}
			}
		})
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// A greeting names the dialects that may be meant.
func TestGreeted(t *testing.T) {
	for said, want := range map[string]string{
		"220 hello\r\n":            "ftp smtp",
		"220-one\r\n220-two\r\n":   "ftp smtp",
		"* OK IMAP4rev1 ready\r\n": "imap",
		"OK MPD 0.23\n":            "mpd",
		"INFO {}\r\n":              "nats",
		"SSH-2.0-OpenSSH_9.2\r\n":  "",
		"hello":                    "",
		"220 no end of line":       "",
	} {
		if got := strings.Join(Greeted([]byte(said)), " "); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
