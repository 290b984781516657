package dialect

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/reactorspec/reactorspec/suites/internal/nesting"
)

// FileError is a mistake in a dialect file or a target file.
type FileError struct {
	File    string
	Line    int // from 1
	Message string
}

func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message) }

// OpenError is a dialect file that cannot be read.
type OpenError struct{ Cause error }

func (e *OpenError) Error() string { return "dialect file: " + e.Cause.Error() }
func (e *OpenError) Unwrap() error { return e.Cause }

// maxFile bounds a dialect file, in bytes.
const maxFile = nesting.Longest

// LoadDescribed reads a dialect file.
func LoadDescribed(path string) (*Described, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &OpenError{err}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, &OpenError{err}
	}
	return ReadDescribed(text, path)
}

// ReadDescribed is LoadDescribed of a text; file is what errors call it. The
// description may be the whole text, or stand below the key dialect.
func ReadDescribed(text []byte, file string) (*Described, error) {
	root, err := parseYAML(text, file)
	if err != nil {
		return nil, err
	}
	if inner := member(root, "dialect"); inner != nil {
		root = inner
	}
	base := filepath.Base(file)
	return DescribeNode(root, file, strings.TrimSuffix(strings.TrimSuffix(base, ".yaml"), ".yml"))
}

// Readable refuses a text that is too long, or too deep, for the parser of YAML: the error
// is a *FileError.
func Readable(text []byte, file string) error {
	var much *nesting.Error
	if errors.As(nesting.Check(text), &much) {
		return &FileError{file, much.Line, much.Message}
	}
	return nil
}

// Located is an error of the parser of YAML with its line named as in all our errors; nil
// for one that has no place.
func Located(err error, file string) *FileError {
	var located yaml.Error
	if !errors.As(err, &located) {
		return nil
	}
	t := located.GetToken()
	if t == nil || t.Position == nil {
		return nil
	}
	message, _, _ := strings.Cut(located.GetMessage(), "\n")
	return &FileError{file, max(t.Position.Line, 1), message}
}

// parseYAML parses a text of one document. The parser panics on some texts that
// are nearly YAML, which is the text's fault here.
func parseYAML(text []byte, file string) (root ast.Node, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = &FileError{file, 1, fmt.Sprintf("is not YAML that can be read: %v", reason)}
		}
	}()
	if err := Readable(text, file); err != nil {
		return nil, err
	}
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		if located := Located(err, file); located != nil {
			return nil, located
		}
		message, _, _ := strings.Cut(err.Error(), "\n")
		return nil, &FileError{file, 1, message}
	}
	if len(parsed.Docs) == 0 || parsed.Docs[0] == nil || parsed.Docs[0].Body == nil {
		return nil, &FileError{file, 1, "is empty: a dialect needs request and reply"}
	}
	return parsed.Docs[0].Body, nil
}

// member is the value of a key of a mapping, nil where there is none.
func member(n ast.Node, name string) ast.Node {
	for _, v := range entries(n) {
		if keyName(v) == name {
			return v.Value
		}
	}
	return nil
}

func entries(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func keyName(v *ast.MappingValueNode) string {
	if s, ok := v.Key.(*ast.StringNode); ok {
		return s.Value
	}
	return v.Key.String()
}

// DescribeNode reads a description that is part of a larger YAML text. name is
// used where it has none.
func DescribeNode(root ast.Node, file, name string) (d *Described, err error) {
	r := &describer{file: file, d: &Described{name: name}}
	defer func() {
		if raised := recover(); raised != nil {
			fault, ours := raised.(*FileError)
			if !ours {
				panic(raised)
			}
			d, err = nil, fault
		}
	}()
	r.dialect(root)
	return r.d, nil
}

// describer reads a description; a mistake ends it by a panic with a *FileError.
type describer struct {
	file string
	d    *Described
}

func (r *describer) fail(n ast.Node, format string, args ...any) {
	panic(&FileError{r.file, lineOf(n), strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")})
}

// where is the place of a value, as errors name it.
func (r *describer) where(n ast.Node) string { return fmt.Sprintf("%s:%d", r.file, lineOf(n)) }

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return max(t.Position.Line, 1)
	}
	return 1
}

// mapping reads the keys of one mapping, by the table; each has its say.
func (r *describer) mapping(in string, n ast.Node, each func(k key, at *ast.MappingValueNode)) map[string]ast.Node {
	list := entries(n)
	if list == nil {
		r.fail(n, "a %s is a mapping of keys such as %s: write `%s: …`", in, firstKey(in), firstKey(in))
	}
	seen := map[string]ast.Node{}
	for _, v := range list {
		name := keyName(v)
		k, what, found := keyOf(in, name)
		if !found {
			r.fail(v.Key, "unknown key %q in a %s: %s", name, in, what)
		}
		if seen[name] != nil {
			r.fail(v.Key, "the key %s stands twice", name)
		}
		seen[name] = v.Value
		each(k, v)
	}
	return seen
}

func firstKey(in string) string {
	return keys[slices.IndexFunc(keys, func(k key) bool { return k.in == in })].name
}

func (r *describer) dialect(root ast.Node) {
	d := r.d
	var bounds [2]int
	seen := r.mapping("dialect", root, func(k key, at *ast.MappingValueNode) {
		switch v := at.Value; k.name {
		case "name":
			d.name = r.word(k, v)
		case "about":
			d.about = r.text(k, v)
		case "open":
			d.opening = r.steps(v)
		case "request":
			d.request = r.template(k, v)
		case "reply":
			d.reply = r.frames(v)
		case "payload":
			bounds = r.bounds(v)
		case "pipelines":
			d.Pipelined = r.yes(k, v)
		case "half_close":
			d.HalfClosed = r.yes(k, v)
		case "requests_per_connection":
			d.PerConnection = r.number(k, v, 1)
		case "max_clients":
			d.Clients = r.number(k, v, 1)
		}
	})
	for _, name := range []string{"request", "reply"} {
		if seen[name] == nil {
			r.fail(root, "%s is missing: say what a client %s", name, map[string]string{"request": "sends", "reply": "gets"}[name])
		}
	}
	if len(d.request.parts) == 0 {
		r.fail(seen["request"], "request is empty: a server that answers without being asked has no dialect")
	}
	r.payload(seen, bounds)
	r.closing(seen)
}

// payload checks the bounds against the request and the reply.
func (r *describer) payload(seen map[string]ast.Node, bounds [2]int) {
	d, at := r.d, seen["payload"]
	switch {
	case d.request.carries() && at == nil:
		r.fail(seen["request"], "payload is missing: say how many bytes a request may carry, such as `payload: {min: 1, max: 1000}`")
	case !d.request.carries() && at != nil:
		r.fail(at, "the request has no {payload} or {hex}, so payload has nothing to bound: leave it out, and the dialect is a constant one")
	}
	d.Min, d.Max = bounds[0], bounds[1]
	if d.request.carries() {
		if err := d.request.overflow(d.Max); err != nil {
			r.fail(at, "%v", err)
		}
	}
	for _, f := range d.reply {
		for _, list := range [][]text{f.is, f.contains, f.until, f.skip} {
			for i := range list {
				list[i].hexed = d.request.has(hexPayload)
			}
		}
		for _, t := range slices.Concat(f.is, f.contains, f.until, f.skip) {
			if (t.carries() || t.has(lengthOf)) && d.Constant() {
				r.fail(seen["reply"], "%q has a payload, and the request has none", t.source)
			}
			if t.has(rawPayload) && f.line != nil {
				r.fail(seen["reply"], "%q: a payload may hold the bytes that end the line: say {hex}", t.source)
			}
			if err := t.overflow(d.Max); err != nil {
				r.fail(seen["reply"], "%q: %v", t.source, err)
			}
		}
	}
	for _, step := range d.opening {
		if step.read == nil {
			continue
		}
		for _, t := range slices.Concat(step.read.is, step.read.contains, step.read.until, step.read.skip) {
			if t.carries() || t.has(lengthOf) {
				r.fail(seen["open"], "%q has a payload, and nothing was asked yet", t.source)
			}
		}
	}
}

// closing checks what the end of the connection has a part in.
func (r *describer) closing(seen map[string]ast.Node) {
	d := r.d
	for i, f := range d.reply {
		if f.close && i < len(d.reply)-1 {
			r.fail(seen["reply"], "nothing comes after the end of the connection: let the frame with close be the last")
		}
	}
	for _, step := range d.opening {
		if step.read != nil && step.read.close {
			r.fail(seen["open"], "close in open: no request can follow it")
		}
	}
	if !d.closes() {
		return
	}
	switch {
	case d.PerConnection > 1:
		r.fail(seen["requests_per_connection"], "the end of the connection ends the reply, so a connection takes 1 request, not %d", d.PerConnection)
	case d.Pipelined:
		r.fail(seen["pipelines"], "the end of the connection ends the reply, so nothing can be sent after the first request: leave pipelines out")
	}
	d.PerConnection = 1
}
