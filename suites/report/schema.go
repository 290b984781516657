package report

import _ "embed"

//go:embed run.schema.json
var schemaText []byte

// Schema is a JSON schema of the JSON report: of a run, and of a matrix.
func Schema() []byte { return schemaText }
