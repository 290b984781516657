package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/clauses"
	"github.com/reactorspec/reactorspec/suites/inproc"
	"github.com/reactorspec/reactorspec/suites/session"
)

func (p *program) listCommand() *cobra.Command {
	var coverage, asJSON bool
	var families []string
	cmd := &cobra.Command{
		Use: "list", Short: "List the clauses", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			selected, err := listed(families)
			if err != nil {
				return err
			}
			switch {
			case coverage && asJSON:
				return fmt.Errorf("--coverage and --json exclude each other: the coverage is a table")
			case coverage:
				return failed(writeCoverage(p.out, selected))
			case asJSON:
				return failed(writeListJSON(p.out, selected))
			}
			return failed(writeList(p.out, selected))
		},
	}
	cmd.Flags().BoolVar(&coverage, "coverage", false, "say how each clause is judged, which dialects promise it, and which faults prove its check")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the clauses as JSON, with all that their pages say")
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

// listedClause is a clause as `list --json` writes it.
type listedClause struct {
	ID       string         `json:"id"`
	Family   string         `json:"family"`
	Level    spec.Level     `json:"level"`
	Sentence string         `json:"sentence"`
	Intent   string         `json:"intent"`
	Kind     spec.Kind      `json:"kind"`
	Method   string         `json:"method,omitempty"`
	Vantages []spec.Vantage `json:"vantages"`
	Needs    []spec.Feature `json:"needs"`
	Classes  []spec.Class   `json:"classes"`
	Source   string         `json:"source"`
	Sources  []spec.Source  `json:"sources"` // the labels of source, in words
	Rests    []spec.Rule    `json:"rests_on"`
	Since    string         `json:"since"` // the first version of the spec that has it
	Text     string         `json:"text"`  // where it stands, "spec/wake.md#wake-3"
}

func writeListJSON(w io.Writer, families []spec.Family) error {
	list := []listedClause{}
	for _, family := range families {
		for _, c := range family.Clauses {
			if !c.Withdrawn {
				list = append(list, listedClause{c.ID, c.Family, c.Level, c.Sentence, c.Intent, c.Kind, c.Method,
					append([]spec.Vantage{}, c.Vantages...), append([]spec.Feature{}, c.Needs...),
					append([]spec.Class{}, c.Classes...), c.Source, append([]spec.Source{}, c.Sources()...), append([]spec.Rule{}, c.Rests...), c.Since(), c.Anchor()})
			}
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(list)
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
