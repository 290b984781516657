package spec

import (
	"strings"
	"testing"
)

// Whatever a clause cites by a label stands in sources.md, once, with words.
func TestSources(t *testing.T) {
	known := make(map[string]bool)
	for _, source := range Sources() {
		if known[source.Label] {
			t.Errorf("sources.md has two rows for %s", source.Label)
		}
		known[source.Label] = true
		if source.Title == "" || !strings.HasSuffix(source.Words, ".") {
			t.Errorf("%s: %+v has no title or no sentence", source.Label, source)
		}
		if step := strings.HasPrefix(source.Label, "S"); step == strings.HasPrefix(source.Link, "https://") {
			t.Errorf("%s has the link %q: a bug has one, a step of the story none", source.Label, source.Link)
		}
	}
	for _, clause := range Clauses() {
		for _, label := range sourceLabel.FindAllString(clause.Source, -1) {
			if !known[label] {
				t.Errorf("spec/%s:%d: %s cites %s, which sources.md does not have", clause.File, clause.Line, clause.ID, label)
			}
		}
		for part := range strings.SplitSeq(clause.Source, ";") {
			bugs, are := strings.CutPrefix(strings.TrimSpace(part), "bug")
			for _, label := range sourceLabel.FindAllString(bugs, -1) {
				if are && strings.HasPrefix(label, "S") {
					t.Errorf("spec/%s:%d: %s calls %s a bug, and it is a step of the story", clause.File, clause.Line, clause.ID, label)
				}
			}
		}
	}
}

func TestSourcesOfAClause(t *testing.T) {
	clause := Clause{Source: "S7; epoll_wait(2); bugs G24, S7, N2 (netpoll #220)"}
	var labels []string
	for _, source := range clause.Sources() {
		labels = append(labels, source.Label)
	}
	if got := strings.Join(labels, " "); got != "S7 G24 N2" {
		t.Errorf("the sources are %q", got)
	}
}
