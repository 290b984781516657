package site

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
)

// promise is a dialect that promises a clause, and where.
type promise struct {
	Dialect  string
	Citation template.HTML
}

func promisesOf() map[string][]promise {
	promises := make(map[string][]promise)
	b := &builder{}
	for _, dialect := range spec.Dialects() {
		for id, citation := range dialect.Promises {
			words, err := b.inline("dialects/"+dialect.Name+".md", citation)
			if err != nil {
				words = template.HTML(template.HTMLEscapeString(citation)) //nolint:gosec // escaped
			}
			// The citation's links are relative to the dialect's page; the clause's page stands above it.
			words = template.HTML(strings.ReplaceAll(string(words), `href="../`, `href="`)) //nolint:gosec // as it was
			promises[id] = append(promises[id], promise{dialect.Name, words})
		}
	}
	for _, list := range promises {
		slices.SortFunc(list, func(a, b promise) int { return cmp.Compare(a.Dialect, b.Dialect) })
	}
	return promises
}

// outcome is what a clause came to on one target.
type outcome struct {
	Target  string
	Outcome report.Outcome
	Reason  string
}

func resultsOf(matrix *report.Matrix) map[string][]outcome {
	results := make(map[string][]outcome)
	if matrix == nil {
		return results
	}
	for _, run := range matrix.Runs {
		for _, r := range run.Results {
			results[r.Clause] = append(results[r.Clause], outcome{report.Clean(run.Target.Name), r.Outcome, report.Clean(r.Reason)})
		}
	}
	return results
}

// clauseView is a clause as its family's page shows it.
type clauseView struct {
	spec.Clause
	Anchor     string
	Text       template.HTML
	Intent     template.HTML
	Method     template.HTML
	Notes      template.HTML
	Origin     template.HTML // the line Source
	Cited      []citedSource
	Rules      []link
	Faults     []link
	Unproven   template.HTML
	Promises   []promise
	Everybody  bool   // every dialect promises it
	Core       string // the classes in whose core set it is
	Kept       []string
	Broken     []outcome
	Other      []group
	Evidence   string // the matrix's page of it, "" where it was not judged
	SourceLine string
}

// citedSource is a label of sources.md, in words.
type citedSource struct {
	spec.Source
	Words template.HTML
	Href  string // of the label
}

// group is how many targets came to an outcome that says nothing of them.
type group struct {
	Outcome report.Outcome
	Targets []string
}

// family shows a family, clause by clause.
func (b *builder) family(family spec.Family) error {
	file := fileOf(family)
	about, err := b.fragment(file, family.About)
	if err != nil {
		return err
	}
	title := family.Name + ": " + family.Title
	b.find(entry{Title: title, Where: "Clauses", At: htmlOf(file), Text: strings.Join(strings.Fields(family.About), " ")})
	var views []clauseView
	for _, clause := range family.Clauses {
		view, err := b.clause(clause)
		if err != nil {
			return err
		}
		views = append(views, view)
		b.find(entry{Title: clause.ID + " " + clause.Title(), Where: title, At: clauseHref("", clause.ID),
			Text: strings.Join(strings.Fields(strings.Join([]string{clause.Sentence, clause.Intent, clause.Method, clause.Source, clause.Notes}, " ")), " ")})
	}
	return b.page(htmlOf(file), "family.html", struct {
		frame
		Family  spec.Family
		About   template.HTML
		Clauses []clauseView
	}{b.frame(file, title), family, about, views})
}

// clause gathers what there is to say of a clause.
func (b *builder) clause(clause spec.Clause) (clauseView, error) {
	v := clauseView{Clause: clause, Anchor: strings.ToLower(clause.ID), SourceLine: Repository + clause.Anchor(), Promises: b.promises[clause.ID]}
	for _, part := range []struct {
		to       *template.HTML
		markdown string
		block    bool
	}{
		{&v.Text, clause.Sentence, false}, {&v.Intent, clause.Intent, false}, {&v.Method, clause.Method, false},
		{&v.Origin, clause.Source, false}, {&v.Notes, strings.TrimPrefix(clause.Notes, "Legal: "), true},
	} {
		render := b.inline
		if part.block {
			render = b.fragment
		}
		var err error
		if *part.to, err = render(clause.File, part.markdown); err != nil {
			return v, err
		}
	}
	for _, source := range clause.Sources() {
		words, err := b.inline(sourcesPage, source.Words)
		if err != nil {
			return v, err
		}
		cited := citedSource{source, words, "sources.html#" + strings.ToLower(source.Label)}
		if source.Step() {
			cited.Href = "story.html#" + strings.ToLower(source.Label)
		}
		v.Cited = append(v.Cited, cited)
	}
	for _, rule := range clause.Rests {
		v.Rules = append(v.Rules, link{b.rules[rule], "verdicts.html#rule-" + strconv.Itoa(int(rule))})
	}
	words := spec.Faults()
	for _, name := range proofsOf(clause) {
		v.Faults = append(v.Faults, link{words[name], "faults.html#" + name})
	}
	if reason, unproven := strings.CutPrefix(spec.Proofs()[clause.ID], "- "); unproven {
		var err error
		if v.Unproven, err = b.inline(clause.File, reason); err != nil {
			return v, err
		}
	}
	v.Everybody = len(v.Promises) == len(spec.Dialects())
	v.Core = core(clause.ID)
	b.judged(&v)
	return v, nil
}

// core names the classes that have the clause in their core set.
func core(id string) string {
	var classes []string
	for _, class := range spec.Classes() {
		if slices.Contains(spec.Core(class), id) {
			classes = append(classes, string(class))
		}
	}
	if len(classes) == len(spec.Classes()) {
		return "every class"
	}
	return strings.Join(classes, ", ")
}

// judged sorts the targets by what the clause came to.
func (b *builder) judged(v *clauseView) {
	others := make(map[report.Outcome][]string)
	for _, o := range b.results[v.ID] {
		switch o.Outcome {
		case report.Pass, report.UnexpectedPass:
			v.Kept = append(v.Kept, o.Target)
		case report.Fail, report.Warn, report.ExpectedFail, "advice":
			v.Broken = append(v.Broken, o)
		default:
			others[o.Outcome] = append(others[o.Outcome], o.Target)
		}
	}
	for _, o := range report.Outcomes() {
		if len(others[o]) > 0 {
			v.Other = append(v.Other, group{o, others[o]})
		}
	}
	if len(b.results[v.ID]) > 0 {
		v.Evidence = matrixFolder + "/c/" + v.ID + ".html"
	}
}
