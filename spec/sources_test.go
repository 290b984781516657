package spec

import (
	"regexp"
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
		if !strings.HasPrefix(source.Link, "https://") || source.Step() != strings.HasPrefix(source.Label, "S") {
			t.Errorf("%s has the link %q: a step of the story leads to the story, a bug to its own page", source.Label, source.Link)
		}
		if step := published + "story.md#" + strings.ToLower(source.Label) + "-"; source.Step() && !strings.HasPrefix(source.Link, step) {
			t.Errorf("%s has the link %q, which leads to another step", source.Label, source.Link)
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

// aside is what stands in parentheses, behind words that say the same.
var aside = regexp.MustCompile(`[\p{L}\p{N})]+,? \([^()]*\)`)

// bare lists the labels of a text that stand there in place of words.
func bare(text string) []string {
	return sourceLabel.FindAllString(aside.ReplaceAllString(text, ""), -1)
}

// A report prints a clause's intent and who promised it to people who never saw
// sources.md: a label says nothing to them.
func TestNoLabelInPlaceOfWords(t *testing.T) {
	for _, clause := range Clauses() {
		for part, text := range map[string]string{"sentence": clause.Sentence, "intent": clause.Intent, "check": clause.Method, "notes": clause.Notes} {
			for _, label := range bare(text) {
				t.Errorf("spec/%s:%d: the %s of %s has %s in place of words: %s", clause.File, clause.Line, part, clause.ID, label, text)
			}
		}
	}
	for _, dialect := range Dialects() {
		for _, citations := range []map[string]string{dialect.Promises, dialect.Released, dialect.OverTLS().Released} {
			for id, citation := range citations {
				for _, label := range bare(citation) {
					t.Errorf("%s cites for %s %s in place of words: %s", dialect.Name, id, label, citation)
				}
			}
		}
	}
}

func TestBare(t *testing.T) {
	for text, want := range map[string]string{
		"this is the fault of S1 that S2 cures":                 "S1 S2",
		"each connection has a thread (S2), or a loop (S4, S5)": "",
		"(S7) comes first":                       "S7",
		"as bug N12 showed":                      "N12",
		"a thread with `ioctl` and RFC 862 only": "",
	} {
		if got := strings.Join(bare(text), " "); got != want {
			t.Errorf("%q has the bare labels %q, want %q", text, got, want)
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
