package spec

import (
	"strings"
	"testing"
)

// Each fault that proves a clause has its words.
func TestEachFaultHasItsWords(t *testing.T) {
	words := Faults()
	for id, proof := range Proofs() {
		if strings.HasPrefix(proof, "-") {
			continue
		}
		for name := range strings.SplitSeq(proof, ",") {
			if words[name] == "" {
				t.Errorf("%s is proved by %s, of which faults.txt says nothing", id, name)
			}
		}
	}
}
