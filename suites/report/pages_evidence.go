package report

import "slices"

// evidencePage is the page of one result.
type evidencePage struct {
	frame
	Target      Target
	View        resultView
	Slug        string
	Before      string // the results with evidence beside it, in the spec's order
	After       string
	JudgedAlike int // how many targets of the matrix break the clause
	Judged      int
}

func evidencePageOf(run *Run, r Result, site *site, slug string) evidencePage {
	page := evidencePage{frame: site.frame(r.Clause+" on "+run.Target.Name, "../../"), Target: run.Target, Slug: slug,
		View: viewOf(r, site)}
	page.JudgedAlike, page.Judged = site.broken(r.Clause)
	list := slices.DeleteFunc(ordered(run.Results), func(r Result) bool { return !r.evident() })
	at := slices.IndexFunc(list, func(other Result) bool { return other.Clause == r.Clause })
	if at > 0 {
		page.Before = list[at-1].Clause
	}
	if at+1 < len(list) {
		page.After = list[at+1].Clause
	}
	return page
}

// broken counts the targets that break a clause, and those judged by it.
func (s *site) broken(clause string) (broken, judged int) {
	for _, results := range s.results {
		r, found := results[clause]
		if !found || !r.Outcome.Judged() { // advice is no part of what is counted
			continue
		}
		judged++
		if lookOf(r.Outcome).Broken {
			broken++
		}
	}
	return broken, judged
}
