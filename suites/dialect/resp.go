package dialect

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
)

// resp is the ECHO command of the Redis serialization protocol, version 2.
// Arguments are bulk strings, so a payload may hold any bytes.
type resp struct{}

func (resp) Name() string    { return "resp" }
func (resp) Opening() []Step { return nil }
func (resp) MinPayload() int { return 0 }
func (resp) MaxPayload() int { return maxBytes } // redis itself: proto-max-bulk-len, 512 MiB
func (resp) Pipelines() bool { return true }
func (resp) Requests() int   { return 0 }

func (d resp) Request(payload []byte) []byte {
	checkSize(d, payload)
	b := fmt.Appendf(make([]byte, 0, len(payload)+40), "*2\r\n$4\r\nECHO\r\n$%d\r\n", len(payload))
	return append(append(b, payload...), "\r\n"...)
}

func (d resp) ReadReply(r *bufio.Reader, payload []byte) (Reply, error) {
	want := fmt.Sprintf("bulk string header %q", fmt.Sprintf("$%d\r\n", len(payload)))
	line, err := readLine(r, d.Name(), want)
	if err != nil {
		return Reply{}, err
	}
	n, ok := bulkLength(line)
	if !ok {
		return Reply{}, garbage(d.Name(), want, line)
	}
	if n != len(payload) {
		return Reply{}, &ReplyError{Dialect: d.Name(), Want: want, Got: shorten(line)}
	}
	got, err := readPayload(r, d.Name(), payload)
	if err != nil {
		return Reply{Payload: got}, inside(err)
	}
	return Reply{Payload: got}, expect(r, d.Name(), "\r\n")
}

// bulkLength parses "$n" with n in plain decimal.
func bulkLength(line []byte) (int, bool) {
	digits, ok := bytes.CutPrefix(line, []byte("$"))
	if !ok || len(digits) == 0 || digits[0] < '0' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.Atoi(string(digits))
	return n, err == nil
}
