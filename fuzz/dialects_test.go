package fuzz

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// dialectFiles is the reader of dialect files: a text is refused in one line that
// says where, or is a dialect that can ask and be answered.
func dialectFiles(t testing.TB) reader {
	return reader{
		texts: documents(t, 0, "testdata/corpora/dialects/*.yaml"),
		words: []string{"request: '{hex}'\n", "reply: {line: \"\\n\", is: x}\n", "payload: {max: 9}\n", "open:\n- send: x\n", "until: ", "skip: ", "contains: ", "{length 2}", "{rest}", "{any}", "{digits}", "{unique}",
			"{0x00}", "{payload}", "{{", "}}", "close: true", "size: 3", "header: '{length}\\n'", "tail: x", "plus: -3", "- ", "{", "[", "'", "!", "&a ", "*a"},
		holds: func(t rapid.TB, text []byte) {
			d, err := dialect.ReadDescribed(text, "x.yaml")
			if err != nil {
				if !strings.HasPrefix(err.Error(), "x.yaml:") || strings.Contains(err.Error(), "\n") {
					t.Errorf("the error does not say where, in one line: %q", err)
				}
				return
			}
			for _, n := range []int{d.MinPayload(), min(d.MaxPayload(), 3000)} {
				payload := make([]byte, max(n, d.MinPayload()))
				if len(d.Request(payload)) == 0 && !d.Constant() {
					t.Errorf("%q asks nothing", text)
				}
				d.Opening()
				example := d.Example(payload)
				if example == nil {
					continue
				}
				if _, left, err := readReply(d, iotest.OneByteReader(bytes.NewReader(example)), 16, payload); err != nil || len(left) > 0 {
					t.Errorf("%q reads its own example %q: %v, and leaves %q", text, example, err, left)
				}
			}
		},
	}
}

func TestDialectFile(t *testing.T) { dialectFiles(t).check(t) }
func FuzzDialectFile(f *testing.F) { drawn(f, dialectFiles(f).edits) }

// answers feeds a described dialect what servers could send, good and bad: it says
// the same however the bytes arrive, and takes none beyond the reply.
func answers(t *rapid.T) {
	cut := rapid.SampledFrom([]string{`line: "\n"`, `line: "\r\n"`, `line: ab`, `length: {size: 1}`, `length: {at: 1, size: 2, plus: 2}`, `length: {size: 3, order: little, plus: -1}`, `header: "n{length};"`,
		`header: "{any}:{length};", tail: "."`, `size: 3`, ``}).Draw(t, "cut")
	pattern := rapid.SampledFrom([]string{"x", "{any}x", "x{any 2}y", "{digits};", "a{hex}b", "{any}{hex}{any 1}", "{length 1}{hex}", "a{any}b{any}c"}).Draw(t, "pattern")
	extra := rapid.SampledFrom([]string{"", "", `, skip: "s{any}"`, `, until: "{any}z"`, `, contains: "{hex}"`}).Draw(t, "extra")
	frame := "{" + cut + `, is: "` + pattern + `"` + extra + "}"
	text := "request: 'q{hex}'\npayload: {min: 0, max: 50}\nreply: " + strings.Replace(frame, "{, ", "{", 1) + "\n"
	d, err := dialect.ReadDescribed([]byte(text), "x.yaml")
	if err != nil {
		return // not every combination is a frame
	}
	payload := rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "payload")
	wire := d.Example(payload)
	if wire == nil {
		wire = rapid.SliceOfN(rapid.SampledFrom([]byte("xabcyz;:.s017\x00\x01\x02\x03\n\r")), 0, 30).Draw(t, "wire")
	}
	wire = edited(t, wire, "x", "s\n", "z\n", "\x00\x00\x03", "n3;abc", "61")
	reply, left, err := readReply(d, bytes.NewReader(wire), 4096, payload)
	slow, slowLeft, slowErr := readReply(d, iotest.OneByteReader(bytes.NewReader(wire)), 16, payload)
	if (err == nil) != (slowErr == nil) || err == nil && !(bytes.Equal(reply, slow) && bytes.Equal(left, slowLeft)) {
		t.Errorf("%s: %q at once is %v, leaving %q, and byte by byte %v, leaving %q", text, wire, err, left, slowErr, slowLeft)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %q: the error is not one line: %q", text, wire, err)
	}
	if err == nil && !bytes.HasSuffix(wire, left) {
		t.Errorf("%s: %q leaves %q", text, wire, left)
	}
}

func TestAnswers(t *testing.T) { rapid.Check(t, answers) }
func FuzzAnswers(f *testing.F) { drawn(f, answers) }
