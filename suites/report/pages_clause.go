package report

import (
	"github.com/reactorspec/reactorspec/spec"
)

// clausePage is the page of one clause: what it says, and who keeps it.
type clausePage struct {
	frame
	Clause         spec.Clause
	FamilyTitle    string // of its family
	Link           string
	Broken, Judged int
	Groups         []clauseGroup
}

// clauseGroup is the targets for which a clause came to one outcome.
type clauseGroup struct {
	look
	Targets []clauseTarget
}

type clauseTarget struct {
	Name, Language, Reason, Href string
}

func clausePageOf(site *site, clause spec.Clause) clausePage {
	page := clausePage{frame: site.frame(clause.ID, "../"), Clause: clause, Link: link(clause)}
	for _, family := range spec.Families() {
		if family.Name == clause.Family {
			page.FamilyTitle = family.Title
		}
	}
	page.Broken, page.Judged = site.broken(clause.ID)
	for _, look := range looks {
		group := clauseGroup{look: look}
		for i, run := range site.Runs {
			r, found := site.results[i][clause.ID]
			if !found || r.Outcome != look.Outcome {
				continue
			}
			target := clauseTarget{Name: run.Target.Name, Language: run.Target.Language, Href: "../t/" + site.Slugs[i] + "/index.html"}
			if r.Outcome != Pass {
				target.Reason = shorten(r.Reason, 200)
			}
			if r.evident() {
				target.Href = "../t/" + site.Slugs[i] + "/" + r.Clause + ".html"
			}
			group.Targets = append(group.Targets, target)
		}
		if len(group.Targets) > 0 {
			page.Groups = append(page.Groups, group)
		}
	}
	return page
}
