package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
)

func (p *program) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain ID|FAMILY...", Short: "Explain clauses: by their IDs, or whole families",
		ValidArgsFunction: completeClauses,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("explain wants clause IDs or families, such as CONN-1 or WAKE")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			explained, err := named(args)
			if err != nil {
				return err
			}
			for i, clause := range explained {
				if i > 0 {
					if _, err := io.WriteString(p.out, "\n"); err != nil {
						return failed(err)
					}
				}
				if err := writeClause(p.out, clause); err != nil {
					return failed(err)
				}
			}
			return nil
		},
	}
}

// named finds the clauses that the words name, each once, in the words' order.
func named(words []string) ([]spec.Clause, error) {
	var found []spec.Clause
	add := func(clause spec.Clause) {
		if !slices.ContainsFunc(found, func(have spec.Clause) bool { return have.ID == clause.ID }) {
			found = append(found, clause)
		}
	}
	for _, word := range words {
		if clause, known := spec.Lookup(strings.ToUpper(word)); known {
			add(clause)
			continue
		}
		families, err := listed([]string{word})
		if err != nil {
			return nil, fmt.Errorf("unknown clause or family %q: `reactorspec list` names them all", word)
		}
		for _, clause := range families[0].Clauses {
			if !clause.Withdrawn {
				add(clause)
			}
		}
	}
	return found, nil
}

func writeClause(w io.Writer, clause spec.Clause) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n\n", clause.ID, clause.Level)
	paragraph(&b, "", clause.Sentence)
	b.WriteString("\n")
	row := func(name, text string) {
		if text != "" {
			paragraph(&b, fmt.Sprintf("%-9s", name), text)
		}
	}
	row("intent", clause.Intent)
	row("check", strings.TrimSuffix(string(clause.Kind)+"; "+clause.Method, "; "))
	row("vantage", strings.ReplaceAll(words(clause.Vantages), ",", ", "))
	row("needs", strings.ReplaceAll(words(clause.Needs), ",", ", "))
	row("classes", strings.ReplaceAll(words(clause.Classes), ",", ", "))
	row("source", clause.Source)
	for _, source := range clause.Sources() {
		row("", "  "+strings.TrimSpace(source.Label+" "+source.Title+": "+source.Words+" "+source.Link))
	}
	row("rests on", rulesOf(clause))
	for _, dialect := range spec.Dialects() {
		if citation, promises := dialect.Promises[clause.ID]; promises {
			row("promised", dialect.Name+": "+citation)
		}
	}
	row("since", "spec "+clause.Since())
	row("text", clause.Anchor())
	if clause.Notes != "" {
		b.WriteString("\n" + strings.TrimSpace(clause.Notes) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rulesOf names the rules of verdicts.md that the clause's check touches.
func rulesOf(clause spec.Clause) string {
	if len(clause.Rests) == 0 {
		return ""
	}
	var numbers []string
	for _, rule := range clause.Rests {
		numbers = append(numbers, strconv.Itoa(int(rule)))
	}
	return "rules " + strings.Join(numbers, ", ") + " of spec/verdicts.md"
}

// paragraph writes text after a key, broken at words to fit a terminal.
func paragraph(b *strings.Builder, key, text string) {
	const width = 100 // characters of a line, where words allow it
	line := key
	indent := strings.Repeat(" ", len(key))
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && strings.TrimSpace(line) != "" {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		if line != "" && !strings.HasSuffix(line, " ") {
			line += " "
		}
		line += word
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
