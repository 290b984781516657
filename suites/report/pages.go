package report

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/reactorspec/reactorspec/spec"
)

// The pages are templates below pages/, with one style and one script. Nothing
// comes from outside, and all can be read without the script.
//
//go:embed pages
var pageFiles embed.FS

// pageTemplates parses the templates when the first page is written: most
// processes that judge write none.
var pageTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("pages").Funcs(template.FuncMap{
		"duration": duration,
		"web":      web,
		"linked":   linked,
		"lower":    strings.ToLower,
		"sentence": sentenceCase,
		"legal":    func(notes string) string { return strings.TrimPrefix(strings.TrimSpace(notes), "Legal: ") },
		"class":    className,
		"seed":     func(seed uint64) string { return fmt.Sprintf("%#x", seed) },
	}).ParseFS(pageFiles, "pages/*.html"))
})

func pageFile(name string) string {
	text, err := pageFiles.ReadFile("pages/" + name)
	if err != nil {
		panic("a page's " + name + " is not embedded: " + err.Error())
	}
	return string(text)
}

// web is a link that a target's owner wrote, if it is one to a page of the web.
func web(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}

// inTree is a file or a folder below testdata/targets, as the reasons of expected failures
// name the reports and reproductions there. A full stop behind it ends the sentence.
var inTree = regexp.MustCompile(`\btestdata/targets/[\w./-]*[\w-]`)

// linked is text with links to what it names in the source tree.
func linked(text string) template.HTML {
	var b strings.Builder
	last := 0
	for _, at := range inTree.FindAllStringIndex(text, -1) {
		path := text[at[0]:at[1]]
		b.WriteString(template.HTMLEscapeString(text[last:at[0]]))
		fmt.Fprintf(&b, `<a href="%s">%s</a>`, tree+path, path) // of letters that need no escape
		last = at[1]
	}
	b.WriteString(template.HTMLEscapeString(text[last:]))
	return template.HTML(b.String()) //nolint:gosec // all else is escaped
}

// frame is what every page has: its title, and where the report's folder begins.
// An inline page carries style and script in itself.
type frame struct {
	Title  string
	Root   string // "", "../" …: from the page to the folder
	Style  template.CSS
	Script template.JS
	Inline bool
	Tool   string
}

func inlineFrame(title, tool string) frame {
	return frame{Title: title, Inline: true, Tool: tool,
		Style: template.CSS(pageFile("style.css")), Script: template.JS(pageFile("script.js"))} //nolint:gosec // our own files
}

// WriteHTML writes a run as one page that needs no other file.
func WriteHTML(w io.Writer, run *Run) error {
	copied := neutral(*run)
	view := runPageOf(&copied, nil)
	view.frame = inlineFrame(copied.Target.Name+" – reactorspec", copied.Tool)
	return pageTemplates().ExecuteTemplate(w, "run.html", view)
}

// marker is the file by which a folder is known as a report that may be replaced.
const marker = "reactorspec-report.txt"

// ErrNotOurs is the error of a folder that holds something else.
var ErrNotOurs = errors.New("holds files that are no report of reactorspec: name a new folder, or empty it")

// Replaceable reports by its error whether WritePages may write the folder: it
// does not exist, is empty, or is a report.
func Replaceable(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) == 0:
		return nil
	}
	if _, err := os.Stat(filepath.Join(folder, marker)); err != nil {
		return fmt.Errorf("%s %w", folder, ErrNotOurs)
	}
	return nil
}

// WritePages writes the matrix as a folder of pages, index.html the first. What an
// older report left there goes once the new one is complete. The folder itself is
// kept, since it may be a volume that cannot be renamed.
func WritePages(folder string, matrix *Matrix) error {
	if err := Replaceable(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(folder, ".new.*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	for path, write := range pages(matrix) {
		path = filepath.Join(fresh, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		if err := fill(file, write); err != nil {
			return err
		}
	}
	// The marker first: from then on the folder is known as a report, whatever happens.
	for _, name := range []string{marker, "style.css", "script.js", "c", "t", "index.html"} {
		if err := os.RemoveAll(filepath.Join(folder, name)); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(fresh, name), filepath.Join(folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// pages yields every file of a report's folder, by its path in it.
func pages(matrix *Matrix) func(yield func(path string, write func(io.Writer) error) bool) {
	return func(yield func(string, func(io.Writer) error) bool) {
		m := neutral(*matrix)
		m.Sort()
		site := siteOf(&m)
		text := func(content string) func(io.Writer) error {
			return func(w io.Writer) error {
				_, err := io.WriteString(w, content)
				return err
			}
		}
		page := func(name string, data any) func(io.Writer) error {
			return func(w io.Writer) error { return pageTemplates().ExecuteTemplate(w, name, data) }
		}
		if !yield(marker, text("Written by "+site.Tool+". The pages are replaced when a report is written to this folder again.\n")) ||
			!yield("style.css", text(pageFile("style.css"))) || !yield("script.js", text(pageFile("script.js"))) ||
			!yield("index.html", page("matrix.html", matrixPageOf(site))) {
			return
		}
		for i, run := range m.Runs {
			view := runPageOf(run, site)
			view.frame = site.frame(run.Target.Name, "../../")
			if !yield("t/"+site.Slugs[i]+"/index.html", page("run.html", view)) {
				return
			}
			for _, r := range run.Results {
				if r.evident() && !yield("t/"+site.Slugs[i]+"/"+r.Clause+".html", page("evidence.html", evidencePageOf(run, r, site, site.Slugs[i]))) {
					return
				}
			}
		}
		for _, clause := range site.Clauses {
			if !yield("c/"+clause.ID+".html", page("clause.html", clausePageOf(site, clause))) {
				return
			}
		}
	}
}

// evident reports whether a result has a page of evidence.
func (r Result) evident() bool {
	look := lookOf(r.Outcome)
	_, known := spec.Lookup(r.Clause) // whose name is a safe one for a file
	return known && (look.Shown || look.Broken)
}

// site is what the pages of one folder share.
type site struct {
	*Matrix
	Slugs   []string // of the runs, in their order
	Clauses []spec.Clause
	Tool    string
	results []map[string]Result // by clause, of the runs in their order
}

func siteOf(m *Matrix) *site {
	s := &site{Matrix: m, Tool: "reactorspec"}
	taken, judged := make(map[string]bool), make(map[string]bool)
	for _, run := range m.Runs {
		if run.Tool != "" {
			s.Tool = run.Tool
		}
		s.Slugs = append(s.Slugs, slug(run.Target.Name, taken))
		results := make(map[string]Result, len(run.Results))
		for _, r := range run.Results {
			results[r.Clause] = r
			judged[r.Clause] = true
		}
		s.results = append(s.results, results)
	}
	for _, clause := range spec.Clauses() {
		if judged[clause.ID] && !clause.Withdrawn {
			s.Clauses = append(s.Clauses, clause)
		}
	}
	return s
}

func (s *site) frame(title, root string) frame {
	return frame{Title: title + " – reactorspec", Root: root, Tool: s.Tool}
}

// slug is a name as a folder's name that no other target has.
func slug(name string, taken map[string]bool) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	plain = strings.Trim(plain, "-.")
	plain = plain[:min(len(plain), 60)]
	if plain == "" {
		plain = "target"
	}
	unique := plain
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", plain, n)
	}
	taken[unique] = true
	return unique
}

// sentenceCase makes a sentence of a phrase.
func sentenceCase(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
