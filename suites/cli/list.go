package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/clauses"
	"github.com/reactorspec/reactorspec/suites/inproc"
	"github.com/reactorspec/reactorspec/suites/session"
)

func (p *program) listCommand() *cobra.Command {
	var coverage bool
	var families []string
	cmd := &cobra.Command{
		Use: "list", Short: "List the clauses", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			selected, err := listed(families)
			if err != nil {
				return err
			}
			if coverage {
				return failed(writeCoverage(p.out, selected))
			}
			return failed(writeList(p.out, selected))
		},
	}
	cmd.Flags().BoolVar(&coverage, "coverage", false, "say how each clause is judged, by which dialects it is promised, and which faults prove its check")
	cmd.Flags().StringSliceVar(&families, "family", nil, "list only these families")
	return cmd
}

func listed(families []string) ([]spec.Family, error) {
	all := spec.Families()
	if len(families) == 0 {
		return all, nil
	}
	var selected []spec.Family
	for _, name := range families {
		found := false
		for _, family := range all {
			if strings.EqualFold(family.Name, name) {
				selected, found = append(selected, family), true
			}
		}
		if !found {
			return nil, fmt.Errorf("unknown family %q: `reactorspec list` names them all", name)
		}
	}
	return selected, nil
}

func writeList(w io.Writer, families []spec.Family) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, family := range families {
		for _, clause := range family.Clauses {
			if !clause.Withdrawn {
				fmt.Fprintf(table, "%s\t%s\t%s\n", clause.ID, clause.Level, clause.Title())
			}
		}
	}
	return table.Flush()
}

// writeCoverage says of each clause how it is judged.
func writeCoverage(w io.Writer, families []spec.Family) error {
	checks, here := make(map[string]session.Check), make(map[string]bool)
	for _, check := range clauses.All() {
		checks[check.Clause] = check
	}
	for _, check := range (inproc.Vantage{}).Checks() {
		here[check.Clause] = true
	}
	dialects, proofs := spec.Dialects(), spec.Proofs()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "clause\tlevel\tkind\tcheck\tvantages\tneeds\tdialects\tfaults")
	total, built := 0, 0
	for _, family := range families {
		for _, clause := range family.Clauses {
			if clause.Withdrawn {
				continue
			}
			total++
			check, found := checks[clause.ID]
			how := form(check, found)
			if !found && here[clause.ID] {
				how, found = "in-process", true
			}
			if found {
				built++
			}
			var promised []string
			for _, dialect := range dialects {
				if _, promises := dialect.Promises[clause.ID]; promises {
					promised = append(promised, dialect.Name)
				}
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clause.ID, clause.Level, clause.Kind, how,
				words(clause.Vantages), words(clause.Needs), words(promised), proofs[clause.ID])
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d clauses, %d with a check\n", total, built)
	return err
}

func form(check session.Check, built bool) string {
	switch {
	case !built:
		return "none"
	case check.Soak:
		return "soak"
	case check.Study:
		return "study"
	case check.Own:
		return "own instance"
	}
	return "shared"
}

func words[T ~string](list []T) string {
	if len(list) == 0 {
		return "-"
	}
	plain := make([]string, len(list))
	for i, word := range list {
		plain[i] = string(word)
	}
	return strings.Join(plain, ",")
}

func (p *program) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain ID", Short: "Explain one clause",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("explain wants one clause ID, such as CONN-1")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			clause, known := spec.Lookup(strings.ToUpper(args[0]))
			if !known {
				return fmt.Errorf("unknown clause %q: `reactorspec list` names them all", args[0])
			}
			return failed(writeClause(p.out, clause))
		},
	}
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
	row("rests on", rulesOf(clause))
	for _, dialect := range spec.Dialects() {
		if citation, promises := dialect.Promises[clause.ID]; promises {
			row("promised", dialect.Name+": "+citation)
		}
	}
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
