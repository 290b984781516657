package dialect

import (
	"fmt"
	"net/http"
)

// Unknown is the nth of some requests that no server knows, so that it refuses them: a
// path that is not there, a command that nobody has heard of. What it says to that is its
// own affair, and so is whether the connection goes on; it serves the next client as
// before. Nil where the dialect has no such request.
func Unknown(d Dialect, n int) []byte {
	if u, ok := d.(interface{ unknown(n int) []byte }); ok {
		return u.unknown(n)
	}
	return nil
}

func (w within) unknown(n int) []byte { return Unknown(w.Dialect, n) }

// unknown: RFC 9110 sections 15.5.5 (a path that is not there) and 15.6.2 (a method that
// nobody has heard of).
func (d http1) unknown(n int) []byte {
	if n%2 == 0 {
		return fmt.Appendf(nil, "%s %s HTTP/1.1\r\n%s\r\n", http.MethodGet, d.missing(), d.header)
	}
	return fmt.Appendf(nil, "REACTORSPEC %s HTTP/1.1\r\n%s\r\n", d.target, d.header)
}

// unknown: protocol specification, simple errors.
func (resp) unknown(int) []byte { return []byte("*1\r\n$11\r\nREACTORSPEC\r\n") }

// unknown: protocol.txt, error strings: ERROR means a command that does not exist.
func (memcache) unknown(int) []byte { return []byte("reactorspec\r\n") }
