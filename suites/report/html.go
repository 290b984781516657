package report

import (
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
)

// WriteHTML writes the runs as one page without any outside resource: a matrix
// of clauses by targets, and below it the blocks of all that needs explaining.
// html/template escapes whatever text comes through.
func WriteHTML(w io.Writer, runs []*Run) error {
	return matrixPage.Execute(w, matrixOf(neutral(runs)))
}

type matrix struct {
	Runs     []*Run
	Families []matrixFamily
	Blocks   []matrixBlock
}

type matrixFamily struct {
	Name, Title string
	Columns     int
	Rows        []matrixRow
}

type matrixRow struct {
	ID, Level, Title string
	Cells            []matrixCell
}

type matrixCell struct {
	Outcome Outcome // "" where the run has no result
	Short   string
	Reason  string
	Anchor  string // of the block below, or ""
}

type matrixBlock struct{ Anchor, Target, Text string }

// short is what a cell says; colour is never the only sign.
var short = map[Outcome]string{
	Pass: "pass", Fail: "FAIL", Warn: "warn", Unsupported: "n/a", ExpectedFail: "known",
	UnexpectedPass: "STALE", Inconclusive: "?", Untested: "–", Error: "ERROR",
}

func matrixOf(runs []*Run) matrix {
	page := matrix{Runs: runs}
	results := make([]map[string]Result, len(runs))
	for i, run := range runs {
		results[i] = make(map[string]Result, len(run.Results))
		for _, r := range run.Results {
			results[i][r.Clause] = r
		}
	}
	for _, family := range spec.Families() {
		rows := matrixFamily{Name: family.Name, Title: family.Title, Columns: len(runs) + 1}
		for _, clause := range family.Clauses {
			row := matrixRow{ID: clause.ID, Level: string(clause.Level), Title: clause.Sentence}
			present := false
			for i, run := range runs {
				r, found := results[i][clause.ID]
				present = present || found
				row.Cells = append(row.Cells, page.cell(run, i, r))
			}
			if present {
				rows.Rows = append(rows.Rows, row)
			}
		}
		if len(rows.Rows) > 0 {
			page.Families = append(page.Families, rows)
		}
	}
	return page
}

// cell is one result; what needs explaining gets a block to link to.
func (m *matrix) cell(run *Run, column int, r Result) matrixCell {
	cell := matrixCell{Outcome: r.Outcome, Short: short[r.Outcome], Reason: r.Reason}
	if r.Expected != "" {
		cell.Reason = strings.TrimSpace(r.Reason + "; expected: " + r.Expected)
	}
	if explains(r.Outcome) || r.Outcome == ExpectedFail {
		cell.Anchor = fmt.Sprintf("r%d-%s", column, r.Clause)
		m.Blocks = append(m.Blocks, matrixBlock{Anchor: cell.Anchor, Target: run.Target.Name, Text: Block(r)})
	}
	return cell
}

var matrixPage = template.Must(template.New("matrix").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>reactorspec</title>
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #1b1b1b; background: #fff }
table { border-collapse: collapse }
th, td { border: 1px solid #ccc; padding: .2em .6em; text-align: left; vertical-align: top }
thead th { position: sticky; top: 0; background: #fff }
tr.family th { background: #eee }
td.pass { background: #d9f2d9 } td.fail, td.error, td.unexpected-pass { background: #f7c6c6; font-weight: bold }
td.warn, td.inconclusive { background: #fbeec1 } td.expected-fail { background: #f3d9f3 }
td.unsupported, td.untested { color: #666 }
small { color: #555; font-weight: normal }
pre { background: #f6f6f6; padding: .6em; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
</style>
</head>
<body>
<h1>reactorspec</h1>
<table>
<thead>
<tr><th scope="col">clause</th>{{range .Runs}}<th scope="col">{{.Target.Name}}<br><small>{{with .Target.Version}}{{.}} {{end}}{{with .Target.Language}}{{.}} {{end}}{{.Target.Dialect}}{{with .Target.Class}}, {{.}}{{end}}</small></th>{{end}}</tr>
</thead>
<tbody>
<tr><th scope="row">verdict</th>{{range .Runs}}<td class="{{if eq .Verdict.Exit 0}}pass{{else if eq .Verdict.Exit 1}}fail{{else}}inconclusive{{end}}">{{.Verdict.Word}}<br><small>{{.Verdict.Judged}} of {{.Verdict.Total}} judged</small></td>{{end}}</tr>
{{range .Families}}<tr class="family"><th scope="rowgroup" colspan="{{.Columns}}">{{.Name}}: {{.Title}}</th></tr>
{{range .Rows}}<tr><th scope="row">{{.ID}} <small>{{.Level}}</small><br><small>{{.Title}}</small></th>{{range .Cells}}<td{{with .Outcome}} class="{{.}}"{{end}}{{with .Reason}} title="{{.}}"{{end}}>{{if .Anchor}}<a href="#{{.Anchor}}">{{.Short}}</a>{{else}}{{.Short}}{{end}}</td>{{end}}</tr>
{{end}}{{end}}</tbody>
</table>
<h2>Verdicts</h2>
{{range .Runs}}<p>{{.Verdict.Sentence}}</p>
{{with .Problem}}<p>{{.Message}}</p>
{{end}}{{with .Verdict.Reasons}}<ul>{{range .}}<li>{{.}}</li>{{end}}</ul>
{{end}}{{end}}{{with .Blocks}}<h2>Evidence</h2>
{{range .}}<h3 id="{{.Anchor}}">{{.Target}}</h3>
<pre>{{.Text}}</pre>
{{end}}{{end}}</body>
</html>
`))
