// Package transcripts holds the sequences of steps that servers have failed, or
// might, so that the built command has them too. Each file says what it is about.
package transcripts

import "embed"

// FS holds the files, each named *.txt.
//
//go:embed *.txt
var FS embed.FS
