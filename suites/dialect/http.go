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
)

// http1 asks GET /echo?<payload in hex> of an HTTP/1.1 server that answers the
// query as the body. Unmodified nginx does with one line of configuration:
//
//	location = /echo { return 200 $args; }
type http1 struct{}

const (
	// maxQuery keeps the request line within the 8 KiB that nginx
	// (large_client_header_buffers) and Node grant it; a payload byte is two digits.
	maxQuery = 4000
	// maxHead bounds status line and header of a reply, in bytes.
	maxHead = 64 << 10
	// maxInterim bounds the 1xx replies before the real one.
	maxInterim = 4
)

func (http1) Name() string                                 { return "http" }
func (http1) Opening() ([]byte, func(*bufio.Reader) error) { return nil, nil }
func (http1) MinPayload() int                              { return 1 }
func (http1) MaxPayload() int                              { return maxQuery }
func (http1) Pipelines() bool                              { return true }
func (http1) Requests() int                                { return 0 }

func (d http1) Request(payload []byte) []byte {
	checkSize(d, payload)
	return fmt.Appendf(nil, "GET /echo?%x HTTP/1.1\r\nHost: reactorspec\r\n\r\n", payload)
}

func (d http1) ReadReply(r *bufio.Reader, payload []byte) (Reply, error) {
	head, reply, err := d.readHead(r)
	for interim := 0; err == nil && reply.StatusCode/100 == 1 && interim < maxInterim; interim++ {
		head, reply, err = d.readHead(r)
	}
	if err != nil {
		return Reply{}, err
	}
	if reply.StatusCode != http.StatusOK {
		return Reply{}, garbage(d.Name(), "status 200", head)
	}
	want := []byte(hex.EncodeToString(payload))
	body, err := d.readBody(r, reply, head, want)
	if err != nil {
		return Reply{Payload: body}, inside(err)
	}
	got := make([]byte, hex.DecodedLen(len(body)))
	if _, err := hex.Decode(got, body); err != nil {
		return Reply{}, garbage(d.Name(), "hex digits", body)
	}
	return Reply{Payload: got, Last: reply.Close}, nil
}

// readHead reads one status line and header, to the empty line.
func (d http1) readHead(r *bufio.Reader) ([]byte, *http.Response, error) {
	const form = "an HTTP/1.1 status line and header"
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
	request := &http.Request{Method: http.MethodGet}
	reply, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), request)
	if err != nil {
		return nil, nil, garbage(d.Name(), form, head)
	}
	return head, reply, nil
}

// readBody reads a body that the reply frames itself. One that only the end of
// the connection frames cannot be told from a truncated one, so it is refused.
func (d http1) readBody(r *bufio.Reader, reply *http.Response, head, want []byte) ([]byte, error) {
	switch {
	case len(reply.TransferEncoding) == 1 && strings.EqualFold(reply.TransferEncoding[0], "chunked"):
		return d.readChunked(r, want)
	case reply.ContentLength < 0:
		return nil, garbage(d.Name(), "a body framed by Content-Length or chunked, so that the connection stays open", head)
	case reply.ContentLength != int64(len(want)):
		return nil, &ReplyError{Dialect: d.Name(), Want: fmt.Sprintf("Content-Length %d", len(want)), Got: fmt.Sprint(reply.ContentLength)}
	}
	return readPayload(r, d.Name(), want)
}

// readChunked reads a chunked body with its trailer.
func (d http1) readChunked(r *bufio.Reader, want []byte) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(httputil.NewChunkedReader(r), int64(len(want))+1))
	if i := firstDifference(body, want); i >= 0 {
		return body, &ReplyError{Dialect: d.Name(), Want: around(want, i), Got: around(body, i)}
	}
	if err != nil {
		if isProtocol(err) {
			return body, garbage(d.Name(), "a chunked body", []byte(err.Error()))
		}
		return body, inReply(err, 1, d.Name())
	}
	if len(body) != len(want) {
		return body, &ReplyError{Dialect: d.Name(), Want: fmt.Sprintf("a body of %d bytes", len(want)), Got: fmt.Sprintf("%d or more", len(body))}
	}
	for total := 0; total <= maxHead; {
		line, err := readLine(r, d.Name(), "the end of a chunked body")
		if err != nil {
			return body, err
		}
		if len(line) == 0 {
			return body, nil
		}
		total += len(line)
	}
	return body, garbage(d.Name(), "a short trailer", []byte("an endless one"))
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
