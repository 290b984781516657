package spec

import (
	"embed"
	"io/fs"
)

//go:embed *.md dialects/*.md *.schema.json
var pages embed.FS

// Pages are the specification as it is written, in Markdown, and the JSON schemas that
// it links to, by their paths below the directory spec.
func Pages() fs.FS { return pages }
