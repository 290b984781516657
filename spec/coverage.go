package spec

import (
	_ "embed"
	"strings"
)

//go:embed coverage.txt
var coverage string

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
