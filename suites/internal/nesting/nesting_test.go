package nesting

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml/parser"
)

func indented(levels int, line string) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + line + "\n")
	}
	return b.String()
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%d: 1\n", i)
	}
	return b.String()
}

func laughs(levels int) string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range levels {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 9))
	}
	return text
}

func TestTooMuch(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
		says string
	}{
		"lists":         {"request: " + strings.Repeat("[", 100_000), 1, "nested"},
		"mappings":      {"request:\n  " + strings.Repeat("{", 100_000), 2, "nested"},
		"both":          {"request: " + strings.Repeat("[{a: ", 1000), 1, "nested"},
		"dashes":        {"name: x\nrequest:\n" + strings.Repeat("- ", 500_000), 3, "nested"},
		"question":      {strings.Repeat("? ", 500_000), 1, "nested"},
		"keys in a row": {strings.Repeat("a: ", 300_000), 1, "nested"},
		"indentation":   {indented(1000, "a:"), 101, "nested"},
		"lines of them": {indented(1000, "- "), 101, "nested"},
		"keys":          {numbered(80_000), 6667, "words and signs"},
		"entries":       {strings.Repeat("-\n", 500_000), 20001, "words and signs"},
		"flat":          {"a: [" + strings.Repeat("1,", 500_000), 1, "words and signs"},
		"directives":    {strings.Repeat("%a\n", 300_000), 10001, "words and signs"},
		"laughs":        {laughs(20), 13, "aliases"},
		"a few laughs":  {"name: x\n" + laughs(10), 12, "*a9 stands within"},
		"itself":        {"name: x\nstart: &a [x, *a]\n", 2, "*a stands within"},
		"merged":        {"name: x\nenv: &a\n  <<: *a\n", 3, "*a stands within"},
		"long":          {strings.Repeat("#\n", 1<<19+1), 1, "longer than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			var wrong *Error
			if err := Check([]byte(c.text)); !errors.As(err, &wrong) || wrong.Line != c.line || !strings.Contains(wrong.Message, c.says) {
				t.Errorf("%v; want line %d and %q", err, c.line, c.says)
			}
		})
	}
}

// What passes is what the parser is fast with.
func TestNotTooMuch(t *testing.T) {
	const within = 30 * time.Second // a busy machine; what is refused takes hours
	texts := map[string]string{
		"nested":       "a: " + strings.Repeat("[", Deepest-1) + strings.Repeat("]", Deepest-1),
		"side by side": "a: [" + strings.Repeat("[], ", 1000) + "]",
		"in quotes":    "a: \"" + strings.Repeat("[", 100_000) + "\"\nb: '" + strings.Repeat("{- ", 100_000) + "'\n",
		"in comments":  "# " + strings.Repeat("[", 100_000) + "\na: 1\n",
		"in a block":   "a: |\n" + strings.Repeat("  [[[[ - - -\n", 1000),
		"quoted":       "a: \"" + strings.Repeat("x", 1<<20-10) + "\"",
		"unended":      "a: \"" + strings.Repeat("x", 1<<20-10),
		"escapes":      "a: \"" + strings.Repeat("\\n", 1<<19-10) + "\"",
		"most keys":    numbered(Most / 3),
		"blank":        "a: 1" + strings.Repeat("\n", 1<<20-10),
		"spaces":       "a: " + strings.Repeat(" ", 1<<20-10) + "1",
		"plain":        "a: " + strings.Repeat("x ", 1<<19-10),
		"plain lines":  "a: x\n" + strings.Repeat("  x\n", 1<<18-10),
		"literal":      "a: |\n" + strings.Repeat("  x\n", 1<<18-10),
		"colons":       "a: " + strings.Repeat(":", 1<<20-10),
		"anchors":      "a: " + strings.Repeat("&a ", Most/3) + "1",
		"tags":         "a: " + strings.Repeat("!a ", Most/3) + "1",
		"no end":       "a: " + strings.Repeat("]", Most-3),
		"in flow":      "a: [" + strings.Repeat("a: ", Most/3),
		"asked":        "a: [" + strings.Repeat("? ", Most/2),
	}
	for _, dir := range []string{"targets", "dialects"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", dir, "*.yaml"))
		if err != nil || len(files) == 0 && dir == "targets" {
			t.Fatalf("%v: %v", files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if err := Check([]byte(text)); err != nil {
				t.Fatal(err)
			}
			checked := time.Since(began)
			func() {
				defer func() { _ = recover() }() // the parser panics on some texts that are nearly YAML
				_, _ = parser.ParseBytes([]byte(text), 0)
			}()
			if took := time.Since(began); took > within {
				t.Errorf("%v, of which the check took %v", took, checked)
			} else if took > time.Second {
				t.Logf("%v, of which the check took %v", took, checked)
			}
		})
	}
}
