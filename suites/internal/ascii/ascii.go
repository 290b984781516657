// Package ascii writes bytes so that a reader can lay them beside their hexadecimal
// form: each byte for itself, whatever characters some of them would make together.
package ascii

import (
	"fmt"
	"strings"
)

// Quote is data in double quotes: printable ASCII as it is, the ends of lines and the
// tab as \n, \r and \t, and every other byte as \xNN. Go reads it as a string, and so
// does Python as bytes.
func Quote(data []byte) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range data {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
