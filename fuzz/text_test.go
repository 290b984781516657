package fuzz

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// FuzzReplies feeds any bytes to every dialect's reader of replies: it gives back what was
// asked for or an error, takes no byte beyond the reply, and says the same
// however the bytes arrive.
func FuzzReplies(f *testing.F) {
	f.Add([]byte("$2\r\nhi\r\n+rest"), []byte("hi"))
	f.Add([]byte("STORED\r\nVALUE k 0 2\r\nhi\r\nEND\r\n"), []byte("hi"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n6869"), []byte("hi"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n6869\r\n0\r\n\r\n"), []byte("hi"))
	f.Add([]byte("hi"), []byte("hi"))
	f.Fuzz(func(t *testing.T, wire, payload []byte) {
		if len(payload) > 1000 {
			return
		}
		for _, name := range dialect.Names() {
			d, err := dialect.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(payload) < d.MinPayload() || len(payload) > d.MaxPayload() {
				continue
			}
			whole := bytes.NewReader(wire)
			got, err := d.ReadReply(bufio.NewReader(whole), payload)
			if err == nil && !bytes.Equal(got, payload) {
				t.Errorf("%s takes %q for %q", name, got, payload)
			}
			pieces := bufio.NewReaderSize(oneByOne{bytes.NewReader(wire)}, 16)
			slow, slowErr := d.ReadReply(pieces, payload)
			if (err == nil) != (slowErr == nil) || err == nil && !bytes.Equal(got, slow) {
				t.Errorf("%s: %q at once is %q, %v, and byte by byte %q, %v", name, wire, got, err, slow, slowErr)
			}
			var wrong *dialect.ReplyError
			if errors.As(err, &wrong) && (wrong.Want == "" || wrong.Got == "") {
				t.Errorf("%s: %v does not say what was wanted and what came", name, err)
			}
		}
	})
}

// oneByOne reads a byte at a time.
type oneByOne struct{ r *bytes.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// FuzzSpec feeds any text to the parser of the spec, as a family's page beside
// the real ones: it parses, or names file and line of every fault.
func FuzzSpec(f *testing.F) {
	pages, err := filepath.Glob("../spec/*.md")
	if err != nil || len(pages) < 10 {
		f.Fatalf("the spec's pages: %d, %v", len(pages), err)
	}
	verdicts, err := os.ReadFile("../spec/verdicts.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text[:min(len(text), 3000)]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := map[string]string{"wake.md": text, "verdicts.md": string(verdicts)}
		fsys := fstest.MapFS{}
		for name, content := range files {
			fsys[name] = &fstest.MapFile{Data: []byte(content), Mode: fs.ModePerm}
		}
		_, err := spec.Parse(fsys)
		if err == nil {
			return
		}
		for _, fault := range err.(interface{ Unwrap() []error }).Unwrap() {
			var located *spec.Error
			if !errors.As(fault, &located) {
				t.Fatalf("%v has no place", fault)
			}
			if content, ok := files[located.File]; !ok || located.Line < 1 || located.Line > strings.Count(content, "\n")+1 {
				t.Fatalf("%v is at no line of %s", fault, located.File)
			}
		}
	})
}

// FuzzTargetFile feeds any text to the reader of target files.
func FuzzTargetFile(f *testing.F) {
	pages, err := filepath.Glob("../testdata/targets/*.yaml")
	if err != nil || len(pages) == 0 {
		f.Fatalf("the target files: %d, %v", len(pages), err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("name: x\ndialect: echo\nstart: [./x, '{port}']\nready_timeout: 1s\nexpected:\n- clause: CONN-1\n  reason: r\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := target.Read(strings.NewReader(text), "x.yaml")
		if err != nil {
			if strings.Contains(err.Error(), "\n") || err.Error() == "" {
				t.Errorf("the error is not one line: %q", err)
			}
			return
		}
		if file.Name == "" || file.Dialect == "" {
			t.Errorf("a target without a name or a dialect was accepted: %q", text)
		}
		again, err := target.Read(strings.NewReader(text), "x.yaml")
		if err != nil || !reflect.DeepEqual(file, again) {
			t.Errorf("read twice: %+v, then %+v, %v", file, again, err)
		}
	})
}

// FuzzTranscript feeds any text to the reader of transcripts: what it accepts
// survives being written.
func FuzzTranscript(f *testing.F) {
	f.Add("reactorspec transcript 1\nclause CONN-22\n1 open\n1 send 5 3\nwait 5\n1 end\n")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := transcript.Parse("x", []byte(text))
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
	})
}
