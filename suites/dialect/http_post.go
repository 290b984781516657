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

// ReadStatus reads the head of a reply, and returns its status.
func (p Posting) ReadStatus(r *bufio.Reader) (status int, err error) {
	_, reply, err := p.d.readHead(r)
	if err != nil {
		return 0, err
	}
	return reply.StatusCode, nil
}

// ReadReply reads a whole reply and those before it that are not final; last says that the
// server closes the connection behind it.
func (p Posting) ReadReply(r *bufio.Reader) (status int, last bool, err error) {
	_, reply, err := p.d.readHead(r)
	for interim := 0; err == nil && reply.StatusCode/100 == 1 && interim < maxInterim; interim++ {
		_, reply, err = p.d.readHead(r)
	}
	if err != nil {
		return 0, false, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(&framed{d: p.d, r: r, reply: reply, ended: p.d.bodiless(reply.StatusCode)}, maxBody))
	return reply.StatusCode, reply.Close, err
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
