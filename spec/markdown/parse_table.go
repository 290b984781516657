package markdown

import (
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"

	"github.com/reactorspec/reactorspec/spec"
)

// The heads of the tables that this package reads; other tables are prose.
var (
	coreTable    = []string{"class", "core set"}
	promiseTable = []string{"clause", "promised by"}
	featureTable = []string{"feature", "offered by"}
	releaseTable = []string{"clause", "released by"}
	abilityTable = []string{"capability", "clause", "promised by"}
	fileTable    = []string{"clause", "released in a described dialect by"}
	tlsTable     = []string{"clause", "released over TLS by"}
)

// EveryClause is the row of a promise table that stands for the whole spec.
const everyClause = "every clause"

// verdicts reads the core sets: one row a class, literal clause IDs.
func (p *parser) verdicts() {
	pg, ok := p.open(verdictsPage)
	if !ok {
		return
	}
	rows, found := pg.table(coreTable)
	if !found {
		p.fail(pg.file, 1, "no table `| class | core set |`")
		return
	}
	for _, row := range rows {
		class := spec.Class(row.cells[0])
		if !slices.Contains(spec.Classes(), class) {
			p.fail(pg.file, row.line, "unknown class %q; known are %s", class, join(spec.Classes()))
			continue
		}
		if _, twice := p.declared.Core[class]; twice {
			p.fail(pg.file, row.line, "class %s has two rows", class)
			continue
		}
		core := []string{}
		for _, id := range strings.FieldsFunc(row.cells[1], func(r rune) bool { return r == ' ' || r == ',' }) {
			clause, ok := p.reference(pg, row, id)
			switch {
			case !ok:
			case slices.Contains(core, id):
				p.fail(pg.file, row.line, "%s stands twice in the core set of %s", id, class)
			case clause.Level == spec.Should || clause.Kind == spec.Untested || !clause.Binds(class):
				p.fail(pg.file, row.line, "%s cannot be core for %s: it has to be a MUST that is tested and binds the class", id, class)
			default:
				core = append(core, id)
			}
		}
		p.declared.Core[class] = core
	}
	for _, class := range spec.Classes() {
		if _, found := p.declared.Core[class]; !found {
			p.fail(pg.file, 1, "class %s has no core set", class)
		}
	}
}

// dialect reads one dialect's page: `# resp: title`, prose, and the table of
// promises, each with its citation.
func (p *parser) dialect(file string) {
	pg, ok := p.open(file)
	if !ok {
		return
	}
	name := strings.TrimSuffix(path.Base(file), ".md")
	dialect := spec.Dialect{Name: name, Promises: make(map[string]string), Released: make(map[string]string)}
	if len(pg.blocks) > 0 && heading(pg.blocks[0], 1) {
		titled, title, _ := strings.Cut(pg.raw(pg.blocks[0]), ":")
		if titled == name {
			dialect.Title = strings.TrimSpace(title)
		}
	}
	if dialect.Title == "" {
		p.fail(file, 1, "the page does not open with `# %s: title`", name)
	}
	rows, found := pg.table(promiseTable)
	_, releases := pg.table(releaseTable)
	dialect.Description, dialect.DescriptionLine = pg.description()
	if !found && !releases && dialect.Description == "" {
		p.fail(file, 1, "no table `| clause | promised by |`")
	}
	for _, row := range rows {
		p.promise(pg, dialect.Promises, row.cells[0], row.cells[1], row)
	}
	rows, _ = pg.table(releaseTable)
	for _, row := range rows {
		p.promise(pg, dialect.Released, row.cells[0], row.cells[1], row)
		for id := range dialect.Released {
			if _, too := dialect.Promises[id]; too {
				p.fail(file, row.line, "%s is promised and released", id)
			}
		}
	}
	rows, _ = pg.table(featureTable)
	for _, row := range rows {
		feature := spec.Feature(strings.Trim(row.cells[0], "`"))
		if !slices.Contains(spec.Features(), feature) {
			p.fail(file, row.line, "unknown feature %q; known are %s", feature, join(spec.Features()))
			continue
		}
		dialect.Features = append(dialect.Features, feature)
	}
	if name != commonName {
		p.declared.Dialects = append(p.declared.Dialects, dialect)
		return
	}
	p.declared.Common, p.declared.Released = dialect.Promises, dialect.Released
	rows, _ = pg.table(abilityTable)
	for _, row := range rows {
		ability := row.cells[0]
		if p.declared.Abilities[ability] == nil {
			p.declared.Abilities[ability] = make(map[string]string)
		}
		p.promise(pg, p.declared.Abilities[ability], row.cells[1], row.cells[2], row)
	}
	rows, _ = pg.table(fileTable)
	for _, row := range rows {
		p.promise(pg, p.declared.Undescribed, row.cells[0], row.cells[1], row)
	}
	rows, _ = pg.table(tlsTable)
	for _, row := range rows {
		p.promise(pg, p.declared.OverTLS, row.cells[0], row.cells[1], row)
	}
}

// description is the first YAML block of a page, and the line on which its text
// starts; empty where there is none.
func (pg page) description() (text string, line int) {
	for _, block := range pg.blocks {
		fence, ok := block.(*ast.FencedCodeBlock)
		if !ok || string(fence.Language(pg.source)) != "yaml" || fence.Lines().Len() == 0 {
			continue
		}
		var b strings.Builder
		for i := range fence.Lines().Len() {
			segment := fence.Lines().At(i)
			b.Write(segment.Value(pg.source))
		}
		return b.String(), pg.line(fence)
	}
	return "", 0
}

// promise reads one row: one or more clause IDs, or every clause, and where the
// promise is made.
func (p *parser) promise(pg page, promises map[string]string, named, citation string, row row) {
	if citation == "" {
		p.fail(pg.file, row.line, "the promise of %s has no citation", named)
	}
	ids := strings.FieldsFunc(named, func(r rune) bool { return r == ' ' || r == ',' })
	if named == everyClause {
		ids = nil
		for id, clause := range p.clauses {
			if _, already := promises[id]; !already && !clause.Withdrawn {
				promises[id] = citation
			}
		}
	} else if len(ids) == 0 {
		p.fail(pg.file, row.line, "a promise names no clause")
	}
	for _, id := range ids {
		if _, ok := p.reference(pg, row, id); !ok {
			continue
		}
		if _, twice := promises[id]; twice {
			p.fail(pg.file, row.line, "%s is promised twice", id)
		}
		promises[id] = citation
	}
}

// reference finds a clause in force that a table names.
func (p *parser) reference(pg page, row row, id string) (spec.Clause, bool) {
	clause, found := p.clauses[id]
	switch {
	case !found:
		p.fail(pg.file, row.line, "unknown clause %s", id)
	case clause.Withdrawn:
		p.fail(pg.file, row.line, "%s is withdrawn", id)
	}
	return clause, found && !clause.Withdrawn
}

// row is one row of a table, its cells as Markdown.
type row struct {
	cells []string
	line  int
}

// table gathers the rows of all of a page's tables with that head.
func (pg page) table(head []string) (rows []row, found bool) {
	for _, block := range pg.blocks {
		table, ok := block.(*extast.Table)
		if !ok || table.FirstChild() == nil {
			continue
		}
		if !slices.Equal(pg.cells(table.FirstChild()), head) {
			continue
		}
		found = true
		for child := table.FirstChild().NextSibling(); child != nil; child = child.NextSibling() {
			cells := pg.cells(child)
			for len(cells) < len(head) {
				cells = append(cells, "")
			}
			rows = append(rows, row{cells: cells, line: pg.line(child)})
		}
	}
	return rows, found
}

func (pg page) cells(row ast.Node) []string {
	var cells []string
	for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
		cells = append(cells, pg.raw(cell))
	}
	return cells
}
