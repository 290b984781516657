package dialect

import (
	"bufio"
	"bytes"
	"slices"
	"strconv"
)

// maxBytes bounds a payload where the protocol does not: beyond every socket
// buffer of a loopback connection, and small enough to be held a few times.
const maxBytes = 64 << 20

// echo is RFC 862: every byte comes back, with no framing at all.
type echo struct{}

func (echo) Name() string    { return "echo" }
func (echo) Opening() []Step { return nil }
func (echo) MinPayload() int { return 1 }
func (echo) MaxPayload() int { return maxBytes }
func (echo) Pipelines() bool { return true }
func (echo) Requests() int   { return 0 }

func (d echo) Request(payload []byte) []byte {
	checkSize(d, payload)
	return slices.Clone(payload)
}

func (d echo) ReadReply(r *bufio.Reader, payload []byte) (Reply, error) {
	got, err := readPayload(r, d.Name(), payload)
	return Reply{Payload: got}, err
}

// probeEcho is the ECHO conversation of spec/target.md: raw bytes after a sign-on.
type probeEcho struct{ echo }

func (probeEcho) Name() string { return "probe" }

func (d probeEcho) Opening() []Step {
	return []Step{{Send: []byte("ECHO\n")}, {Read: func(r *bufio.Reader) error {
		_, err := ReadSignOnReply(r)
		return err
	}}}
}

func (d probeEcho) ReadReply(r *bufio.Reader, payload []byte) (Reply, error) {
	got, err := readPayload(r, d.Name(), payload)
	return Reply{Payload: got}, err
}

// ReadSignOnReply reads "OK <connection number>\n", which answers every known
// sign-on command of spec/target.md, and returns the number.
func ReadSignOnReply(r *bufio.Reader) (uint64, error) {
	const want = `"OK <connection number>\n"`
	var line []byte
	for {
		b, err := r.ReadByte()
		if err != nil {
			if len(line) > 0 && !bytes.HasPrefix([]byte("OK "), line[:min(3, len(line))]) {
				return 0, garbage("probe", want, line)
			}
			return 0, inReply(err, len(line), "probe")
		}
		if b == '\n' {
			break
		}
		if line = append(line, b); len(line) > len("OK 18446744073709551615") {
			return 0, garbage("probe", want, line)
		}
	}
	digits, ok := bytes.CutPrefix(line, []byte("OK "))
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if !ok || err != nil {
		return 0, garbage("probe", want, append(line, '\n'))
	}
	return n, nil
}
