package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/target"
)

// completions are the flags whose values a shell can complete, in whichever command
// they stand, and what they may be. What stands in no list, such as a dialect of one's
// own, is the path of a file.
var completions = map[string]struct {
	values func() []cobra.Completion
	list   bool // comma-separated
	files  bool // or a file
}{
	"dialect":      {values: dialect.Names, files: true},
	"class":        {values: classWords},
	"clause":       {values: clauseWords, list: true},
	"promise":      {values: func() []cobra.Completion { return append(clauseWords(), target.AllClauses) }, list: true},
	"family":       {values: familyWords, list: true},
	"level":        {values: func() []cobra.Completion { return []cobra.Completion{"MUST", "SHOULD"} }, list: true},
	"lang":         {values: languages},
	"spec-version": {values: spec.Versions},
}

// completeValues lets a shell complete the values of the flags of cmd, and of those below it.
func completeValues(cmd *cobra.Command) {
	for name, c := range completions {
		if cmd.Flags().Lookup(name) == nil {
			continue
		}
		otherwise := cobra.ShellCompDirectiveNoFileComp
		if c.files {
			otherwise = cobra.ShellCompDirectiveDefault
		}
		// It fails for a flag that is not there, or that has a completion: neither is so.
		_ = cmd.RegisterFlagCompletionFunc(name, func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			before := ""
			if at := strings.LastIndex(begun, ","); c.list && at >= 0 {
				before, begun = begun[:at+1], begun[at+1:]
			}
			found := begunWith(begun, c.values(), before)
			if c.list {
				return found, otherwise | cobra.ShellCompDirectiveNoSpace
			}
			return found, otherwise
		})
	}
	for _, sub := range cmd.Commands() {
		completeValues(sub)
	}
}

// completeClauses completes the arguments of `explain`.
func completeClauses(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return begunWith(begun, append(clauseWords(), familyWords()...), ""), cobra.ShellCompDirectiveNoFileComp
}

// begunWith returns the words that begin so, in upper case or in lower, behind what stands before them.
func begunWith(begun string, words []cobra.Completion, before string) []cobra.Completion {
	var found []cobra.Completion
	for _, word := range words {
		if len(word) >= len(begun) && strings.EqualFold(word[:len(begun)], begun) {
			found = append(found, before+word)
		}
	}
	return found
}

func classWords() []cobra.Completion { return strings.Split(classes(), ", ") }

// clauseWords are the clauses, each with its title, which shells show beside it.
func clauseWords() []cobra.Completion {
	var words []cobra.Completion
	for _, clause := range spec.Clauses() {
		if !clause.Withdrawn {
			words = append(words, cobra.CompletionWithDesc(clause.ID, clause.Title()))
		}
	}
	return words
}

func familyWords() []cobra.Completion {
	var words []cobra.Completion
	for _, family := range spec.Families() {
		words = append(words, family.Name)
	}
	return words
}
