// Package site writes the specification as a folder of web pages: the clauses with what
// proves them and who keeps them, the story of network servers, and the references. It
// reads the same Markdown as everybody else, and its pages need neither a server nor
// anything from outside.
//
// It is for the command alone, which may import a parser of Markdown: there is no
// compatibility promise.
package site

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/story"
	"github.com/reactorspec/reactorspec/suites/report"
)

// Repository is where the project's source is read, before a path in it.
const Repository = "https://github.com/reactorspec/reactorspec/blob/main/"

// Options are what a site is made of beside the specification.
type Options struct {
	Tool   string         // name and version of what writes it
	Matrix *report.Matrix // who keeps which clause; nil where nobody was judged
}

// marker is the file by which a folder is known as a site that may be replaced.
const marker = "reactorspec-site.txt"

// ErrNotOurs is the error of a folder that holds something else.
var ErrNotOurs = errors.New("holds files that are no site of reactorspec: name a new folder, or empty it")

// Write writes the site into a folder, index.html the first page. A folder that holds
// anything but an older site is refused.
func Write(folder string, o Options) error {
	if err := replaceable(folder); err != nil {
		return err
	}
	files, err := render(o)
	if err != nil {
		return err
	}
	if err := clean(folder); err != nil {
		return err
	}
	write := func(name string, content []byte) error {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return report.WriteFile(file, func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		})
	}
	// The marker first: from then on the folder is known as a site, whatever happens.
	if err := write(marker, []byte("Written by "+o.Tool+". The pages are replaced when a site is written to this folder again.\n")); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := write(name, files[name]); err != nil {
			return err
		}
	}
	if o.Matrix == nil {
		return nil
	}
	return report.WritePages(filepath.Join(folder, matrixFolder), o.Matrix)
}

// matrixFolder holds the matrix as package report writes it.
const matrixFolder = "matrix"

func replaceable(folder string) error {
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

// clean removes what an older site left, the marker the last.
func clean(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name != marker {
			if err := os.RemoveAll(filepath.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// builder gathers the files of a site and what its search knows.
type builder struct {
	Options
	files    map[string][]byte
	index    []entry
	pictures map[string]string
	results  map[string][]outcome // by clause
	promises map[string][]promise // by clause
	rules    map[spec.Rule]string // the first words of each rule
}

// render makes every file of the site but the matrix, by its path.
func render(o Options) (map[string][]byte, error) {
	b := &builder{Options: o, files: make(map[string][]byte), pictures: story.Drawings(), promises: promisesOf()}
	if o.Matrix != nil {
		o.Matrix.Sort()
	}
	b.results = resultsOf(o.Matrix)
	names, err := markdownPages()
	if err != nil {
		return nil, err
	}
	b.rules, err = rulesOf()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := b.prose(name); err != nil {
			return nil, fmt.Errorf("spec/%s: %w", name, err)
		}
	}
	for _, family := range spec.Families() {
		if err := b.family(family); err != nil {
			return nil, err
		}
	}
	for _, write := range []func() error{b.faults, b.targets, b.overview, b.schemas, b.assets} {
		if err := write(); err != nil {
			return nil, err
		}
	}
	return b.files, nil
}

// markdownPages lists the pages that are shown as they are written: all but those of the
// families, which are shown clause by clause.
func markdownPages() ([]string, error) {
	families := make(map[string]bool)
	for _, family := range spec.Families() {
		families[fileOf(family)] = true
	}
	var names []string
	err := fs.WalkDir(spec.Pages(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ".md" && !families[name] {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

func fileOf(family spec.Family) string { return strings.ToLower(family.Name) + ".md" }

// htmlOf is the page of a Markdown file; other files keep their names.
func htmlOf(name string) string {
	if plain, is := strings.CutSuffix(name, ".md"); is {
		return plain + ".html"
	}
	return name
}

// rootOf leads from a page to the folder of the site.
func rootOf(page string) string { return strings.Repeat("../", strings.Count(page, "/")) }

// schemas are published for editors to be pointed at.
func (b *builder) schemas() error {
	names, err := fs.Glob(spec.Pages(), "*.schema.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		if b.files[name], err = fs.ReadFile(spec.Pages(), name); err != nil {
			return err
		}
	}
	b.files["report.schema.json"] = report.Schema()
	return nil
}
