package target

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Recorded is the text of a target file at path that says what f does: which spec
// binds the target, and which failures are expected, above all. head, lines of
// comment, stands on top. Where f was read from a file, which has to be in the same
// directory, the text is that file's, comments and all, but for what is written anew:
// entries that stay are as they were written, with the comments above them. Without a Spec all clauses go on binding it.
func (f File) Recorded(path, head string) ([]byte, error) {
	text, err := f.unpinned(path, head)
	if err != nil {
		return nil, err
	}
	if f.Spec != "" {
		text = fmt.Appendf(text, "spec: %q\n", f.Spec)
	}
	if len(f.Promises) > 0 {
		text = fmt.Appendf(text, "promises: [%s]\n", strings.Join(f.Promises, ", "))
	}
	old := entriesOf(f.Path)
	if len(f.Expected) > 0 {
		text = append(text, old.head+"\n"...)
	}
	for _, e := range f.Expected {
		if as, unchanged := old.of(e); unchanged {
			text = append(text, as...)
			continue
		}
		text = fmt.Appendf(text, "%s- clause: %s\n%[1]s  reason: %[3]s\n", old.indent, e.Clause, quoted(e.Reason))
		if e.Link != "" {
			text = fmt.Appendf(text, "%s  link: %s\n", old.indent, quoted(e.Link))
		}
		text = fmt.Appendf(text, "%s  frequency: %s\n", old.indent, e.Frequency)
	}
	// What was written must be what will be read.
	read, err := Read(strings.NewReader(string(text)), path)
	if err != nil {
		return nil, fmt.Errorf("%s: what would be written cannot be read: %w", path, err)
	}
	if read.Spec != f.Spec || !slices.Equal(read.Promises, f.Promises) || !reflect.DeepEqual(read.Expected, f.Expected) || !reflect.DeepEqual(read.Start, f.Start) {
		return nil, fmt.Errorf("%s: spec:, promises: and expected: cannot be replaced in it: put each at the start of a line", path)
	}
	return text, nil
}

// quoted is a text as YAML reads it, in the double quotes that it shares with JSON.
func quoted(text string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// pins are the keys that Recorded writes, with all that belongs to them: lines that
// are indented, begin a list or are empty.
var pins = regexp.MustCompile(`(?m)^(?:spec|promises|expected)[ \t]*:.*\n?(?:^(?:[ \t-].*|)(?:\n|\z))*`)

// unpinned is the text without these keys.
func (f File) unpinned(path, head string) ([]byte, error) {
	if f.Path == "" {
		return f.described(path, head)
	}
	if same, err := sameDirectory(f.Path, path); err != nil {
		return nil, err
	} else if !same {
		return nil, fmt.Errorf("%s is not in the directory of %s, from which its paths start: record there", path, f.Path)
	}
	old, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(pins.ReplaceAllString(string(old), ""), " \t\n")
	return []byte(text + "\n"), nil
}

func sameDirectory(a, b string) (bool, error) {
	one, err := filepath.Abs(filepath.Dir(a))
	other, wrong := filepath.Abs(filepath.Dir(b))
	return one == other, errors.Join(err, wrong)
}

// described is the text of a target that no file describes. What is relative to the
// working directory becomes relative to the file's.
func (f File) described(path, head string) ([]byte, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	from, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	relative := func(name string) string {
		if name == "" || filepath.IsAbs(name) || strings.HasPrefix(name, "{scratch}") {
			return name
		}
		if moved, err := filepath.Rel(from, filepath.Join(here, name)); err == nil {
			return moved
		}
		return filepath.Join(here, name)
	}
	f.Spec, f.Expected = "", nil
	if f.Dir = relative("."); f.Dir == "." {
		f.Dir = ""
	}
	if f.DialectFile != "" {
		f.Dialect = relative(f.DialectFile)
		if !strings.Contains(f.Dialect, "/") {
			f.Dialect = "./" + f.Dialect
		}
	}
	if f.TLS != nil {
		moved := *f.TLS
		moved.CA = relative(moved.CA)
		f.TLS = &moved
	}
	text, err := yaml.MarshalWithOptions(f, yaml.OmitEmpty())
	text = bytes.Replace(text, []byte("\npayload: {}\n"), []byte("\n"), 1) // it says nothing
	return append([]byte(head), text...), err
}
