package target

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// tailBytes is what is kept of an output stream; the rest is read and
	// dropped, so that a target that floods neither blocks nor fills memory.
	tailBytes = 64 << 10
	// tailLines and lineWidth bound what reports show of it.
	tailLines = 20
	lineWidth = 300 // characters
)

// output keeps the end of what a target prints. It is a ring, written by the
// goroutine that drains the pipe and read by anybody.
type output struct {
	mu    sync.Mutex
	ring  [tailBytes]byte
	total int64         // bytes ever written
	held  chan struct{} // nil: it is read as it comes; closed once it is read again
}

// drain reads r to its end.
func (o *output) drain(r io.Reader) {
	buf := make([]byte, 16<<10)
	for {
		o.awaitReading()
		n, err := r.Read(buf)
		o.write(buf[:n])
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) { // hold's
			return
		}
	}
}

func (o *output) write(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(b) > 0 {
		n := copy(o.ring[o.total%tailBytes:], b)
		o.total += int64(n)
		b = b[n:]
	}
}

// tail returns the last lines, sanitised, and whether anything came before them.
func (o *output) tail() string {
	o.mu.Lock()
	kept := min(o.total, tailBytes)
	text := make([]byte, 0, kept)
	at := (o.total - kept) % tailBytes
	text = append(text, o.ring[at:min(at+kept, tailBytes)]...)
	text = append(text, o.ring[:kept-int64(len(text))]...)
	cut := o.total - kept
	o.mu.Unlock()

	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if cut > 0 && len(lines) > 1 {
		lines = lines[1:] // its head is lost
	}
	more := cut > 0
	if len(lines) > tailLines {
		lines, more = lines[len(lines)-tailLines:], true
	}
	for i, line := range lines {
		lines[i] = Sanitise(line)
	}
	joined := strings.Join(lines, "\n")
	if more {
		return "…\n" + joined
	}
	return joined
}

// since returns what was printed behind the first so many bytes, as far as it is kept,
// and how many there are now.
func (o *output) since(n int64) (text []byte, total int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = max(n, o.total-tailBytes)
	for ; n < o.total; n = min(o.total, n-n%tailBytes+tailBytes) {
		at := n % tailBytes
		text = append(text, o.ring[at:min(at+o.total-n, tailBytes)]...)
	}
	return text, o.total
}

// Sanitise makes one line of foreign text safe to show: terminal escapes,
// control characters, direction overrides and broken UTF-8 become visible
// escapes, and a long line is cut. Markup is left to the report that needs it
// escaped.
func Sanitise(line string) string {
	line = strings.TrimSuffix(line, "\r")
	var b strings.Builder
	width := 0
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		if width++; width > lineWidth {
			b.WriteString("…")
			break
		}
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, line[i])
		case r == '\t':
			b.WriteString("    ")
		case unicode.IsGraphic(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}
