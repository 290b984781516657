package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// sameEnd says, of the broken clauses in whose checks the server came to the same end, that
// it may be one bug: a line for each end that two clauses share.
func sameEnd(results []Result) []string {
	broken, ends := 0, map[string][]string{}
	for _, r := range results {
		if r.Outcome != Fail {
			continue
		}
		broken++
		if r.Evidence != nil && r.Evidence.Died != "" {
			ends[r.Evidence.Died] = append(ends[r.Evidence.Died], r.Clause)
		}
	}
	var lines []string
	for _, end := range slices.Sorted(maps.Keys(ends)) {
		if clauses := ends[end]; len(clauses) > 1 {
			lines = append(lines, fmt.Sprintf("of the %d broken clauses %d may be one bug, since %s in the check of each: %s",
				broken, len(clauses), end, strings.Join(clauses, ", ")))
		}
	}
	return lines
}
