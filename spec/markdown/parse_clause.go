package markdown

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"

	"github.com/reactorspec/reactorspec/spec"
)

// family reads one family's file: `# WAKE: title`, an introduction, and clauses
// under level-3 headings, which level-2 headings may group.
func (p *parser) family(file string) {
	pg, ok := p.open(file)
	if !ok {
		return
	}
	name := strings.ToUpper(strings.TrimSuffix(path.Base(file), ".md"))
	if !slices.Contains(spec.FamilyNames, name) {
		p.fail(file, 1, "%s is no family; the families are %s", name, strings.Join(spec.FamilyNames, " "))
		return
	}
	if len(pg.blocks) == 0 || !heading(pg.blocks[0], 1) {
		p.fail(file, 1, "the page does not open with `# %s: title`", name)
		return
	}
	titled, title, found := strings.Cut(pg.raw(pg.blocks[0]), ":")
	if !found || titled != name || strings.TrimSpace(title) == "" {
		p.fail(file, 1, "the first heading is not `# %s: title`", name)
	}
	family := spec.Family{Name: name, Title: strings.TrimSpace(title)}
	sections := pg.sections()
	family.About = pg.between(pg.blocks[0], sections[0].next)
	if family.About == "" {
		p.fail(file, 1, "the family has no introduction")
	}
	for _, section := range sections[1:] {
		head := section.blocks[0].(*ast.Heading)
		switch {
		case head.Level == 2: // groups clauses; what stands below it is prose
		case head.Level == 3:
			if clause, ok := p.clause(pg, name, section); ok {
				family.Clauses = append(family.Clauses, clause)
			}
		default:
			p.fail(file, pg.line(head), "a heading of level %d; clauses stand under level 3, groups under level 2", head.Level)
		}
	}
	p.declared.Families = append(p.declared.Families, family)
}

// section is a heading with the blocks below it, up to the next heading.
type section struct {
	blocks []ast.Node
	next   ast.Node // the next heading, nil at the end of the page
}

func (pg page) sections() []section {
	var sections []section
	for _, block := range pg.blocks {
		if last := len(sections) - 1; last >= 0 && !anyHeading(block) {
			sections[last].blocks = append(sections[last].blocks, block)
			continue
		}
		if last := len(sections) - 1; last >= 0 {
			sections[last].next = block
		}
		sections = append(sections, section{blocks: []ast.Node{block}})
	}
	return sections
}

// clause reads one clause. It comes back, with its faults noted, whenever it
// has a usable ID, so that references to it are not called unknown as well.
func (p *parser) clause(pg page, family string, section section) (spec.Clause, bool) {
	head := section.blocks[0]
	clause := spec.Clause{ID: pg.raw(head), Family: family, File: pg.file, Line: pg.line(head)}
	fail := func(block ast.Node, format string, args ...any) {
		p.fail(pg.file, pg.line(block), clause.ID+": "+format, args...)
	}
	named, number, ok := spec.SplitID(clause.ID)
	if !ok || named != family {
		p.fail(pg.file, clause.Line, "heading %q is not a clause ID of this family, such as %s-1", clause.ID, family)
		return spec.Clause{}, false
	}
	clause.Number = number
	if earlier, taken := p.clauses[clause.ID]; taken {
		fail(head, "the ID stands at line %d already; IDs are never reused", earlier.Line)
		return spec.Clause{}, false
	}
	defer func() { p.clauses[clause.ID] = clause }()
	body := section.blocks[1:]
	if len(body) == 0 || body[0].Kind() != ast.KindParagraph {
		fail(head, "no sentence follows the heading")
		return clause, true
	}
	clause.Sentence = pg.raw(body[0])
	if strings.HasPrefix(clause.Sentence, "Withdrawn") {
		clause.Withdrawn = true
		clause.Notes = pg.between(body[0], section.next)
		return clause, true
	}
	if level, problem := levelOf(pg.prose(body[0])); problem != "" {
		fail(body[0], "%s", problem)
	} else {
		clause.Level = level
	}
	list, isList := ast.Node(nil), false
	if len(body) > 1 {
		list, isList = body[1], body[1].Kind() == ast.KindList
	}
	if !isList {
		fail(head, "no list of Intent, Check, Vantage, Classes, Source and Rests on follows the sentence")
		return clause, true
	}
	p.entries(pg, &clause, list)
	clause.Notes = pg.between(list, section.next)
	return clause, true
}

// keywords are the words of RFC 2119 in capitals. NOT is part of the keyword
// before it (or, for RECOMMENDED, behind it), so it is not counted.
var keywords = []string{"MUST", "SHALL", "SHOULD", "MAY", "REQUIRED", "RECOMMENDED", "OPTIONAL"}

// levelOf counts the RFC 2119 keywords of a sentence; problem is "" for
// exactly one MUST or SHOULD.
func levelOf(sentence string) (level spec.Level, problem string) {
	var found []string
	for _, word := range strings.FieldsFunc(sentence, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if slices.Contains(keywords, word) {
			found = append(found, word)
		}
	}
	switch {
	case len(found) == 0:
		return "", "the sentence has no RFC 2119 keyword; say MUST or SHOULD"
	case len(found) > 1:
		return "", "the sentence has more than one RFC 2119 keyword: " + strings.Join(found, ", ")
	case found[0] != string(spec.Must) && found[0] != string(spec.Should):
		return "", "the keyword of a clause is MUST or SHOULD, not " + found[0]
	}
	return spec.Level(found[0]), ""
}

// entries reads the list under a sentence.
func (p *parser) entries(pg page, clause *spec.Clause, list ast.Node) {
	seen := make(map[string]bool)
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		line := pg.line(item)
		fail := func(format string, args ...any) { p.fail(pg.file, line, clause.ID+": "+format, args...) }
		if item.FirstChild() == nil || item.FirstChild().NextSibling() != nil {
			fail("a list entry is one `Key: text`, without paragraphs or lists below it")
			continue
		}
		key, value, found := strings.Cut(pg.raw(item.FirstChild()), ":")
		value = strings.TrimSpace(value)
		switch {
		case !found:
			fail("list entry %q has no key", key)
			continue
		case seen[key]:
			fail("%s stands twice", key)
			continue
		case value == "":
			fail("%s is empty", key)
		}
		seen[key] = true
		switch key {
		case "Intent":
			clause.Intent = value
		case "Check":
			clause.Kind, clause.Method = check(value, fail)
		case "Vantage":
			clause.Vantages = names("vantage", value, spec.Vantages(), fail)
		case "Needs":
			clause.Needs = names("feature", value, spec.Features(), fail)
		case "Classes":
			if clause.Classes = spec.Classes(); value != "all" {
				clause.Classes = names("class", value, spec.Classes(), fail)
			}
		case "Source":
			clause.Source = value
		case "Rests on":
			clause.Rests = rules(value, fail)
		default:
			fail("unknown key %q; the keys are Intent, Check, Vantage, Needs, Classes, Source, Rests on", key)
		}
	}
	for _, key := range []string{"Intent", "Check", "Vantage", "Classes", "Source", "Rests on"} {
		if !seen[key] {
			p.fail(pg.file, clause.Line, "%s: %s is missing", clause.ID, key)
		}
	}
}

// check splits `stochastic; 2,000 races a run` and `untested (reason)`.
func check(value string, fail func(string, ...any)) (spec.Kind, string) {
	word, method := value, ""
	if end := strings.IndexFunc(value, func(r rune) bool { return !unicode.IsLetter(r) }); end >= 0 {
		word, method = value[:end], strings.TrimSpace(strings.TrimLeft(value[end:], ";,.: "))
	}
	kind := spec.Kind(word)
	switch kind {
	case spec.Deterministic:
	case spec.Stochastic:
		if method == "" {
			fail("a stochastic check says how often it tries and what it detects")
		}
	case spec.Untested:
		if strings.HasPrefix(method, "(") && strings.HasSuffix(strings.TrimSuffix(method, "."), ")") {
			method = strings.TrimSuffix(strings.TrimSuffix(method[1:], "."), ")")
		}
		if strings.TrimSpace(method) == "" {
			fail("an untested clause says why, and what was tried: untested (reason)")
		}
	default:
		fail("unknown kind of check %q; it is deterministic, stochastic or untested (reason)", word)
	}
	return kind, method
}

// names reads a comma-separated list of known words.
func names[T ~string](what, value string, known []T, fail func(string, ...any)) []T {
	var list []T
	for word := range strings.SplitSeq(value, ",") {
		name := T(strings.Trim(strings.TrimSpace(word), "`"))
		switch {
		case !slices.Contains(known, name):
			fail("unknown %s %q; known are %s", what, name, join(known))
		case slices.Contains(list, name):
			fail("%s %s stands twice", what, name)
		default:
			list = append(list, name)
		}
	}
	return list
}

// restsOnNone says of a clause that its check touches none of the rules.
const restsOnNone = "none"

// rules reads `1, 4`: numbers of the rules of verdicts.md, in their order, or none.
func rules(value string, fail func(string, ...any)) []spec.Rule {
	if value == restsOnNone {
		return nil
	}
	var list []spec.Rule
	for word := range strings.SplitSeq(value, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		rule := spec.Rule(n)
		switch {
		case err != nil || !slices.Contains(spec.Rules(), rule):
			fail("%q is no rule of %s; give numbers from %d to %d, or %s", strings.TrimSpace(word), verdictsPage, spec.Slow, spec.Unseen, restsOnNone)
		case len(list) > 0 && list[len(list)-1] >= rule:
			fail("rule %d stands twice, or out of order", rule)
		default:
			list = append(list, rule)
		}
	}
	return list
}

func join[T ~string](words []T) string {
	plain := make([]string, len(words))
	for i, word := range words {
		plain[i] = string(word)
	}
	return strings.Join(plain, ", ")
}

// limitUntested faults every untested clause beyond the allowed number.
func (p *parser) limitUntested() {
	count := 0
	for _, family := range p.declared.Families {
		for _, clause := range family.Clauses {
			if clause.Kind != spec.Untested {
				continue
			}
			if count++; count > spec.MaxUntested {
				p.fail(clause.File, clause.Line, "%s: untested, but %d clauses are untested already, the most there may be", clause.ID, spec.MaxUntested)
			}
		}
	}
}
