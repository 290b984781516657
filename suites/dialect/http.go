package dialect

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// HTTP says what the http dialect asks of a server. The zero value is
// GET /echo?<payload in hexadecimal>, answered by 200 and the query as the body,
// as unmodified nginx does with one line of configuration:
//
//	location = /echo { return 200 $args; }
type HTTP struct {
	// Path is the request target, with a query if it needs one. Where the reply
	// echoes, the payload in hexadecimal follows it, behind a ? if it has none.
	Path string `yaml:"path"` // "" is /echo
	// Method is GET if empty. An echo by POST, PUT or PATCH carries the payload
	// as it is, in the body.
	Method string `yaml:"method"`
	// Headers are added to each request, in the order of their names.
	Headers map[string]string `yaml:"headers"`
	// Status is what each reply must have; 0 is 200.
	Status int `yaml:"status"`
	// Echo says whether a reply's body is the payload that was sent. Not said,
	// it is where Path is not said either. A dialect that does not echo is
	// constant: whatever the body, it has to be whole.
	Echo *bool `yaml:"echo"`
}

const (
	// maxQuery keeps the request line within the 8 KiB that nginx
	// (large_client_header_buffers) and Node grant it; a payload byte is two digits.
	maxQuery = 4000
	// maxContent bounds a payload that a request's body carries, in bytes: more
	// than servers read at a time, less than any refuses.
	maxContent = 32 << 10
)

// http1 is HTTP/1.1 as one target is asked in it.
type http1 struct {
	method, target string
	header         string // the lines behind the request line, each with its end
	status         int
	echo           bool
}

// plainHTTP is what --dialect http means and nothing else.
var plainHTTP = http1{method: http.MethodGet, target: "/echo?", header: "Host: reactorspec\r\n", status: http.StatusOK, echo: true}

// NewHTTP returns the http dialect with those requests. The error names the
// field that cannot be sent, as target files have it.
func NewHTTP(o HTTP) (Dialect, error) {
	d := http1{method: cmp.Or(o.Method, http.MethodGet), target: cmp.Or(o.Path, "/echo"), status: cmp.Or(o.Status, http.StatusOK), echo: o.Path == ""}
	if o.Echo != nil {
		d.echo = *o.Echo
	}
	switch {
	case !isToken(d.method) || d.method == http.MethodConnect:
		return nil, fmt.Errorf("method: %q is not a method that asks for a reply: write GET, HEAD, POST", o.Method)
	case !strings.HasPrefix(d.target, "/") && !strings.HasPrefix(d.target, "http://") && d.target != "*" || strings.ContainsFunc(d.target, outsideTarget):
		return nil, fmt.Errorf("path: %q is not a path: write /healthz or /echo, or http://name/ for a proxy; write a space as %%20, and other special characters likewise", o.Path)
	case d.status < 200 || d.status > 599:
		return nil, fmt.Errorf("status: %d is not between 200 and 599", d.status)
	case d.echo && d.bodiless(d.status):
		return nil, errors.New("echo: the reply to HEAD, and one with status 204 or 304, has no body: write echo: false")
	}
	if d.echo && !d.inBody() && !strings.Contains(d.target, "?") {
		d.target += "?"
	}
	host := "Host: reactorspec\r\n"
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		value := o.Headers[name]
		if !isToken(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("headers: %q: %q cannot be sent as a header", name, value)
		}
		switch http.CanonicalHeaderKey(name) {
		case "Host":
			host = ""
		case "Content-Length", "Transfer-Encoding", "Expect", "Upgrade":
			return nil, fmt.Errorf("headers: %q frames the message or changes what comes back: leave it out", name)
		case "Connection":
			return nil, errors.New("headers: \"Connection\" is what the checks decide: leave it out")
		}
		fmt.Fprintf(&lines, "%s: %s\r\n", name, value)
	}
	d.header = host + lines.String()
	return d, nil
}

// outsideTarget tells what a request target does not hold (RFC 9112 section 3.2).
func outsideTarget(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func (http1) Name() string    { return "http" }
func (http1) Opening() []Step { return nil }
func (http1) Requests() int   { return 0 }
func (http1) ends() bool      { return true }

// Pipelines: RFC 9112 section 9.3.2 advises against it behind a method that is
// not idempotent.
func (d http1) Pipelines() bool {
	return d.method != http.MethodPost && d.method != http.MethodPatch
}

func (d http1) MinPayload() int {
	if d.echo {
		return 1
	}
	return 0
}

func (d http1) MaxPayload() int {
	switch {
	case !d.echo:
		return 0
	case d.inBody():
		return maxContent
	}
	return maxQuery
}

// inBody reports whether requests have a body.
func (d http1) inBody() bool {
	return d.method == http.MethodPost || d.method == http.MethodPut || d.method == http.MethodPatch
}

func (d http1) Request(payload []byte) []byte {
	checkSize(d, payload)
	target, length := d.target, ""
	if d.inBody() {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(payload))
	} else {
		target += fmt.Sprintf("%x", payload)
	}
	b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\n%s%s\r\n", d.method, target, d.header, length)
	if d.inBody() {
		b = append(b, payload...)
	}
	return b
}
