package fuzz

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/markdown"
	"github.com/reactorspec/reactorspec/suites/target"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// reader is one kind of text that people write, and what must hold of its reader
// whatever they write.
type reader struct {
	texts [][]byte // good ones, and those that were once read wrongly
	words []string // what is put into them, beside bytes
	holds func(t rapid.TB, text []byte)
}

// check tries every text as it stands, and then drawn edits of them.
func (r reader) check(t *testing.T) {
	for _, text := range r.texts {
		r.holds(t, text)
	}
	rapid.Check(t, r.edits)
}

func (r reader) edits(t *rapid.T) {
	text := r.texts[place(t, len(r.texts)-1)]
	r.holds(t, edited(t, text, r.words...))
}

// pages is the parser of the spec, given a text as a family's page beside the
// real verdicts: it parses, or names file and line of every fault.
func pages(t testing.TB) reader {
	verdicts := documents(t, 0, "spec/verdicts.md")[0]
	return reader{
		texts: documents(t, 3000, "spec/*.md", "testdata/corpora/pages/*.md"),
		words: []string{"\n### WAKE-1\n\n", "\n## ", "MUST ", "SHOULD NOT ", "- Check: ", "- Needs: ", "untested ()", "Withdrawn.\n", "| ", "\n|---|---|\n", "```\n", "`", "<b>", "---\n"},
		holds: func(t rapid.TB, text []byte) {
			files := map[string]string{"wake.md": string(text), "verdicts.md": string(verdicts)}
			fsys := fstest.MapFS{}
			for name, content := range files {
				fsys[name] = &fstest.MapFile{Data: []byte(content), Mode: fs.ModePerm}
			}
			_, err := markdown.Parse(fsys)
			if err == nil {
				return
			}
			for _, fault := range err.(interface{ Unwrap() []error }).Unwrap() {
				var located *markdown.Error
				if !errors.As(fault, &located) {
					t.Fatalf("%v has no place", fault)
				}
				if content, ok := files[located.File]; !ok || located.Line < 1 || located.Line > strings.Count(content, "\n")+1 {
					t.Fatalf("%v is at no line of %s", fault, located.File)
				}
			}
		},
	}
}

func TestSpec(t *testing.T) { pages(t).check(t) }
func FuzzSpec(f *testing.F) { drawn(f, pages(f).edits) }

// targetFiles is the reader of target files.
func targetFiles(t testing.TB) reader {
	return reader{
		texts: documents(t, 0, "testdata/targets/*.yaml", "testdata/corpora/targets/*.yaml"),
		words: []string{"name: x\n", "dialect: echo\n", "class: reactor\n", "start: [./x, '{port}']\n", "ready_timeout: 1s\n", "expected:\n- clause: CONN-1\n  reason: r\n", "!", "&a ", "*a", "- ", "{", "[", "'", "|\n", ": "},
		holds: func(t rapid.TB, text []byte) {
			file, err := target.Read(strings.NewReader(string(text)), "x.yaml")
			if err != nil {
				if strings.Contains(err.Error(), "\n") || err.Error() == "" {
					t.Errorf("the error is not one line: %q", err)
				}
				return
			}
			if file.Name == "" || file.Dialect == "" {
				t.Errorf("a target without a name or a dialect was accepted: %q", text)
			}
			again, err := target.Read(strings.NewReader(string(text)), "x.yaml")
			if err != nil || !reflect.DeepEqual(file, again) {
				t.Errorf("read twice: %+v, then %+v, %v", file, again, err)
			}
		},
	}
}

func TestTargetFile(t *testing.T) { targetFiles(t).check(t) }
func FuzzTargetFile(f *testing.F) { drawn(f, targetFiles(f).edits) }

// transcripts is the reader of transcripts: what it accepts survives being written.
func transcripts(t testing.TB) reader {
	return reader{
		texts: documents(t, 0, "testdata/transcripts/*.txt", "testdata/corpora/transcripts/*.txt"),
		words: []string{"1 open\n", "2 open frames\n", "1 send 5 3\n", "1 call POST 7\n", "1 read all\n", "1 push all\n", "wait 5\n", "1 end\n", "seed 0x7\n", "clause CONN-1\n", "# note\n", "64 ", "65 "},
		holds: func(t rapid.TB, text []byte) {
			read, err := transcript.Parse("x", text)
			if err != nil {
				if !strings.HasPrefix(err.Error(), "x:") || strings.Contains(err.Error(), "\n") {
					t.Errorf("the error does not say where: %q", err)
				}
				return
			}
			again, err := transcript.Parse("x", read.Append(nil))
			if err != nil || !reflect.DeepEqual(again.Steps, read.Steps) {
				t.Errorf("%q does not survive writing: %v", text, err)
			}
		},
	}
}

func TestTranscript(t *testing.T) { transcripts(t).check(t) }
func FuzzTranscript(f *testing.F) { drawn(f, transcripts(f).edits) }
