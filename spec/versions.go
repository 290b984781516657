package spec

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Writing is the version of the spec that is being written: a clause that no
// frozen list names belongs to it. A release freezes it and begins the next
// (versions.md).
const Writing = "0.2"

// The frozen lists: the IDs of all clauses of a version, one a line, in the order
// of the spec. What a list says never changes.
//
//go:embed versions/*.txt
var lists embed.FS

// frozen are the released versions, oldest first, and since when each clause is.
var frozen = sync.OnceValues(func() (versions []string, since map[string]string) {
	entries, err := lists.ReadDir("versions")
	if err != nil {
		panic("spec/versions cannot be read: " + err.Error())
	}
	for _, entry := range entries {
		versions = append(versions, strings.TrimSuffix(entry.Name(), ".txt"))
	}
	slices.SortFunc(versions, compareVersions)
	since = make(map[string]string)
	for _, version := range versions {
		for _, id := range listOf(version) {
			if _, earlier := since[id]; !earlier {
				since[id] = version
			}
		}
	}
	return versions, since
})

// listOf are the clauses of a frozen version, in its order.
func listOf(version string) []string {
	text, err := lists.ReadFile("versions/" + version + ".txt")
	if err != nil {
		panic("spec/versions cannot be read: " + err.Error())
	}
	return strings.Fields(string(text))
}

// Versions lists the versions of the spec, oldest first; the last one is Writing.
func Versions() []string {
	versions, _ := frozen()
	return append(slices.Clone(versions), Writing)
}

// Since is the first version of the spec that has the clause.
func (c Clause) Since() string {
	_, since := frozen()
	return cmp.Or(since[c.ID], Writing)
}

// Younger reports whether the clause came after that version of the spec, which is
// one of Versions; nothing is younger than "", no version at all.
func (c Clause) Younger(version string) bool {
	return version != "" && compareVersions(c.Since(), version) > 0
}

// CheckVersion says what is wrong with a word that should name a version of the spec.
func CheckVersion(word string) error {
	if slices.Contains(Versions(), word) {
		return nil
	}
	return fmt.Errorf("unknown version %q of the spec: use one of %s", word, strings.Join(Versions(), ", "))
}

// compareVersions orders "0.2" before "0.10".
func compareVersions(a, b string) int {
	numbers := func(version string) (numbers []int) {
		for word := range strings.SplitSeq(version, ".") {
			n, err := strconv.Atoi(word)
			if err != nil {
				n = -1 // what is no number is older than all that are
			}
			numbers = append(numbers, n)
		}
		return numbers
	}
	return slices.Compare(numbers(a), numbers(b))
}
