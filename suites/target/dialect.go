package target

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
)

// Speak has the file name a dialect: one that is built in or ships, or the path of
// a dialect file, which is told by its slash or its ending and is relative to
// dir.
func (f *File) Speak(name, dir string) error {
	if !isPath(name) {
		f.Dialect = name
		return nil
	}
	path := name
	if !filepath.IsAbs(path) && dir != "." {
		path = filepath.Join(dir, path)
	}
	d, err := dialect.LoadDescribed(path)
	if err != nil {
		return err
	}
	f.Dialect, f.Speaks, f.DialectFile = d.Name(), d, path
	return nil
}

func isPath(name string) bool {
	return strings.Contains(name, "/") || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// Page says what the target promises, by speaking its dialect and of its own accord,
// and what it is released from; known is false for a dialect that nobody knows.
func (f File) Page() (page spec.Dialect, known bool) {
	if page, known = spec.LookupDialect(f.Dialect); f.Speaks != nil {
		page, known = spec.Describe(f.Speaks.Name(), dialect.Capabilities(f.Speaks)...), true
	}
	if f.TLS != nil {
		page = page.OverTLS()
	}
	return f.promising(page), known
}

// promising adds the target's own promises to the page of its dialect.
func (f File) promising(page spec.Dialect) spec.Dialect {
	var ids []string
	for _, id := range f.Promises {
		if id != AllClauses {
			ids = append(ids, id)
			continue
		}
		for _, clause := range spec.Clauses() {
			if _, released := page.Released[clause.ID]; !released {
				ids = append(ids, clause.ID)
			}
		}
	}
	if len(ids) == 0 {
		return page
	}
	return page.Bound(ids, "the target's own promise")
}

// decode reads the YAML of a target file. The decoder panics on some texts that
// are nearly YAML (v1.19.2: a tag followed by digits and words); that is the
// text's fault here.
func decode(text []byte, path string, file *File) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("is not YAML that can be read: %v", reason)
		}
	}()
	if err := dialect.Readable(text, path); err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.DisallowUnknownField(), yaml.Strict())
	root, described := described(text)
	if described == nil {
		return decoder.Decode(file)
	}
	d, err := dialect.DescribeNode(described.Value, path, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	if err != nil {
		return err
	}
	// What is left is a file that names its dialect.
	described.Value = &ast.StringNode{BaseNode: &ast.BaseNode{}, Token: described.Key.GetToken(), Value: d.Name()}
	if err := decoder.DecodeFromNode(root, file); err != nil {
		return err
	}
	file.Speaks = d
	return nil
}

// described finds a dialect that the text describes; nil where it names one, or
// where the text is none that can be read: the decoder says why.
func described(text []byte) (root ast.Node, at *ast.MappingValueNode) {
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil || len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		return nil, nil
	}
	root = parsed.Docs[0].Body
	mapping, ok := root.(*ast.MappingNode)
	if !ok {
		return nil, nil
	}
	i := slices.IndexFunc(mapping.Values, func(v *ast.MappingValueNode) bool {
		key, ok := v.Key.(*ast.StringNode)
		return ok && key.Value == "dialect"
	})
	if i < 0 {
		return nil, nil
	}
	switch at = mapping.Values[i]; at.Value.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return root, at
	}
	return nil, nil
}

// located reports whether an error names the dialect's file already.
func located(err error) bool {
	return errors.As(err, new(*dialect.FileError)) || errors.As(err, new(*dialect.OpenError))
}
