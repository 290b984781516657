package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// matrixPage is targets by clauses.
type matrixPage struct {
	frame
	Site     *site
	Words    []wordCount
	Families []matrixFamily
	Clauses  []matrixClause
	Groups   []matrixGroup
	Columns  int
	Worst    []matrixClause // those that somebody breaks, the most broken first
	Rest     []matrixClause
	Outcomes []look // that occur
	Machines []string
	First    time.Time
	Took     time.Duration
}

type wordCount struct {
	Word  Word
	Class string
	Count int
}

type matrixFamily struct {
	Name, Title string
	Columns     int
}

type matrixClause struct {
	spec.Clause
	Broken, Judged int
	First          bool // of its family
}

// matrixGroup is the targets in one language.
type matrixGroup struct {
	Name string
	Rows []matrixRow
}

type matrixRow struct {
	*Run
	Slug    string
	Class   string // of the verdict's colours
	Symbol  string
	Cells   []cell
	Broken  int
	Problem string
}

func matrixPageOf(site *site) matrixPage {
	page := matrixPage{frame: site.frame(fmt.Sprintf("%d targets", len(site.Runs)), ""), Site: site, Columns: len(site.Clauses) + 4}
	seen := make(map[Outcome]bool)
	for i, run := range site.Runs {
		row := matrixRow{Run: run, Slug: site.Slugs[i], Class: verdictClass(run.Verdict), Symbol: verdictSymbol(run.Verdict)}
		if run.Problem != nil {
			row.Problem = run.Problem.Message
		}
		for _, clause := range site.Clauses {
			r, found := site.results[i][clause.ID]
			if !found {
				row.Cells = append(row.Cells, cell{})
				continue
			}
			seen[r.Outcome] = true
			c := cell{look: lookOf(r.Outcome), Clause: clause.ID, Level: clause.Level}
			if c.Broken && r.Outcome.Judged() {
				row.Broken++
			}
			if r.evident() {
				c.Href, c.Reason = "t/"+row.Slug+"/"+r.Clause+".html", shorten(r.Reason, 120)
			}
			row.Cells = append(row.Cells, c)
		}
		page.place(row)
		page.count(run)
	}
	slices.SortStableFunc(page.Groups, func(a, b matrixGroup) int { return byName(a.Name, b.Name) })
	family := ""
	for _, clause := range site.Clauses {
		column := matrixClause{Clause: clause, First: clause.Family != family}
		column.Broken, column.Judged = site.broken(clause.ID)
		if column.First {
			family = clause.Family
			page.Families = append(page.Families, matrixFamily{Name: family, Title: familyTitle(family)})
		}
		page.Families[len(page.Families)-1].Columns++
		page.Clauses = append(page.Clauses, column)
		if column.Broken > 0 {
			page.Worst = append(page.Worst, column)
		} else {
			page.Rest = append(page.Rest, column)
		}
	}
	slices.SortStableFunc(page.Worst, func(a, b matrixClause) int { return cmp.Compare(b.Broken, a.Broken) })
	for _, look := range looks {
		if seen[look.Outcome] {
			page.Outcomes = append(page.Outcomes, look)
		}
	}
	return page
}

func verdictSymbol(v Verdict) string {
	switch v.Word {
	case Conformant:
		return lookOf(Pass).Symbol
	case AsExpected:
		return lookOf(ExpectedFail).Symbol
	case NotConformant:
		return lookOf(Fail).Symbol
	case Undecided:
		return lookOf(Inconclusive).Symbol
	}
	return lookOf(Error).Symbol
}

// place puts a row into the group of its language.
func (p *matrixPage) place(row matrixRow) {
	name := cmp.Or(row.Target.Language, "Other")
	for i := range p.Groups {
		if p.Groups[i].Name == name {
			p.Groups[i].Rows = append(p.Groups[i].Rows, row)
			return
		}
	}
	p.Groups = append(p.Groups, matrixGroup{Name: name, Rows: []matrixRow{row}})
}

// count adds a run to what the page says of all.
func (p *matrixPage) count(run *Run) {
	at := slices.IndexFunc(p.Words, func(w wordCount) bool { return w.Word == run.Verdict.Word })
	if at < 0 {
		at = len(p.Words)
		p.Words = append(p.Words, wordCount{Word: run.Verdict.Word, Class: verdictClass(run.Verdict)})
	}
	p.Words[at].Count++
	slices.SortStableFunc(p.Words, func(a, b wordCount) int { return b.Count - a.Count })
	if machine := run.Machine.String(); machine != "" && !slices.Contains(p.Machines, machine) {
		p.Machines = append(p.Machines, machine)
	}
	if !run.Started.IsZero() && (p.First.IsZero() || run.Started.Before(p.First)) {
		p.First = run.Started
	}
	p.Took += run.Took
}

func familyTitle(name string) string {
	for _, family := range spec.Families() {
		if family.Name == name {
			return family.Title
		}
	}
	return name
}
