// Package markdown reads the pages of the spec: one file a family, the core sets, and
// what each dialect promises. Package spec embeds what it reads, so that only tests
// and go generate need it. There is no compatibility promise.
package markdown

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/reactorspec/reactorspec/spec"
)

// The pages that are no family.
const (
	targetPage   = "target.md"
	verdictsPage = "verdicts.md"
	sourcesPage  = "sources.md"
	dialectsDir  = "dialects"
	commonName   = "common" // the page in dialectsDir that binds all
)

// prosePages explain, and declare nothing.
var prosePages = []string{sourcesPage, "ci.md", "dialect-files.md", "fuzzing.md", "go-test.md", "story.md", "target-file.md", "transport.md", "versions.md"}

// Error is one fault of the spec's text.
type Error struct {
	File    string // below the spec's root
	Line    int    // from 1
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("spec/%s:%d: %s", e.File, e.Line, e.Message) }

// Parse reads a specification: one file a family, verdicts.md with the core
// sets, and dialects/*.md. It is strict, and reports every fault it finds, each
// an *Error in a joined error, ordered by file and line.
func Parse(fsys fs.FS) (*spec.Spec, error) {
	d, err := read(fsys)
	if err != nil {
		return nil, err
	}
	return spec.New(d), nil
}

// read is Parse up to what the pages declare.
func read(fsys fs.FS) (spec.Declared, error) {
	p := &parser{fsys: fsys, clauses: make(map[string]spec.Clause), declared: spec.Declared{
		Core:        make(map[spec.Class][]string),
		Abilities:   make(map[string]map[string]string),
		Undescribed: make(map[string]string),
		OverTLS:     make(map[string]string),
	}}
	families, err := fs.Glob(fsys, "*.md")
	if err != nil {
		return spec.Declared{}, err
	}
	for _, file := range families {
		if file != targetPage && file != verdictsPage && !slices.Contains(prosePages, file) {
			p.family(file)
		}
	}
	slices.SortFunc(p.declared.Families, func(a, b spec.Family) int {
		return cmp.Compare(slices.Index(spec.FamilyNames, a.Name), slices.Index(spec.FamilyNames, b.Name))
	})
	p.limitUntested()
	if slices.Contains(families, verdictsPage) {
		p.verdicts()
	} else {
		p.fail(verdictsPage, 1, "the page is missing; it holds the core sets")
	}
	dialects, err := fs.Glob(fsys, path.Join(dialectsDir, "*.md"))
	if err != nil {
		return spec.Declared{}, err
	}
	for _, file := range dialects {
		p.dialect(file)
	}
	if len(p.faults) > 0 {
		return spec.Declared{}, p.joined()
	}
	return p.declared, nil
}

// parser gathers what the pages declare, and their faults.
type parser struct {
	fsys     fs.FS
	declared spec.Declared
	clauses  map[string]spec.Clause // those read so far, by ID
	faults   []*Error
}

func (p *parser) fail(file string, line int, format string, args ...any) {
	p.faults = append(p.faults, &Error{File: file, Line: line, Message: fmt.Sprintf(format, args...)})
}

func (p *parser) joined() error {
	slices.SortStableFunc(p.faults, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	joined := make([]error, len(p.faults))
	for i, fault := range p.faults {
		joined[i] = fault
	}
	return errors.Join(joined...)
}

// page is a Markdown file as a list of its top-level blocks.
type page struct {
	file   string
	source []byte
	blocks []ast.Node
}

// open parses a file; a fault is noted and reported as false.
func (p *parser) open(file string) (page, bool) {
	source, err := fs.ReadFile(p.fsys, file)
	if err != nil {
		p.fail(file, 1, "cannot be read: %v", err)
		return page{}, false
	}
	document := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(source))
	opened := page{file: file, source: source}
	for block := document.FirstChild(); block != nil; block = block.NextSibling() {
		opened.blocks = append(opened.blocks, block)
	}
	return opened, true
}

// line is the line on which a block's text starts.
func (pg page) line(block ast.Node) int {
	start, _ := extent(block)
	return 1 + strings.Count(string(pg.source[:min(start, len(pg.source))]), "\n")
}

// raw is a block's Markdown on one line.
func (pg page) raw(block ast.Node) string {
	var words []string
	for i := range block.Lines().Len() {
		segment := block.Lines().At(i)
		words = append(words, strings.Fields(string(segment.Value(pg.source)))...)
	}
	return strings.Join(words, " ")
}

// between is the Markdown after the line on which one block ends and before
// the line on which the next starts; a nil next is the end of the file.
func (pg page) between(last, next ast.Node) string {
	_, from := extent(last)
	if newline := strings.IndexByte(string(pg.source[from:]), '\n'); newline >= 0 && !endsLine(pg.source, from) {
		from += newline
	}
	to := len(pg.source)
	if next != nil {
		to, _ = extent(next)
		to = 1 + strings.LastIndexByte(string(pg.source[:to]), '\n')
	}
	if from >= to {
		return ""
	}
	return strings.TrimSpace(string(pg.source[from:to]))
}

func endsLine(source []byte, at int) bool { return at > 0 && source[at-1] == '\n' }

// prose is the text of a block's words, without code spans: there a keyword is
// a quotation.
func (pg page) prose(block ast.Node) string {
	var words strings.Builder
	_ = ast.Walk(block, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.CodeSpan:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			words.Write(node.Segment.Value(pg.source))
			words.WriteByte(' ')
		}
		return ast.WalkContinue, nil
	})
	return words.String()
}

// extent is the byte range of a block's own lines and its children's.
func extent(block ast.Node) (start, end int) {
	start, end = -1, 0
	_ = ast.Walk(block, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || node.Type() == ast.TypeInline || node.Lines() == nil || node.Lines().Len() == 0 {
			return ast.WalkContinue, nil
		}
		lines := node.Lines()
		if first := lines.At(0).Start; start < 0 || first < start {
			start = first
		}
		end = max(end, lines.At(lines.Len()-1).Stop)
		return ast.WalkContinue, nil
	})
	return max(start, 0), end
}

func heading(block ast.Node, level int) bool {
	head, ok := block.(*ast.Heading)
	return ok && head.Level == level
}

func anyHeading(block ast.Node) bool {
	_, ok := block.(*ast.Heading)
	return ok
}
