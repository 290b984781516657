package target

import (
	"os"
	"regexp"
	"strings"
)

// entries is the list of expected failures as it stands in a target file: the line of its
// key, and each entry with the comments and empty lines above it.
type entries struct {
	head   string // "expected:" and a comment perhaps
	indent string // of the dashes
	texts  []string
	parsed []Expected
}

var (
	expectedKey = regexp.MustCompile(`^expected[ \t]*:[ \t]*(?:#.*)?$`)
	dashed      = regexp.MustCompile(`^( *)- `)
)

// entriesOf finds them in the file at path. A list that is written in another way than
// with an entry at each dash is found not at all, and will be written anew.
func entriesOf(path string) entries {
	none := entries{head: "expected:", indent: "  "}
	text, err := os.ReadFile(path)
	if err != nil {
		return none
	}
	read, err := Read(strings.NewReader(string(text)), path)
	if err != nil {
		return none
	}
	lines := strings.Split(pins.FindString(cutBefore(string(text))), "\n")
	if !expectedKey.MatchString(lines[0]) {
		return none
	}
	found := entries{head: strings.TrimRight(lines[0], " \t"), parsed: read.Expected}
	var above []string
	for _, line := range lines[1:] {
		at := dashed.FindStringSubmatch(line)
		switch trimmed := strings.TrimSpace(line); {
		case at != nil && (len(found.texts) == 0 || at[1] == found.indent):
			found.indent = at[1]
			found.texts = append(found.texts, strings.Join(append(above, line), "\n")+"\n")
			above = nil
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
			above = append(above, line) // of the next entry, unless this one goes on
		case len(found.texts) > 0:
			found.texts[len(found.texts)-1] += strings.Join(append(above, line), "\n") + "\n"
			above = nil
		}
	}
	if len(found.texts) != len(found.parsed) {
		return none
	}
	return found
}

// cutBefore is the text of a file from its key expected: on.
func cutBefore(text string) string {
	if at := regexp.MustCompile(`(?m)^expected[ \t]*:`).FindStringIndex(text); at != nil {
		return text[at[0]:]
	}
	return ""
}

// of is the text of an entry as it stood, if it is unchanged.
func (e entries) of(entry Expected) (string, bool) {
	for i, parsed := range e.parsed {
		if parsed == entry {
			return e.texts[i], true
		}
	}
	return "", false
}
