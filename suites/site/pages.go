package site

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/yuin/goldmark/ast"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
)

//go:embed pages
var assets embed.FS

// templates are parsed when the first page is written: most commands write none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("site").Funcs(template.FuncMap{"lower": strings.ToLower}).ParseFS(assets, "pages/*.html"))
})

// frame is what every page has.
type frame struct {
	Title  string
	Root   string // from the page to the folder of the site
	Tool   string
	Judged bool // there is a page of targets
}

func (b *builder) frame(page, title string) frame {
	return frame{Title: title, Root: rootOf(page), Tool: b.Tool, Judged: b.Matrix != nil}
}

// page fills a template.
func (b *builder) page(name, template string, data any) error {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, template, data); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.files[name] = out.Bytes()
	return nil
}

// prose shows a page as it is written.
func (b *builder) prose(name string) error {
	source, err := fs.ReadFile(spec.Pages(), name)
	if err != nil {
		return err
	}
	root, body, err := b.document(name, string(source))
	if err != nil {
		return err
	}
	title := b.learn(name, root, source)
	return b.page(htmlOf(name), "prose.html", struct {
		frame
		Body   template.HTML
		Source string
	}{b.frame(name, title), body, Repository + "spec/" + name})
}

// entry is what the search finds: a place in a page.
type entry struct {
	Title string `json:"t"`
	Where string `json:"w"` // the page's title
	At    string `json:"u"` // from the folder of the site
	Text  string `json:"x"`
}

// longestText bounds what the search keeps of one place, in bytes.
const longestText = 4000

func (b *builder) find(e entry) {
	if len(e.Text) > longestText {
		e.Text = strings.ToValidUTF8(e.Text[:longestText], "")
	}
	b.index = append(b.index, e)
}

// learn gives the search every section of a page, and returns the page's title.
func (b *builder) learn(name string, root ast.Node, source []byte) (title string) {
	at := entry{At: htmlOf(name)}
	keep := func() {
		if at.Title != "" {
			b.find(at)
		}
	}
	for block := root.FirstChild(); block != nil; block = block.NextSibling() {
		heading, is := block.(*ast.Heading)
		if !is {
			at.Text += " " + plain(block, source)
			continue
		}
		keep()
		words := plain(block, source)
		if title == "" {
			title = words
		}
		at = entry{Title: words, Where: title, At: htmlOf(name)}
		if id, found := heading.AttributeString("id"); found {
			at.At += "#" + string(id.([]byte))
		}
	}
	keep()
	return title
}

// overview is the first page: where everything is.
func (b *builder) overview() error {
	type dialect struct{ Name, Title string }
	var dialects []dialect
	for _, d := range spec.Dialects() {
		dialects = append(dialects, dialect{d.Name, d.Title})
	}
	type familyRow struct {
		Name, Title string
		Clauses     []spec.Clause
	}
	var families []familyRow
	for _, f := range spec.Families() {
		row := familyRow{Name: f.Name, Title: f.Title}
		for _, c := range f.Clauses {
			if !c.Withdrawn {
				row.Clauses = append(row.Clauses, c)
			}
		}
		families = append(families, row)
	}
	targets := 0
	if b.Matrix != nil {
		targets = len(b.Matrix.Runs)
	}
	return b.page("index.html", "index.html", struct {
		frame
		Families []familyRow
		Dialects []dialect
		Clauses  int
		Faults   int
		Targets  int
	}{b.frame("", "reactorspec"), families, dialects, len(spec.Clauses()), len(spec.Faults()), targets})
}

// faults lists what is broken on purpose to prove the checks.
func (b *builder) faults() error {
	breaks := make(map[string][]link)
	for _, clause := range spec.Clauses() {
		for _, name := range proofsOf(clause) {
			breaks[name] = append(breaks[name], link{clause.ID, clauseHref("", clause.ID)})
		}
	}
	type fault struct {
		Name, Words string
		Breaks      []link
	}
	var faults []fault
	words := spec.Faults()
	for _, name := range slices.Sorted(maps.Keys(words)) {
		faults = append(faults, fault{name, words[name], breaks[name]})
		b.find(entry{Title: name, Where: "Faults", At: "faults.html#" + name, Text: words[name]})
	}
	return b.page("faults.html", "faults.html", struct {
		frame
		Faults []fault
		Matrix string
	}{b.frame("", "The faults that prove the checks"), faults, Repository + "suites/proof/MATRIX.md"})
}

// targets lists who was judged.
func (b *builder) targets() error {
	if b.Matrix == nil {
		return nil
	}
	for _, run := range b.Matrix.Runs {
		b.find(entry{Title: report.Clean(run.Target.Name), Where: "Targets", At: "targets.html", Text: report.Clean(run.Verdict.Sentence)})
	}
	return b.page("targets.html", "targets.html", struct {
		frame
		Matrix *report.Matrix
		Folder string
	}{b.frame("", "Who was judged"), b.Matrix, matrixFolder})
}

// assets are the style, the script and what it searches.
func (b *builder) assets() error {
	extra, err := assets.ReadFile("pages/site.css")
	if err != nil {
		return err
	}
	b.files["style.css"] = slices.Concat([]byte(report.Stylesheet()), []byte("\n"), extra)
	if b.files["search.js"], err = assets.ReadFile("pages/search.js"); err != nil {
		return err
	}
	index, err := json.Marshal(b.index)
	if err != nil {
		return err
	}
	b.files["search-index.js"] = slices.Concat([]byte("window.reactorspecIndex = "), index, []byte(";\n"))
	return nil
}

// link is a word that leads somewhere.
type link struct{ Text, Href string }

func clauseHref(root, id string) string {
	family, _, _ := spec.SplitID(id)
	return root + strings.ToLower(family) + ".html#" + strings.ToLower(id)
}

// proofsOf names the faults that break a clause.
func proofsOf(clause spec.Clause) []string {
	proof := spec.Proofs()[clause.ID]
	if proof == "" || strings.HasPrefix(proof, "-") {
		return nil
	}
	return strings.Split(proof, ",")
}
