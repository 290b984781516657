package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// reasonCount is how many results share a reason.
type reasonCount struct {
	Reason  string
	Count   int
	Clauses []string
	Parts   []reasonCount // the reasons that were joined, where there are several
}

// apart counts by reason the results that are not applicable to the target or
// to the run, the most frequent reason first. Reasons that differ in one word
// alone, such as the feature that is lacking, are parts of one.
func apart(results []Result) []reasonCount {
	var counts []reasonCount
	for _, r := range results {
		if !lookOf(r.Outcome).Apart {
			continue
		}
		whole, part := kindOfReason(r.Reason)
		at := slices.IndexFunc(counts, func(c reasonCount) bool { return c.Reason == whole })
		if at < 0 {
			at = len(counts)
			counts = append(counts, reasonCount{Reason: whole})
		}
		counts[at].add(r.Clause)
		if part == "" {
			continue
		}
		parts := &counts[at].Parts
		within := slices.IndexFunc(*parts, func(c reasonCount) bool { return c.Reason == part })
		if within < 0 {
			within = len(*parts)
			*parts = append(*parts, reasonCount{Reason: part})
		}
		(*parts)[within].add(r.Clause)
	}
	frequent := func(a, b reasonCount) int { return b.Count - a.Count }
	for i := range counts {
		slices.SortStableFunc(counts[i].Parts, frequent)
	}
	slices.SortStableFunc(counts, frequent)
	return counts
}

func (c *reasonCount) add(clause string) {
	c.Count++
	c.Clauses = append(c.Clauses, clause)
}

// needs, binds and released are the reasons that name a feature, a class or a citation.
var (
	released = regexp.MustCompile(`^released: (.+)$`)
	needs    = regexp.MustCompile(`^it needs ([a-z-]+), which (?:the target does not offer|is not offered)$`)
	binds    = regexp.MustCompile(`^it binds ([a-z, -]+); the (?:target|value) (?:is|declares) `)
)

// kindOfReason is what a reason has in common with others, and what it has not.
func kindOfReason(reason string) (whole, part string) {
	if found := needs.FindStringSubmatch(reason); found != nil {
		return "need a feature that the target does not offer", found[1]
	}
	if found := binds.FindStringSubmatch(reason); found != nil {
		return "bind another class", found[1]
	}
	if found := released.FindStringSubmatch(reason); found != nil {
		return "released by what the protocol allows", found[1]
	}
	return reason, ""
}

// apartLine says in one line how much is not applicable, and why.
func apartLine(results []Result) string {
	counts := apart(results)
	total := 0
	var said []string
	for _, count := range counts {
		total += count.Count
		text := fmt.Sprintf("%d: %s", count.Count, count.Reason)
		var parts []string
		for _, part := range count.Parts {
			parts = append(parts, fmt.Sprintf("%s %d", part.Reason, part.Count))
		}
		if len(parts) > 0 && strings.HasPrefix(count.Reason, "need") {
			text += " (" + strings.Join(parts, ", ") + ")"
		}
		said = append(said, text)
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("not applicable: %d of %d clauses. %s", total, len(results), strings.Join(said, "; "))
}

// adviceLine names in one line what there is of advice, which no verdict counts.
func adviceLine(results []Result) string {
	var ids []string
	for _, r := range results {
		if r.Outcome == Advice {
			ids = append(ids, r.Clause)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return "advice, no part of the verdict, as nobody promised it: " + strings.Join(ids, ", ")
}
