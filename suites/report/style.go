package report

import (
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// style is how text is laid out. The zero style is plain text for files: no
// colour, and no line broken.
type style struct {
	width  int    // columns to fit, 0: no limit
	colour bool   // SGR colours
	rest   string // where the steps stand that a block leaves out, such as "are in run.json"
}

// styleOf is the style for w: a terminal's width and colours, or plain text.
// NO_COLOR in the environment takes the colours away (https://no-color.org).
func styleOf(w any) style {
	file, isFile := w.(*os.File)
	if !isFile || !drawable(file) {
		return style{}
	}
	s := style{colour: os.Getenv("NO_COLOR") == ""}
	s.width, _, _ = window(file)
	return s
}

// drawable reports whether a file is a terminal with room and a cursor: a
// pseudo-terminal without a size, as CI services give, has none.
func drawable(file *os.File) bool {
	if !isatty.IsTerminal(file.Fd()) || os.Getenv("TERM") == "dumb" {
		return false
	}
	columns, rows, ok := window(file)
	return ok && rows > 1 && columns > 20
}

// paint colours text by SGR parameters.
func (s style) paint(parameters, text string) string {
	if !s.colour || parameters == "" || text == "" {
		return text
	}
	return "\x1b[" + parameters + "m" + text + "\x1b[0m"
}

// wrap breaks text at its spaces so that lines fit the width behind an indent of
// so many columns. A word is never broken, however long.
func (s style) wrap(text string, indent int) []string {
	room := s.width - indent
	if s.width == 0 || room < minimalRoom || utf8.RuneCountInString(text) <= room {
		return []string{text}
	}
	var lines []string
	line, columns := "", 0
	for _, word := range strings.Split(text, " ") {
		length := utf8.RuneCountInString(word)
		switch {
		case line == "" && columns == 0:
			line, columns = word, length
		case columns+1+length <= room:
			line, columns = line+" "+word, columns+1+length
		default:
			lines = append(lines, line)
			line, columns = word, length
		}
	}
	return append(lines, line)
}

// minimalRoom is the room below which wrapping would make things worse.
const minimalRoom = 16

// shorten cuts a text at a word to so many characters; a single word that is
// longer is cut where it has to be.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	cut := string([]rune(text)[:most-1])
	if space := strings.LastIndexByte(cut, ' '); space > len(cut)/2 {
		cut = cut[:space]
	}
	return strings.TrimRight(cut, ",;: ") + "…"
}
