package spec

import (
	_ "embed"
	"strings"
)

var (
	//go:embed coverage.txt
	coverage string
	//go:embed faults.txt
	faults string
)

// Proofs returns, by clause ID, the faults that break the clause on purpose,
// separated by commas, or "-" and the reason why there is none. It is the
// committed spec/coverage.txt, which the tests of suites/proof keep fresh.
func Proofs() map[string]string {
	proofs := make(map[string]string)
	for line := range strings.Lines(coverage) {
		words := strings.Fields(line)
		if len(words) > 3 && words[0] != "#" {
			proofs[words[0]] = strings.Join(words[3:], " ")
		}
	}
	return proofs
}

// Faults returns what is wrong in each fault that Proofs names, in a sentence
// without its full stop. It is the committed spec/faults.txt, kept fresh likewise.
func Faults() map[string]string {
	words := make(map[string]string)
	for line := range strings.Lines(faults) {
		if name, why, found := strings.Cut(strings.TrimSpace(line), ": "); found && !strings.HasPrefix(name, "#") {
			words[name] = why
		}
	}
	return words
}
