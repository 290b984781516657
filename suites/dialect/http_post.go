package dialect

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Posting makes requests with a body, beside those that an http target is asked, and
// reads their replies, whatever these say.
type Posting struct{ d http1 }

// Posts returns the Posting of a dialect; false where it has no requests with a body that
// a server may refuse.
func Posts(d Dialect) (Posting, bool) {
	p, ok := d.(interface{ posts() (Posting, bool) })
	if !ok {
		return Posting{}, false
	}
	return p.posts()
}

func (w within) posts() (Posting, bool) { return Posts(w.Dialect) }

func (d http1) posts() (Posting, bool) {
	d.method = http.MethodPost // its reply has a body, whatever the target's own method is
	return Posting{d}, true
}

// Missing is a request target that is not there.
func (p Posting) Missing() string { return p.d.missing() }

// Asked is the request target that the dialect asks for, without a payload.
func (p Posting) Asked() string { return p.d.target }

// Head is a request's head that announces a body of so many bytes; more are further lines
// of it, each with its end.
func (p Posting) Head(target string, body int, more string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\n%sContent-Length: %d\r\n%s\r\n", p.d.method, target, p.d.header, body, more)
}

// Stray is a body that looks like a request of its own.
func (p Posting) Stray() []byte {
	return fmt.Appendf(nil, "REACTORSPEC %s HTTP/1.1\r\n%s\r\n", p.d.missing(), p.d.header)
}

// Posted is what a reply says.
type Posted struct {
	Status int
	Last   bool // the server closes the connection behind it
	Old    bool // it is of HTTP/1.0
}

// Interim reports whether another reply follows to the same request.
func (p Posted) Interim() bool { return p.Status/100 == 1 }

// Read reads one reply whole, be it final or not.
func (p Posting) Read(r *bufio.Reader) (Posted, error) {
	_, reply, err := p.d.readHead(r)
	if err != nil {
		return Posted{}, err
	}
	said := Posted{reply.StatusCode, reply.Close, !reply.ProtoAtLeast(1, 1)}
	if said.Interim() {
		return said, nil
	}
	_, err = io.Copy(io.Discard, io.LimitReader(&framed{d: p.d, r: r, reply: reply, ended: p.d.bodiless(reply.StatusCode)}, maxBody))
	return said, err
}

// ReadFinal reads the final reply, and those before it.
func (p Posting) ReadFinal(r *bufio.Reader) (said Posted, err error) {
	for range maxInterim + 1 {
		if said, err = p.Read(r); err != nil || !said.Interim() {
			break
		}
	}
	return said, err
}

// missing is a path that is not there, of the same server where a proxy is asked.
func (d http1) missing() string {
	const path = "/reactorspec-is-not-here"
	at := strings.Index(d.target, "://")
	if at < 0 {
		return path
	}
	server, _, _ := strings.Cut(d.target[at+3:], "/")
	return d.target[:at+3] + server + path
}
