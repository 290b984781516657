package report

import (
	_ "embed"
	"regexp"
)

//go:embed run.schema.json
var schemaText []byte

// Schema is a JSON schema of the JSON report: of a run, and of a matrix.
func Schema() []byte { return schemaText }

// elsewhere words a command for a page, whose reader sits at another machine: without the
// directory that the program has on this one.
func elsewhere(command string) string {
	return programPath.ReplaceAllString(command, "reactorspec$1")
}

// programPath is the program's path at the beginning of a command, in quotes where the
// path needs them.
var programPath = regexp.MustCompile(`^(?:'[^']*/reactorspec'|\S*/reactorspec)( |$)`)

// abroad is a result whose rerun line is for a page.
func abroad(r Result) Result {
	if r.Evidence != nil {
		e := *r.Evidence
		e.Rerun, r.Evidence = elsewhere(e.Rerun), &e
	}
	return r
}

// Stylesheet is the style of the report's pages, for pages that show them beside others.
func Stylesheet() string { return pageFile("style.css") }
