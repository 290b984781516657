package report

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Clean makes text that a target had a hand in harmless on one line of any
// terminal or page: control characters (terminal escapes, line ends), characters
// that reorder or hide others (bidi, zero-width), and broken UTF-8 become
// visible escapes such as \x1b and \u202e. Cleaning twice is cleaning once.
// Markup is the views' own concern: each escapes for its format.
func Clean(text string) string {
	if harmless(text) {
		return text
	}
	var b strings.Builder
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[at])
		case shown(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		at += size
	}
	return b.String()
}

// CleanLines is Clean for text of several lines, which stay several lines; a
// tab becomes spaces and the end of a line loses its \r.
func CleanLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		lines[i] = Clean(strings.ReplaceAll(line, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

func harmless(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool { return !shown(r) }) < 0
}

// shown reports whether a character shows itself and nothing else. Graphic
// leaves out control and format characters, bidi marks among them; of the
// spaces only the common one is shown as it is.
func shown(r rune) bool {
	return r == ' ' || unicode.IsPrint(r)
}

// neutral is a copy of a part of the model with every string cleaned; what the
// tag clean:"lines" marks keeps its lines. All views start from it.
func neutral[T any](part T) T {
	copied := reflect.New(reflect.TypeFor[T]()).Elem()
	copied.Set(neutralValue(reflect.ValueOf(&part).Elem(), Clean))
	return copied.Interface().(T)
}

func neutralValue(v reflect.Value, clean func(string) string) reflect.Value {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		return v
	case v.Kind() == reflect.String:
		copied := reflect.New(v.Type()).Elem()
		copied.SetString(clean(v.String()))
		return copied
	case v.Kind() == reflect.Pointer && !v.IsNil():
		copied := reflect.New(v.Type().Elem())
		copied.Elem().Set(neutralValue(v.Elem(), clean))
		return copied
	case v.Kind() == reflect.Slice && !v.IsNil():
		copied := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			copied.Index(i).Set(neutralValue(v.Index(i), clean))
		}
		return copied
	case v.Kind() == reflect.Map && !v.IsNil():
		copied := reflect.MakeMap(v.Type())
		for key, value := range v.Seq2() {
			copied.SetMapIndex(neutralValue(key, clean), neutralValue(value, clean))
		}
		return copied
	case v.Kind() == reflect.Struct:
		copied := reflect.New(v.Type()).Elem()
		for i := range v.NumField() {
			clean := Clean
			if v.Type().Field(i).Tag.Get("clean") == "lines" {
				clean = CleanLines
			}
			copied.Field(i).Set(neutralValue(v.Field(i), clean))
		}
		return copied
	}
	return v
}
