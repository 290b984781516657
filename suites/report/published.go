package report

import _ "embed"

//go:embed run.schema.json
var schemaText []byte

// Schema is a JSON schema of the JSON report: of a run, and of a matrix.
func Schema() []byte { return schemaText }

// Stylesheet is the style of the report's pages, for pages that show them beside others.
func Stylesheet() string { return pageFile("style.css") }
