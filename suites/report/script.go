package report

import (
	_ "embed"
	"strings"
)

// scriptText is what a reproduction begins with: functions in Python, each of which
// a line "## NAME" names.
//
//go:embed script.py
var scriptText string

// scriptOn is the beginning of a script with those steps: the functions that they call,
// and no others, so that it stays short. notice stands in front of the first function.
func scriptOn(steps, notice string) string {
	var b strings.Builder
	for i, part := range strings.Split(scriptText, "## ") {
		name, text, _ := strings.Cut(part, "\n")
		switch {
		case i == 0:
			b.WriteString(part + notice)
		case name == "always" || strings.Contains("\n"+steps, "\n"+name+"("):
			b.WriteString(text)
		}
	}
	return b.String()
}
