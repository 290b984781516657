package target

import (
	"regexp"
	"strings"
)

var (
	// saysError is a line that calls itself an error; cites, one that names the place in
	// a file, as go build does, which has no such word. Compilers cite the places of
	// warnings too.
	saysError = regexp.MustCompile(`(?i)\berror\b`)
	cites     = regexp.MustCompile(`:\d+(:\d+)?: `)
	harmless  = regexp.MustCompile(`(?i)\b(warning|note)\b`)
)

// Complaint is what a failed build's output comes to in at most so many lines: the
// first that names an error, since whatever follows it may be its consequence, and the
// last ones.
func Complaint(text string, most int) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	from := max(0, len(lines)-most)
	first := firstError(lines)
	if first < 0 || first >= from {
		return lines[from:]
	}
	shown := []string{lines[first]}
	if rest := max(first+1, len(lines)-most+2); rest > first+1 {
		return append(append(shown, "…"), lines[rest:]...)
	}
	return append(shown, lines[first+1:]...)
}

// firstError is the index of the first line that names an error, or -1.
func firstError(lines []string) int {
	for i, line := range lines {
		if saysError.MatchString(line) || cites.MatchString(line) && !harmless.MatchString(line) {
			return i
		}
	}
	return -1
}

// complaint is Complaint of all that is kept of a process's output, made safe to show.
func (p *process) complaint() string {
	text, _ := p.err.since(0)
	if len(strings.TrimSpace(string(text))) == 0 {
		text, _ = p.out.since(0)
	}
	lines := Complaint(string(text), tailLines)
	for i, line := range lines {
		lines[i] = Sanitise(line)
	}
	return strings.Join(lines, "\n")
}

// gist is the one line that tells the most of a complaint: the first error, or the last line.
func gist(complaint string) string {
	lines := strings.Split(complaint, "\n")
	if first := firstError(lines); first >= 0 {
		return lines[first]
	}
	return lines[len(lines)-1]
}
