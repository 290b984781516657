package spec

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var freeze = flag.Bool("freeze", false, "write the list of the version that is being written")

// digests pin what the frozen lists say: each was released so.
var digests = map[string]string{
	"0.1": "66f456cfba6700af",
}

// A frozen list never changes, and what it names is in the spec for ever, if only
// as a tombstone.
func TestFrozenLists(t *testing.T) {
	versions := Versions()
	if last := len(versions) - 1; versions[last] != Writing || len(digests) != last {
		t.Errorf("versions %v, written is %s, and %d are pinned by a digest", versions, Writing, len(digests))
	}
	if !slices.IsSortedFunc(versions, compareVersions) || len(slices.Compact(slices.Clone(versions))) != len(versions) {
		t.Errorf("versions %v: a frozen one is not older than %s, which is being written", versions, Writing)
	}
	for _, version := range versions[:len(versions)-1] {
		list := listOf(version)
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(list, "\n"))))[:16]; got != digests[version] {
			t.Errorf("versions/%s.txt has the digest %s, and was frozen as %s", version, got, digests[version])
		}
		for _, id := range list {
			if _, found := Lookup(id); !found {
				t.Errorf("%s is a clause of %s and no longer in the spec: a withdrawn clause stays as a tombstone", id, version)
			}
		}
		if sorted := slices.Clone(list); !slices.Equal(inOrder(sorted), list) {
			t.Errorf("versions/%s.txt is not in the order of the spec", version)
		}
	}
}

// inOrder lists those of the spec's clauses that are in the list.
func inOrder(list []string) (ordered []string) {
	for _, family := range Families() {
		for _, clause := range family.Clauses {
			if slices.Contains(list, clause.ID) {
				ordered = append(ordered, clause.ID)
			}
		}
	}
	return ordered
}

// With -freeze it writes the list of a release.
func TestFreeze(t *testing.T) {
	if !*freeze {
		t.Skip("only with -args -freeze: it writes what a release freezes (versions.md)")
	}
	var list strings.Builder
	for _, clause := range Clauses() {
		list.WriteString(clause.ID + "\n")
	}
	if err := os.WriteFile("versions/"+Writing+".txt", []byte(list.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("wrote versions/%s.txt; now name the next version in versions.go, and pin this one in versions_test.go", Writing)
}

func TestSince(t *testing.T) {
	old, _ := Lookup("WAKE-3")
	young := Clause{ID: "WAKE-999"}
	if old.Since() != "0.1" || young.Since() != Writing {
		t.Errorf("WAKE-3 is since %s, an unlisted clause since %s", old.Since(), young.Since())
	}
	if old.Younger("0.1") || !young.Younger("0.1") || young.Younger(Writing) || young.Younger("") {
		t.Error("a clause is younger than the versions before its own, and than no other")
	}
	if compareVersions("0.2", "0.10") >= 0 || compareVersions("1.0", "0.10") <= 0 || compareVersions("x", "0.1") >= 0 {
		t.Error("versions are compared by their numbers")
	}
	if CheckVersion("0.1") != nil || CheckVersion("9.9") == nil {
		t.Error("only versions that there are can be named")
	}
}
