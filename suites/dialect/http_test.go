package dialect

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func speaks(t *testing.T, o HTTP) Dialect {
	t.Helper()
	d, err := NewHTTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHTTPRequests(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		o    HTTP
		most int
		want string // for the payload "hi", or none
	}{
		{HTTP{}, maxQuery, "GET /echo?6869 HTTP/1.1\r\nHost: reactorspec\r\n\r\n"},
		{HTTP{Path: "/healthz"}, 0, "GET /healthz HTTP/1.1\r\nHost: reactorspec\r\n\r\n"},
		{HTTP{Path: "/say?it=", Echo: &yes}, maxQuery, "GET /say?it=6869 HTTP/1.1\r\nHost: reactorspec\r\n\r\n"},
		{HTTP{Echo: &no, Method: "HEAD"}, 0, "HEAD /echo HTTP/1.1\r\nHost: reactorspec\r\n\r\n"},
		{HTTP{Path: "/", Headers: map[string]string{"host": "x", "Accept": "*/*"}}, 0, "GET / HTTP/1.1\r\nAccept: */*\r\nhost: x\r\n\r\n"},
		{HTTP{Method: "POST"}, maxContent, "POST /echo HTTP/1.1\r\nHost: reactorspec\r\nContent-Length: 2\r\n\r\nhi"},
		{HTTP{Method: "POST", Path: "/run"}, 0, "POST /run HTTP/1.1\r\nHost: reactorspec\r\nContent-Length: 0\r\n\r\n"},
	} {
		d, payload := speaks(t, c.o), []byte("hi")
		if c.most == 0 {
			payload = nil
		}
		if got := string(d.Request(payload)); got != c.want || d.MaxPayload() != c.most || Constant(d) != (c.most == 0) {
			t.Errorf("%+v: %q, at most %d bytes; want %q, %d", c.o, got, d.MaxPayload(), c.want, c.most)
		}
	}
	if d := speaks(t, HTTP{Method: "POST"}); d.Pipelines() || !speaks(t, HTTP{Method: "PUT"}).Pipelines() {
		t.Error("RFC 9112 9.3.2: what is not idempotent is not pipelined")
	}
}

func TestHTTPMistakes(t *testing.T) {
	yes := true
	for field, o := range map[string]HTTP{
		"path":    {Path: "healthz"},
		"method":  {Method: "GET /"},
		"status":  {Status: 101},
		"echo":    {Method: "HEAD", Echo: &yes},
		"headers": {Headers: map[string]string{"A": "b\r\nC: d"}},
	} {
		if _, err := NewHTTP(o); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, path := range []string{"/a b", "/a\r\n", "/ä", "/a#b", "ftp://x/"} {
		if _, err := NewHTTP(HTTP{Path: path}); err == nil {
			t.Errorf("the path %q is sent", path)
		}
	}
	for _, name := range []string{"Connection", "content-length", "Transfer-Encoding", "Expect", "bad name", ""} {
		if _, err := NewHTTP(HTTP{Headers: map[string]string{name: "x"}}); err == nil {
			t.Errorf("the header %q is sent", name)
		}
	}
}

// The last reply of a connection says so, or is of a protocol in which it is
// (RFC 9112 sections 6.3, 9.3 and 9.6).
func TestHTTPLast(t *testing.T) {
	for reply, last := range map[string]bool{
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n6869":                                                 false,
		"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\n6869":                       false,
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n6869":                            true,
		"HTTP/1.1 200 OK\r\nconnection: Foo, CLOSE\r\nContent-Length: 4\r\n\r\n6869":                       true,
		"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n6869":                                                 true,
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\n6869":                       false,
		"HTTP/1.1 200 OK\r\n\r\n6869":                                                                      true,
		"HTTP/1.0 200 OK\r\n\r\n6869":                                                                      true,
		"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n6869\r\n0\r\n\r\n": true,
	} {
		got, err := plainHTTP.ReadReply(bufio.NewReader(strings.NewReader(reply)), []byte("hi"))
		if err != nil || got.Last != last || string(got.Payload) != "hi" {
			t.Errorf("%q: %+v, %v", reply, got, err)
		}
	}
}

// A body that the end of the connection ends is another's where it is shorter or longer.
func TestHTTPUnframed(t *testing.T) {
	for _, body := range []string{"", "686", "68690", "6968"} {
		_, err := plainHTTP.ReadReply(bufio.NewReader(strings.NewReader("HTTP/1.0 200 OK\r\n\r\n"+body)), []byte("hi"))
		var wrong *ReplyError
		if !errors.As(err, &wrong) || wrong.Garbage {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestHTTPConstant(t *testing.T) {
	get, head, gone := speaks(t, HTTP{Path: "/"}), speaks(t, HTTP{Path: "/", Method: "HEAD"}), speaks(t, HTTP{Path: "/", Status: 204})
	for _, c := range []struct {
		d     Dialect
		reply string
		whole bool
	}{
		{get, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true},
		{get, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", false},
		{get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", true},
		{get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", false},
		{get, "HTTP/1.1 200 OK\r\n\r\nhello", true},
		{get, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", false},
		{head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true},
		{gone, "HTTP/1.1 204 No Content\r\n\r\n", true},
		{gone, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
	} {
		r := bufio.NewReader(strings.NewReader(c.reply))
		got, err := c.d.ReadReply(r, nil)
		if (err == nil) != c.whole || len(got.Payload) > 0 {
			t.Errorf("%q: %+v, %v", c.reply, got, err)
		}
		if rest, _ := io.ReadAll(r); c.whole && len(rest) > 0 {
			t.Errorf("%q: left %q", c.reply, rest)
		}
	}
}

// What a first reply shows where it is not what was asked for: the request, the
// reply's status and head, and what to change.
func TestHTTPShows(t *testing.T) {
	for reply, says := range map[string][]string{
		"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here\n": {"404 Not Found", `"not here\n"`, "GET /echo?6869 HTTP/1.1", "--http-path", "--http-status 404"},
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello":             {"200 OK", `"hello"`, "GET /echo?6869", "--http-path"},
		"HTTP/1.1 204 No Content\r\n\r\n":                               {"204 No Content", "no body", "--http-status 204"},
	} {
		_, err := plainHTTP.ReadReply(bufio.NewReader(strings.NewReader(reply)), []byte("hi"))
		var wrong *ReplyError
		if !errors.As(err, &wrong) {
			t.Fatalf("%q: %v", reply, err)
		}
		for _, part := range says {
			if !strings.Contains(wrong.Got+" "+wrong.Hint, part) {
				t.Errorf("%q: %q and %q do not say %q", reply, wrong.Got, wrong.Hint, part)
			}
		}
	}
}

func TestWithin(t *testing.T) {
	d := Within(memcache{}, Bounds{MinPayload: 10, MaxPayload: 20, Requests: 1})
	if d.MinPayload() != 10 || d.MaxPayload() != 20 || d.Requests() != 1 || d.Pipelines() {
		t.Errorf("%d to %d, %d requests, pipelines %t", d.MinPayload(), d.MaxPayload(), d.Requests(), d.Pipelines())
	}
	if a, b := PerConn(d), PerConn(d); string(a.Request(make([]byte, 10))) == string(b.Request(make([]byte, 10))) || a.MaxPayload() != 20 {
		t.Error("the connections of a narrowed dialect share their requests, or its bounds are lost")
	}
	if Ends(d) || !Ends(Within(plainHTTP, Bounds{Requests: 1})) {
		t.Error("a narrowed dialect ends connections as the dialect does")
	}
}

// What no server knows goes to the server that is judged, with the headers that it wants.
func TestUnknownRequests(t *testing.T) {
	for _, c := range []struct {
		o            HTTP
		path, method string
	}{
		{HTTP{}, "GET /reactorspec-is-not-here HTTP/1.1\r\nHost: reactorspec\r\n\r\n", "REACTORSPEC /echo? HTTP/1.1\r\nHost: reactorspec\r\n\r\n"},
		{HTTP{Path: "http://a:1/b", Headers: map[string]string{"Host": "a:1"}}, "GET http://a:1/reactorspec-is-not-here HTTP/1.1\r\nHost: a:1\r\n\r\n", "REACTORSPEC http://a:1/b HTTP/1.1\r\nHost: a:1\r\n\r\n"},
	} {
		d := Within(speaks(t, c.o), Bounds{Requests: 7})
		if path, method := string(Unknown(d, 0)), string(Unknown(d, 1)); path != c.path || method != c.method {
			t.Errorf("%+v: %q, %q; want %q, %q", c.o, path, method, c.path, c.method)
		}
	}
	if Unknown(echo{}, 0) != nil {
		t.Error("an echo server refuses nothing")
	}
}

// A reply to what was posted is read whole, whatever it says, and whatever method the
// target is asked by.
func TestPosting(t *testing.T) {
	p, ok := Posts(Within(speaks(t, HTTP{Path: "/a", Method: "HEAD"}), Bounds{Requests: 7}))
	if got := string(p.Head(p.Missing(), 7, "Expect: 100-continue\r\n")); !ok || got != "POST /reactorspec-is-not-here HTTP/1.1\r\nHost: reactorspec\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n" {
		t.Errorf("%v, %q", ok, got)
	}
	r := bufio.NewReader(strings.NewReader("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nnoHTTP/1.0 400 Bad\r\nConnection: close\r\n\r\n"))
	if said, err := p.ReadFinal(r); said != (Posted{Status: 404}) || err != nil {
		t.Errorf("%+v, %v", said, err)
	}
	if said, err := p.ReadFinal(r); said != (Posted{Status: 400, Last: true, Old: true}) || err != nil {
		t.Errorf("%+v, %v", said, err)
	}
	if _, ok := Posts(resp{}); ok {
		t.Error("a command of resp has no body")
	}
}

// What does not end has its line end cut off, and is nothing where requests are no lines.
func TestUnended(t *testing.T) {
	described := func(request string) Dialect {
		d, err := ReadDescribed([]byte("request: "+request+"\nreply: {line: \"\\n\", is: \"ok\"}\n"), "unended.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		d    Dialect
		want string
	}{
		{Within(plainHTTP, Bounds{Requests: 7}), "GET /echo? HTTP/1.1\r\nHost: reactorspec\r\nX-Reactorspec: "},
		{described(`"NOOP\r\n"`), "NOOP"},
		{described(`"two\nlines\n"`), ""},
		{described(`"no line"`), ""},
		{echo{}, ""},
	} {
		if got := string(Unended(c.d)); got != c.want {
			t.Errorf("%s: %q, want %q", c.d.Name(), got, c.want)
		}
	}
}
