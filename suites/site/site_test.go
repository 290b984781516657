package site

import (
	"encoding/json"
	"errors"
	"html"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
)

// judged is a matrix in which two targets came to every outcome.
func judged() *report.Matrix {
	matrix := &report.Matrix{Skipped: []report.Skipped{{Target: "gone", Reason: "its compiler is not installed"}}}
	for i, name := range []string{"mine", "<yours> & theirs"} {
		run := &report.Run{Tool: "reactorspec", Target: report.Target{Name: name, Language: "C", Class: spec.Reactor, Dialect: "resp"}}
		for j, clause := range spec.Clauses() {
			result := report.NewResult(clause)
			result.Outcome = report.Outcomes()[(i+j)%len(report.Outcomes())]
			if result.Outcome != report.Pass {
				result.Reason = "what <b>happened</b>"
			}
			result.Evidence = &report.Evidence{Want: "one thing", Got: "another"}
			run.Results = append(run.Results, result)
		}
		run.Verdict = report.Judge(run)
		matrix.Runs = append(matrix.Runs, run)
	}
	return matrix
}

func written(t *testing.T, o Options) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "site")
	if err := Write(folder, o); err != nil {
		t.Fatal(err)
	}
	return folder
}

// page is what a crawler sees of a page.
type page struct {
	ids   map[string]bool
	links []string
}

var (
	linked     = regexp.MustCompile(`\s(?:href|src)="([^"]*)"`)
	identified = regexp.MustCompile(`\sid="([^"]*)"`)
)

// crawl reads every page below a folder.
func crawl(t *testing.T, folder string) map[string]page {
	t.Helper()
	pages := make(map[string]page)
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".html" {
			return err
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		p := page{ids: make(map[string]bool)}
		for _, found := range identified.FindAllStringSubmatch(string(text), -1) {
			if id := html.UnescapeString(found[1]); p.ids[id] {
				t.Errorf("%s has the id %s twice", name, id)
			} else {
				p.ids[id] = true
			}
		}
		for _, found := range linked.FindAllStringSubmatch(string(text), -1) {
			p.links = append(p.links, html.UnescapeString(found[1]))
		}
		pages[name] = p
		return err
	})
	if err != nil || len(pages) < 40 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	return pages
}

// No link of any page is dead: within the site the file and the anchor are there, and what
// leads to the repository is in it. Nothing is loaded from outside.
func TestNoLinkIsDead(t *testing.T) {
	for name, o := range map[string]Options{"plain": {Tool: "reactorspec"}, "judged": {Tool: "reactorspec", Matrix: judged()}} {
		t.Run(name, func(t *testing.T) {
			folder := written(t, o)
			pages := crawl(t, folder)
			within := 0
			for name, p := range pages {
				for _, link := range p.links {
					at, err := url.Parse(link)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						continue
					}
					if of, ours := strings.CutPrefix(link, Repository); ours {
						of, _, _ = strings.Cut(of, "#")
						if _, err := os.Stat(filepath.Join("../..", filepath.FromSlash(of))); err != nil {
							t.Errorf("%s leads to %s, which the repository lacks", name, link)
						}
						continue
					}
					if at.Scheme != "" {
						if at.Scheme != "https" && link != "data:," {
							t.Errorf("%s leads to %s", name, link)
						}
						continue
					}
					within++
					to := path.Join(path.Dir(name), at.Path)
					if at.Path == "" {
						to = name
					}
					if _, err := os.Stat(filepath.Join(folder, filepath.FromSlash(to))); err != nil {
						t.Errorf("%s leads to %s, which is not there", name, link)
						continue
					}
					if target, is := pages[to]; at.Fragment != "" && (!is || !target.ids[at.Fragment]) {
						t.Errorf("%s leads to %s: there is no such anchor", name, link)
					}
				}
			}
			if within < 2000 {
				t.Errorf("only %d links within the site", within)
			}
		})
	}
}

// Every page can be reached from the first one.
func TestNoPageIsAnIsland(t *testing.T) {
	pages := crawl(t, written(t, Options{Tool: "reactorspec", Matrix: judged()}))
	reached, next := map[string]bool{"index.html": true}, []string{"index.html"}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		for _, link := range pages[name].links {
			at, err := url.Parse(link)
			if err != nil || at.Scheme != "" || at.Path == "" {
				continue
			}
			if to := path.Join(path.Dir(name), at.Path); !reached[to] {
				reached[to] = true
				next = append(next, to)
			}
		}
	}
	for name := range pages {
		if !reached[name] {
			t.Errorf("no way leads from index.html to %s", name)
		}
	}
}

// Whatever a page loads is beside it.
func TestNothingComesFromOutside(t *testing.T) {
	folder := written(t, Options{Tool: "reactorspec"})
	loads := regexp.MustCompile(`(?:<(?:script|img|iframe)[^>]*\ssrc|<link[^>]*\shref)="((?:https?:)?//[^"]*)"|url\(["']?(?:https?:)?//|@import`)
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) == ".json" {
			return err
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		if found := loads.Find(text); found != nil {
			t.Errorf("%s loads %s", name, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Each clause has its place with all that is known of it, and each step of the story too.
func TestEachClauseHasItsPlace(t *testing.T) {
	folder := written(t, Options{Tool: "reactorspec", Matrix: judged()})
	pages := crawl(t, folder)
	for _, clause := range spec.Clauses() {
		name := strings.ToLower(clause.Family) + ".html"
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		_, article, found := strings.Cut(string(text), `<article class="clause" id="`+strings.ToLower(clause.ID)+`">`)
		article, _, _ = strings.Cut(article, "</article>")
		if !found {
			t.Errorf("%s has no place", clause.ID)
			continue
		}
		wanted := []string{"<dt>Intent</dt>", "<dt>Check</dt>", "<dt>Source</dt>", "<dt>Proved by</dt>", "<dt>Promised by</dt>", "<dt>Targets</dt>", "matrix/c/" + clause.ID + ".html"}
		for _, fault := range proofsOf(clause) {
			wanted = append(wanted, "faults.html#"+fault)
		}
		for _, source := range clause.Sources() {
			wanted = append(wanted, "#"+strings.ToLower(source.Label)+`"`, html.EscapeString(source.Link))
		}
		if len(clause.Needs) > 0 {
			wanted = append(wanted, `target.html#features">`+string(clause.Needs[0]))
		}
		if len(clause.Rests) > 0 {
			wanted = append(wanted, "verdicts.html#rule-")
		}
		if clause.Notes != "" {
			wanted = append(wanted, "<dt>Legal variations</dt>")
		}
		for _, words := range wanted {
			if !strings.Contains(article, words) {
				t.Errorf("the place of %s lacks %s", clause.ID, words)
			}
		}
		if strings.Contains(article, "<b>happened") || strings.Contains(article, "<yours>") {
			t.Errorf("%s takes what a target said for HTML", clause.ID)
		}
	}
	for _, source := range spec.Sources() {
		if id := strings.ToLower(source.Label); !pages["sources.html"].ids[id] || source.Link == "" && !pages["story.html"].ids[id] {
			t.Errorf("%s has no place", source.Label)
		}
	}
}

// What the search leads to is there.
func TestTheSearchLeadsSomewhere(t *testing.T) {
	folder := written(t, Options{Tool: "reactorspec"})
	pages := crawl(t, folder)
	text, err := os.ReadFile(filepath.Join(folder, "search-index.js"))
	if err != nil {
		t.Fatal(err)
	}
	words, ok := strings.CutPrefix(strings.TrimSuffix(string(text), ";\n"), "window.reactorspecIndex = ")
	var index []entry
	if err := json.Unmarshal([]byte(words), &index); err != nil || !ok {
		t.Fatal(err)
	}
	for _, e := range index {
		name, anchor, _ := strings.Cut(e.At, "#")
		p, found := pages[name]
		if !found || anchor != "" && !p.ids[anchor] || e.Title == "" {
			t.Errorf("%+v leads nowhere", e)
		}
	}
	if least := len(spec.Clauses()) + len(spec.Faults()); len(index) < least {
		t.Errorf("the search knows %d places, fewer than %d", len(index), least)
	}
}

// A folder that holds something else is left alone; an older site is replaced.
func TestFolders(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "thesis.txt"), []byte("years of work"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(folder, Options{}); !errors.Is(err, ErrNotOurs) {
		t.Errorf("a folder with a file: %v", err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	folder = written(t, Options{Tool: "reactorspec", Matrix: judged()})
	if err := Write(folder, Options{Tool: "reactorspec"}); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"matrix", "targets.html"} {
		if _, err := os.Stat(filepath.Join(folder, gone)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of the older site is still there (%v)", gone, err)
		}
	}
}
