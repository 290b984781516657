package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Group is what was read together of the mutants that the unit tests alone kill: of
// private.txt those that no promise forbids, to a client or to a user of spec/contract; of
// wanted.txt those that one forbids, so that a check is wanted.
type Group struct {
	Name    string
	Private bool
	Says    map[string]string // by the words of privateSays, or of wantedSays
	Places  []Place
}

// Place is a line of a group: it covers the mutants whose key it matches.
type Place struct {
	Text string // "FILE TYPE COLUMN NTH CODE", where * stands for anything
	*regexp.Regexp
}

// What a group of each file says, all of it needed.
var (
	privateSays = []string{"reason", "contrary"} // why it is private, and what speaks against that
	wantedSays  = []string{"clause", "check"}    // who is to see it ("new": a sentence that is not there yet), and how
)

// readGroups reads both files.
func readGroups(home string) ([]Group, error) {
	private, err := readGroupsOf(filepath.Join(home, "private.txt"), privateSays)
	if err != nil {
		return nil, err
	}
	for i := range private {
		private[i].Private = true
	}
	wanted, err := readGroupsOf(filepath.Join(home, "wanted.txt"), wantedSays)
	return append(private, wanted...), err
}

// readGroupsOf reads a file of groups. Each begins with a line "group NAME", says what it has
// to say in lines "WORD: …", and then names its places, one a line; # begins a comment.
func readGroupsOf(name string, says []string) ([]Group, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var groups []Group
	scan := bufio.NewScanner(f)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if group, ok := strings.CutPrefix(line, "group "); ok {
			groups = append(groups, Group{Name: group, Says: map[string]string{}})
			continue
		}
		if len(groups) == 0 {
			return nil, fmt.Errorf("%s:%d: want a line \"group NAME\" first", name, n)
		}
		g := &groups[len(groups)-1]
		if word, text, ok := strings.Cut(line, ": "); ok && slices.Contains(says, word) {
			g.Says[word] = text
			continue
		}
		g.Places = append(g.Places, placed(line))
	}
	for _, g := range groups {
		for _, word := range says {
			if g.Says[word] == "" {
				return nil, fmt.Errorf("%s: group %s has no line \"%s: …\"", name, g.Name, word)
			}
		}
	}
	return groups, scan.Err()
}

func placed(text string) Place {
	parts := strings.Split(text, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return Place{text, regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")}
}

// covers reports whether one of the group's places is the mutant's.
func (g Group) covers(m Mutant) bool {
	return slices.ContainsFunc(g.Places, func(p Place) bool { return p.MatchString(key(m)) })
}

// groupOf is the group that covers the mutant, nil when none does.
func groupOf(groups []Group, m Mutant) *Group {
	i := slices.IndexFunc(groups, func(g Group) bool { return g.covers(m) })
	if i < 0 {
		return nil
	}
	return &groups[i]
}

// wanting are the mutants that stand in a group of wanted.txt whose check has these words.
func wanting(home string, mutants []Mutant, words string) ([]Mutant, error) {
	groups, err := readGroups(home)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(mutants, func(m Mutant) bool {
		g := groupOf(groups, m)
		return g == nil || g.Private || !strings.Contains(g.Says["check"], words)
	}), nil
}
