package spec

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Source is one label of sources.md that a clause may cite: a step of the story
// of network servers, or a bug of a real event loop.
type Source struct {
	Label string `json:"label"` // "S7", "G24"
	Title string `json:"title"` // "the loop's two faults", "gnet #367"
	Words string `json:"words"` // what it is, or what went wrong, in a sentence or two
	Link  string `json:"link"`  // where to read on: the story, or the bug's own page
}

// Step reports whether the label is a step of the story rather than a bug.
func (s Source) Step() bool { return strings.HasPrefix(s.Link, published) }

// published is where the links between pages lead somebody who has no tree.
const published = "https://github.com/reactorspec/reactorspec/blob/main/spec/"

//go:embed sources.md
var sourcesText string

var (
	sourceLabel = regexp.MustCompile(`\b[A-Z]{1,2}[0-9]{1,2}\b`)
	sourceLink  = regexp.MustCompile(`^\[([^\]]+)\]\(([^)]+)\)(.*)$`)
)

var sources = sync.OnceValue(func() []Source { return parseSources(sourcesText) })

// Sources lists the labels of sources.md in the order of the page.
func Sources() []Source { return slices.Clone(sources()) }

// Sources lists what the clause cites of sources.md, in the order of its line.
// Manual pages and RFCs are not among them: their names say where to look.
func (c Clause) Sources() []Source {
	var cited []Source
	for _, label := range sourceLabel.FindAllString(c.Source, -1) {
		for _, source := range sources() {
			if source.Label == label && !slices.Contains(cited, source) {
				cited = append(cited, source)
			}
		}
	}
	return cited
}

// parseSources reads the rows of the page's tables: label, linked title and words in
// the first, label, link, release and words in the second.
func parseSources(page string) []Source {
	var list []Source
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		label := strings.TrimSpace(cells[0])
		if len(cells) < 3 || sourceLabel.FindString(label) != label || label == "" {
			continue
		}
		source := Source{Label: label, Title: cells[1], Words: strings.TrimSpace(cells[len(cells)-1])}
		if parts := sourceLink.FindStringSubmatch(source.Title); parts != nil {
			source.Title, source.Link = parts[1]+parts[3], parts[2]
			if !strings.Contains(source.Link, "://") {
				source.Link = published + source.Link
			}
		}
		list = append(list, source)
	}
	return list
}
