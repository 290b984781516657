package dialect

import (
	"bytes"
	"fmt"
)

// Unended is the beginning of a request that does not end, however many letters follow it:
// a line without its line end. Where there is an opening, that comes before it; for probe
// it is the sign-on itself. Nil where no request of the dialect is a line.
func Unended(d Dialect) []byte {
	if u, ok := d.(interface{ unended() []byte }); ok {
		return u.unended()
	}
	return nil
}

func (w within) unended() []byte { return Unended(w.Dialect) }

// unended: a field line of the header (RFC 9112 section 5).
func (d http1) unended() []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\n%sX-Reactorspec: ", d.method, d.target, d.header)
}

func (probeEcho) unended() []byte { return []byte("ECHO") }

// unended: an inline command.
func (resp) unended() []byte { return []byte("ECHO ") }

// unended: a command line.
func (memcache) unended() []byte { return []byte("set ") }

// unended: a request that is one line.
func (d *Described) unended() []byte {
	line := d.Request(make([]byte, d.MinPayload()))
	body, ends := bytes.CutSuffix(line, []byte("\n"))
	if !ends || bytes.ContainsRune(body, '\n') {
		return nil
	}
	return bytes.TrimSuffix(body, []byte("\r"))
}
