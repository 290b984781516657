package markdown

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// parsingNeverPanics feeds pages that are nearly right. Whatever comes, Parse
// returns a spec or faults that all have a file and a line, and says the same twice.
func parsingNeverPanics(t *rapid.T) {
	pieces := rapid.SampledFrom([]string{
		"# CONN: Bytes\n\n", "Introduction.\n\n", "## Group\n\n", "### CONN-1\n\n", "### CONN-2\n\n", "###\n\n", "#\n", "A server MUST wait.\n\n", "A server SHOULD NOT MAY.\n\n",
		"Withdrawn.\n\n", "- Intent: x\n", "- Check: deterministic\n", "- Check: untested ()\n", "- Vantage: wire\n", "- Classes: all\n", "- Source: S4\n", "- Rests on: 1, 2\n", "- Rests on: ,\n", "-\n", "- :\n", "  - nested\n",
		"| clause | promised by |\n|---|---|\n", "| CONN-1 | x |\n", "| |\n", "| class | core set |\n|---|---|\n", "| reactor | CONN-1 |\n", "```\ncode\n```\n\n", "> quote\n\n", "<b>html</b>\n\n",
		"1. one\n", "\n", " ", "\t", "\x00", "\xff", "---\n", "[a]: b\n", "`", "*",
	})
	page := func(name string) string {
		return strings.Join(rapid.SliceOfN(pieces, 0, 25).Draw(t, name), "")
	}
	files := map[string]string{"conn.md": page("conn"), "verdicts.md": page("verdicts"), "dialects/echo.md": page("echo")}
	parsed, err := parse(files)
	again, errAgain := parse(files)
	if (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
		t.Fatalf("parsed twice: %v, then %v", err, errAgain)
	}
	if err == nil {
		if len(parsed.Clauses()) != len(again.Clauses()) {
			t.Fatal("parsed twice, the clauses differ")
		}
		return
	}
	for _, fault := range err.(interface{ Unwrap() []error }).Unwrap() {
		var located *Error
		if !errors.As(fault, &located) {
			t.Fatalf("%v has no place", fault)
		}
		if lines := strings.Count(files[located.File], "\n") + 1; located.Line < 1 || located.Line > lines {
			t.Fatalf("%v is beyond the %d lines of its file", fault, lines)
		}
	}
}

func TestParsingNeverPanics(t *testing.T) { rapid.Check(t, parsingNeverPanics) }

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, 4<<10)) // the least of every draw; more below testdata/fuzz
	f.Fuzz(rapid.MakeFuzz(parsingNeverPanics))
}
