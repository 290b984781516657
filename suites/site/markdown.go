package site

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/reactorspec/reactorspec/spec"
)

// fragment renders a piece of Markdown that stands in the file from, as part of a page.
func (b *builder) fragment(from, markdown string) (template.HTML, error) {
	_, rendered, err := b.document(from, markdown)
	return rendered, err
}

// document parses and renders Markdown of the file from: links lead within the site or to
// the repository, clauses and RFCs are linked, pictures stand in the page itself.
func (b *builder) document(from, markdown string) (ast.Node, template.HTML, error) {
	source := []byte(markdown)
	md := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(&pictures{b.pictures}, 100))))
	context := parser.NewContext(parser.WithIDs(&slugs{from: from, taken: make(map[string]bool)}))
	root := md.Parser().Parse(text.NewReader(source), parser.WithContext(context))
	relink(root, source, from)
	anchor(root, source, from)
	var out bytes.Buffer
	if err := md.Renderer().Render(&out, source, root); err != nil {
		return nil, "", err
	}
	rendered := strings.NewReplacer("<table>", `<div class="scroll" tabindex="0"><table>`, "</table>", "</table></div>").Replace(out.String())
	return root, template.HTML(rendered), nil //nolint:gosec // of our own pages, without raw HTML
}

// inline is a fragment of one paragraph, without its tags.
func (b *builder) inline(from, markdown string) (template.HTML, error) {
	rendered, err := b.fragment(from, markdown)
	plain := strings.TrimSpace(string(rendered))
	if inner, ok := strings.CutPrefix(plain, "<p>"); ok && strings.Count(plain, "<p>") == 1 {
		plain = strings.TrimSuffix(inner, "</p>")
	}
	return template.HTML(plain), err //nolint:gosec // as above
}

// slugs makes the IDs of headings as GitHub does, so that links into a page work in both.
type slugs struct {
	from  string
	taken map[string]bool
}

// A step of the story is found by its number, which does not change with its title.
var (
	storyStep   = regexp.MustCompile(`^S[0-9]+: `)
	storyAnchor = regexp.MustCompile(`^s[0-9]+`)
)

func (s *slugs) Generate(heading []byte, _ ast.NodeKind) []byte {
	if step := storyStep.Find(heading); s.from == storyPage && step != nil {
		return bytes.ToLower(bytes.TrimSuffix(step, []byte(": ")))
	}
	var id strings.Builder
	for _, r := range strings.ToLower(string(heading)) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			id.WriteRune(r)
		case r == ' ':
			id.WriteByte('-')
		}
	}
	unique := id.String()
	for n := 1; s.taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", id.String(), n)
	}
	s.taken[unique] = true
	return []byte(unique)
}

func (s *slugs) Put(value []byte) { s.taken[string(value)] = true }

// The pages that other pages link into by anchors of their own.
const (
	storyPage    = "story.md"
	sourcesPage  = "sources.md"
	verdictsPage = "verdicts.md"
)

// destination is where a link of the file from leads: within the site, to the repository,
// or out.
func destination(from, link string) string {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "#") {
		return link
	}
	name, fragment, found := strings.Cut(link, "#")
	at := path.Join(path.Dir(from), name)
	if step := storyAnchor.FindString(fragment); at == storyPage && step != "" {
		fragment = step
	}
	if found {
		fragment = "#" + fragment
	}
	if strings.HasPrefix(at, "../") {
		return Repository + strings.TrimPrefix(at, "../") + fragment
	}
	if _, err := fs.Stat(spec.Pages(), at); err != nil {
		return Repository + "spec/" + at + fragment
	}
	return rootOf(from) + htmlOf(at) + fragment
}

// named is what is linked wherever it is named: clauses, RFCs with their sections, and
// the steps of the story.
var named = regexp.MustCompile(`\b(?:(` + strings.Join(spec.FamilyNames, "|") + `)-([1-9][0-9]*)|RFC ([0-9]{3,5})(?: section ([0-9]+(?:\.[0-9]+)*))?|S([1-9]|1[01]))\b`)

func linkOf(from string, word string) string {
	parts := named.FindStringSubmatch(word)
	switch {
	case parts == nil:
		return ""
	case parts[3] != "" && parts[4] != "":
		return "https://www.rfc-editor.org/rfc/rfc" + parts[3] + "#section-" + parts[4]
	case parts[5] != "":
		return rootOf(from) + "story.html#s" + parts[5]
	case parts[3] != "":
		return "https://www.rfc-editor.org/rfc/rfc" + parts[3]
	}
	if _, known := spec.Lookup(word); !known {
		return ""
	}
	return rootOf(from) + strings.ToLower(parts[1]) + ".html#" + strings.ToLower(word)
}

// relink turns every link to where it leads in the site, and links what is named.
func relink(root ast.Node, source []byte, from string) {
	var words []*ast.Text
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Link:
			node.Destination = []byte(destination(from, string(node.Destination)))
			return ast.WalkSkipChildren, nil
		case *ast.Heading, *ast.CodeSpan, *ast.Image, *ast.AutoLink:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			words = append(words, node)
		}
		return ast.WalkContinue, nil
	})
	for _, node := range words {
		linkNamed(node, source, from)
	}
}

// linkNamed cuts a text at what is named in it, and links that.
func linkNamed(node *ast.Text, source []byte, from string) {
	segment := node.Segment
	parent, at := node.Parent(), segment.Start
	for _, place := range named.FindAllIndex(segment.Value(source), -1) {
		start, end := segment.Start+place[0], segment.Start+place[1]
		href := linkOf(from, string(source[start:end]))
		if href == "" {
			continue
		}
		if start > at {
			parent.InsertBefore(parent, node, ast.NewTextSegment(text.NewSegment(at, start)))
		}
		link := ast.NewLink()
		link.Destination = []byte(href)
		link.SetAttributeString("class", []byte("word"))
		link.AppendChild(link, ast.NewTextSegment(text.NewSegment(start, end)))
		parent.InsertBefore(parent, node, link)
		at = end
	}
	node.Segment = text.NewSegment(at, segment.Stop)
}

// anchor gives an ID to what other pages lead to: the rows of sources.md, and the rules of
// verdicts.md, which are its only numbered list.
func anchor(root ast.Node, source []byte, from string) {
	for block := root.FirstChild(); block != nil; block = block.NextSibling() {
		switch block := block.(type) {
		case *extast.Table:
			for row := block.FirstChild(); from == sourcesPage && row != nil; row = row.NextSibling() {
				if row.Kind() == extast.KindTableRow {
					row.SetAttributeString("id", []byte(strings.ToLower(plain(row.FirstChild(), source))))
				}
			}
		case *ast.List:
			number := 0
			for item := block.FirstChild(); from == verdictsPage && block.IsOrdered() && item != nil; item = item.NextSibling() {
				number++
				item.SetAttributeString("id", fmt.Appendf(nil, "rule-%d", number))
			}
		}
	}
}

// plain is the text of a node and all below it.
func plain(node ast.Node, source []byte) string {
	var words strings.Builder
	_ = ast.Walk(node, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		switch {
		case !entering && node.Type() == ast.TypeBlock:
			words.WriteByte(' ')
		case !entering:
		case node.Kind() == ast.KindText:
			segment := node.(*ast.Text).Segment
			words.Write(segment.Value(source))
			if node.(*ast.Text).SoftLineBreak() {
				words.WriteByte(' ')
			}
		case node.Kind() == ast.KindFencedCodeBlock || node.Kind() == ast.KindCodeBlock:
			words.Write(node.Lines().Value(source))
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(words.String()), " ")
}

// rulesOf reads the first words of each rule of verdicts.md.
func rulesOf() (map[spec.Rule]string, error) {
	source, err := fs.ReadFile(spec.Pages(), verdictsPage)
	if err != nil {
		return nil, err
	}
	rules := make(map[spec.Rule]string)
	for _, found := range regexp.MustCompile(`(?m)^([0-9]+)\. \*\*([^*]+)\*\*`).FindAllStringSubmatch(string(source), -1) {
		var n int
		if _, err := fmt.Sscan(found[1], &n); err != nil {
			return nil, err
		}
		rules[spec.Rule(n)] = strings.TrimSuffix(found[2], ".")
	}
	return rules, nil
}

// pictures puts the drawings of the story into the page: they follow the reader's colours.
type pictures struct{ drawn map[string]string }

func (p *pictures) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindImage, func(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		name := strings.TrimSuffix(path.Base(string(node.(*ast.Image).Destination)), ".svg")
		drawing, found := p.drawn[name]
		if !found {
			return ast.WalkStop, fmt.Errorf("there is no picture %s", name)
		}
		_, err := w.WriteString(strings.ReplaceAll(strings.ReplaceAll(drawing, `id="head"`, `id="head-`+name+`"`), "url(#head)", "url(#head-"+name+")"))
		return ast.WalkSkipChildren, err
	})
}
