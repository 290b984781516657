package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	// Of serve alone, which parses its flags itself; its help has the same words.
	"poller":  {values: fixed("epoll", "epollet", "poll", "select")},
	"wakeup":  {values: fixed("eventfd", "pipe", "socketpair")},
	"balance": {values: fixed("round-robin", "least-connections", "source-hash")},
	"network": {values: fixed("tcp", "tcp4", "tcp6", "unix")},
}

func fixed(list ...string) func() []cobra.Completion {
	return func() []cobra.Completion { return list }
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
			if c.files {
				found = append(found, yamlFiles(begun)...)
			}
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

// completeServe completes the flags of `serve` and their values. Cobra leaves both to a
// command that parses its flags itself.
func (p *program) completeServe(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	name, before := "", ""
	if flag, value, valued := strings.Cut(begun, "="); valued && strings.HasPrefix(flag, "-") {
		name, before, begun = flag, flag+"=", value
	} else if len(args) > 0 && !strings.Contains(args[len(args)-1], "=") {
		name = args[len(args)-1]
	}
	flags := p.flagsOf(cmd)
	if flag, isFlag := strings.CutPrefix(name, "--"); isFlag && flags.Lookup(flag) != nil {
		if c, known := completions[flag]; known {
			return begunWith(begun, c.values(), before), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveDefault // a number, or the path of a socket
	}
	var found []cobra.Completion
	flags.VisitAll(func(f *pflag.Flag) {
		if strings.HasPrefix("--"+f.Name, begun) {
			found = append(found, cobra.CompletionWithDesc("--"+f.Name, f.Usage))
		}
	})
	return found, cobra.ShellCompDirectiveNoFileComp
}

// completeDialect completes the first argument of `dialect try`; then comes a command.
func completeDialect(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return append(begunWith(begun, dialect.Names(), ""), yamlFiles(begun)...), cobra.ShellCompDirectiveDefault
}

// yamlFiles are the files of YAML here that begin so. Shells look for files themselves
// only where no word is offered.
func yamlFiles(begun string) []cobra.Completion {
	var found []cobra.Completion
	for _, ending := range []string{".yaml", ".yml"} {
		here, _ := filepath.Glob("*" + ending) // the pattern is sound
		found = append(found, here...)
	}
	return slices.DeleteFunc(found, func(name string) bool { return !strings.HasPrefix(name, begun) })
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
