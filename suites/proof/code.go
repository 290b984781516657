package proof

import (
	"bytes"
	"go/scanner"
	"go/token"
	"path"
	"strings"
)

// code is what a compiler sees of a source file: its tokens, one a line. Of a
// language that is not known here it is the whole text.
func code(name string, text []byte) []byte {
	switch path.Ext(name) {
	case ".go":
		return goCode(text)
	case ".c", ".h":
		return cCode(text)
	}
	return text
}

// goCode keeps the directives among the comments, which bind the compiler too.
func goCode(text []byte) []byte {
	files := token.NewFileSet()
	var s scanner.Scanner
	s.Init(files.AddFile("", files.Base(), len(text)), text, nil, scanner.ScanComments)
	var b bytes.Buffer
	for {
		_, kind, literal := s.Scan()
		switch {
		case kind == token.EOF:
			return b.Bytes()
		case kind == token.COMMENT && !strings.HasPrefix(literal, "//go:"):
			continue
		case kind == token.SEMICOLON: // the one that a line's end stands for is no other
			literal = ";"
		case literal == "":
			literal = kind.String()
		}
		b.WriteString(literal)
		b.WriteByte('\n')
	}
}

// cCode drops comments, puts a blank in their place, and drops blanks at the
// ends of lines and lines that are empty.
func cCode(text []byte) []byte {
	var b bytes.Buffer
	for i := 0; i < len(text); {
		end := i + 1
		switch rest := text[i:]; {
		case bytes.HasPrefix(rest, []byte("//")):
			end = i + until(rest, "\n", 0)
			b.WriteByte(' ')
		case bytes.HasPrefix(rest, []byte("/*")):
			end = min(i+until(rest, "*/", 2)+2, len(text))
			b.WriteByte(' ')
		case rest[0] == '"' || rest[0] == '\'':
			for end < len(text) && text[end] != rest[0] {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(text))
			b.Write(text[i:end])
		default:
			b.WriteByte(rest[0])
		}
		i = end
	}
	var lines bytes.Buffer
	for line := range bytes.Lines(b.Bytes()) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines.Write(line)
			lines.WriteByte('\n')
		}
	}
	return lines.Bytes()
}

// until is where the mark stands in text from an offset on, or the text's end.
func until(text []byte, mark string, from int) int {
	if i := bytes.Index(text[from:], []byte(mark)); i >= 0 {
		return from + i
	}
	return len(text)
}
