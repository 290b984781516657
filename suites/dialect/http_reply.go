package dialect

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"

	"github.com/reactorspec/reactorspec/suites/internal/ascii"
)

const (
	// maxHead bounds status line and header of a reply, in bytes.
	maxHead = 64 << 10
	// maxInterim bounds the 1xx replies before the real one.
	maxInterim = 4
	// maxBody bounds a body that is not an echo, in bytes.
	maxBody = 64 << 20
	// shownBody is how much of a body that was not expected is shown, in bytes.
	shownBody = 80
	// shownRequest is how much of a request's line and header is shown, in bytes: all of
	// what the short payload of a first request leaves it with, if no header is huge.
	shownRequest = 600
)

func (d http1) ReadReply(r *bufio.Reader, payload []byte) (Reply, error) {
	head, reply, err := d.readHead(r)
	for interim := 0; err == nil && reply.StatusCode/100 == 1 && interim < maxInterim; interim++ {
		head, reply, err = d.readHead(r)
	}
	if err != nil {
		return Reply{}, err
	}
	if reply.StatusCode/100 == 1 {
		return Reply{}, &ReplyError{Dialect: d.Name(), Want: fmt.Sprintf("a final status behind at most %d interim ones", maxInterim), Got: fmt.Sprintf("%d interim ones, the last %s", maxInterim+1, statusLine(head)), Garbage: true,
			Hint: fmt.Sprintf("it was sent %s; an interim status (1xx) comes before the reply, and here it never ends: see that the server sends the reply itself", d.sent(payload))}
	}
	body := &framed{d: d, r: r, reply: reply, ended: d.bodiless(reply.StatusCode)}
	switch {
	case reply.StatusCode != d.status:
		return Reply{}, d.unexpected(reply, head, body, payload)
	case !d.echo && reply.ContentLength > maxBody && !body.ended:
		return Reply{}, d.tooMuch(fmt.Sprintf("one of %d bytes, as its Content-Length says", reply.ContentLength), payload)
	case !d.echo:
		n, err := io.Copy(io.Discard, io.LimitReader(body, maxBody+1))
		if err == nil && n > maxBody {
			err = d.tooMuch("one that goes on behind them", payload)
		}
		return Reply{Last: reply.Close}, err
	case d.inBody():
		got, err := body.want(payload, payload, head)
		return Reply{Payload: got, Last: reply.Close}, err
	}
	got, err := body.want([]byte(hex.EncodeToString(payload)), payload, head)
	if err != nil {
		return Reply{Payload: got}, err
	}
	return Reply{Payload: payload[:len(got)/2], Last: reply.Close}, nil
}

// bodiless reports whether a reply with that status has no body, whatever its
// header says (RFC 9112 section 6.3).
func (d http1) bodiless(status int) bool {
	return d.method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
}

// unexpected is the error for a status that is not the one that is due.
func (d http1) unexpected(reply *http.Response, head []byte, body io.Reader, payload []byte) error {
	err := &ReplyError{Dialect: d.Name(), Want: fmt.Sprintf("status %d", d.status), Got: shown(reply, head, body), Garbage: true}
	err.TooLong = len(payload) > 0 && d.tooLong(reply.StatusCode)
	err.Busy = reply.StatusCode == http.StatusServiceUnavailable || reply.StatusCode == http.StatusTooManyRequests // RFC 9110, 15.6.4; RFC 6585, 4
	err.Hint = fmt.Sprintf("it was sent %s; say what it answers by --http-path, --http-method and --http-header, or --http-status %d if that is right", d.sent(payload), reply.StatusCode)
	return err
}

// tooMuch is the error for a body that is longer than is read of one.
func (d http1) tooMuch(got string, payload []byte) error {
	return &ReplyError{Dialect: d.Name(), Want: fmt.Sprintf("a body of at most %d bytes", maxBody), Got: got, Garbage: true,
		Hint: fmt.Sprintf("it was sent %s; ask for something shorter by --http-path", d.sent(payload))}
}

// tooLong reports whether a server may answer so to a request that is longer than it takes:
// by any error of the client's, since few say which, unless one is what is due.
func (d http1) tooLong(status int) bool {
	switch status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return status/100 == 4 && d.status/100 != 4
}

// sent quotes the whole request for that payload, its body as far as a reply's is shown.
func (d http1) sent(payload []byte) string {
	head, body, _ := bytes.Cut(d.Request(payload), []byte("\r\n\r\n"))
	text := shortenTo(append(head, "\r\n\r\n"...), shownRequest)
	if len(body) > 0 {
		text += " and the body " + shortenTo(body, shownBody)
	}
	return text
}

// shown is status and head of the body of a reply, as far as it comes.
func shown(reply *http.Response, head []byte, body io.Reader) string {
	start := make([]byte, shownBody+1)
	n, _ := io.ReadFull(body, start)
	text := "no body"
	if n > 0 {
		text = "the body " + shortenTo(start[:n], shownBody)
	}
	return fmt.Sprintf("%s with %s", statusLine(head), text)
}

// statusLine quotes the first line of a reply.
func statusLine(head []byte) string {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return shortenTo(bytes.TrimSuffix(line, []byte("\r")), shownBody)
}

// Asked quotes the request that is asked in http, for whoever is to see why it is not
// answered; empty in another dialect.
func Asked(d Dialect) string {
	inner := d
	if w, ok := d.(within); ok {
		inner = w.Dialect
	}
	asked, ok := inner.(http1)
	switch {
	case !ok:
		return ""
	case Constant(d):
		return asked.sent(nil)
	}
	return "a request such as " + asked.sent(tryPayload(d, 0))
}

// shortenTo quotes b, or as much of its head.
func shortenTo(b []byte, most int) string {
	if len(b) <= most {
		return ascii.Quote(b)
	}
	return ascii.Quote(b[:most]) + "…"
}

// readHead reads one status line and header, to the empty line.
func (d http1) readHead(r *bufio.Reader) ([]byte, *http.Response, error) {
	const form = "an HTTP/1 status line and header"
	var head []byte
	for {
		line, err := r.ReadSlice('\n')
		head = append(head, line...)
		if len(head) > maxHead {
			return nil, nil, garbage(d.Name(), fmt.Sprintf("%s within %d bytes", form, maxHead), head)
		}
		if !agree(head, "HTTP/1.") {
			return nil, nil, garbage(d.Name(), form, head)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return nil, nil, inReply(err, len(head), d.Name())
		}
		if bytes.HasSuffix(head, []byte("\r\n\r\n")) || bytes.HasSuffix(head, []byte("\n\n")) {
			break
		}
	}
	reply, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: d.method})
	if err != nil {
		return nil, nil, garbage(d.Name(), form, head)
	}
	return head, reply, nil
}

// framed reads the body of one reply as RFC 9112 section 6.3 frames it: by its
// length, by chunks, or by the end of the connection. It reports io.EOF behind
// the last byte of the body, the trailer included.
type framed struct {
	d     http1
	r     *bufio.Reader
	reply *http.Response

	chunks io.Reader // of a chunked body
	read   int64
	ended  bool
}

func (f *framed) Read(b []byte) (int, error) {
	if f.ended || len(b) == 0 {
		return 0, io.EOF
	}
	switch {
	case len(f.reply.TransferEncoding) > 0:
		return f.chunked(b)
	case f.reply.ContentLength >= 0:
		left := f.reply.ContentLength - f.read
		if left == 0 {
			f.ended = true
			return 0, io.EOF
		}
		n, err := f.r.Read(b[:min(int64(len(b)), left)])
		f.read += int64(n)
		if err != nil {
			err = inReply(err, 1, f.d.Name())
		}
		return n, err
	}
	n, err := f.r.Read(b)
	switch {
	case err == io.EOF:
		f.ended = true
	case err != nil:
		err = inReply(err, 1, f.d.Name())
	}
	return n, err
}

// chunked reads a chunked body with its trailer.
func (f *framed) chunked(b []byte) (int, error) {
	if f.chunks == nil {
		f.chunks = httputil.NewChunkedReader(f.r)
	}
	n, err := f.chunks.Read(b)
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF && isProtocol(err):
		return n, garbage(f.d.Name(), "a chunked body", []byte(err.Error()))
	case err != io.EOF:
		return n, inReply(err, 1, f.d.Name())
	}
	for total := 0; total <= maxHead; {
		line, err := readLine(f.r, f.d.Name(), "the end of a chunked body")
		if err != nil {
			return n, inside(err)
		}
		if len(line) == 0 {
			f.ended = true
			return n, io.EOF
		}
		total += len(line)
	}
	return n, garbage(f.d.Name(), "a short trailer", []byte("an endless one"))
}

// want reads the body and compares it with what is due. It stops at the first
// chunk that differs.
func (f *framed) want(due, payload, head []byte) ([]byte, error) {
	const chunk = 64 << 10
	got := make([]byte, 0, min(len(due), chunk)+1)
	for {
		if len(got) == cap(got) {
			got = append(got, 0)[:len(got)]
		}
		from := len(got)
		n, err := f.Read(got[from:min(cap(got), len(due)+1)])
		got = got[:from+n]
		switch {
		case firstDifference(got[from:], due[from:]) >= 0, len(got) > len(due), err == io.EOF && len(got) < len(due):
			return got, f.another(got, due, payload, head)
		case err == io.EOF:
			return got, nil
		case err != nil:
			return got, err
		}
	}
}

// another is the error for a body that is not the one that is due.
func (f *framed) another(got, due, payload, head []byte) error {
	want, came := fmt.Sprintf("a body of %d bytes", len(due)), fmt.Sprintf("one of %d", len(got))
	if len(got) > len(due) {
		came += " or more"
	}
	at := max(firstDifference(got, due), 0)
	return &ReplyError{Dialect: f.d.Name(), Want: want + ", " + around(due, at),
		Got:  came + ", " + around(got, at),
		Hint: fmt.Sprintf("it was sent %s, and answered %s: if the server does not send back what it was sent, judge it with --http-path PATH, or echo: false", f.d.sent(payload), shown(f.reply, head, io.MultiReader(bytes.NewReader(got), f)))}
}

// isProtocol tells a malformed chunk from an error of the reader below.
func isProtocol(err error) bool {
	var timeout interface{ Timeout() bool }
	var op interface{ Unwrap() error }
	return !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && !errors.As(err, &timeout) && !errors.As(err, &op)
}

// agree compares as many bytes as both have.
func agree(got []byte, want string) bool {
	n := min(len(got), len(want))
	return string(got[:n]) == want[:n]
}

// inside turns an end of input into an unexpected one, for the later parts of a reply.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", strings.TrimSuffix(err.Error(), ": EOF"), io.ErrUnexpectedEOF)
	}
	return err
}
