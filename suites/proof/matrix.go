package proof

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
)

// Matrix is which clauses each fault broke when it last ran and came out clean:
// exactly the clauses of its declaration, each for its reason.
type Matrix struct {
	Rows []Row `json:"rows"` // in the order of Faults
}

// Row is one fault's line of the matrix.
type Row struct {
	Fault   string   `json:"fault"`
	Digest  string   `json:"digest"` // of what the row rests on; see Fault.Digest
	Date    string   `json:"date"`
	Commit  string   `json:"commit"`
	Scope   Scope    `json:"scope"`
	Broke   []string `json:"broke"`
	Judged  int      `json:"judged"` // clauses that said pass, fail or warn
	Seconds float64  `json:"seconds"`
}

//go:embed matrix.json
var committed []byte

// Committed is the matrix of the last whole run.
func Committed() (Matrix, error) {
	var m Matrix
	if err := json.Unmarshal(committed, &m); err != nil {
		return Matrix{}, fmt.Errorf("suites/proof/matrix.json: %w: make proof-full writes it anew", err)
	}
	return m, nil
}

// Missing names the faults that have no row yet.
func (m Matrix) Missing(faults []Fault) []string {
	var missing []string
	for _, f := range faults {
		if !slices.ContainsFunc(m.Rows, func(row Row) bool { return row.Fault == f.Name }) {
			missing = append(missing, f.Name)
		}
	}
	return missing
}

// Outdated are the faults that have no row yet, and those whose row stems from
// another fault, reference, check or clause than there is now.
func (m Matrix) Outdated(root string, faults []Fault) ([]Fault, error) {
	var outdated []Fault
	for _, f := range faults {
		digest, err := f.Digest(root)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(m.Rows, func(row Row) bool {
			return row.Fault == f.Name && row.Digest == digest && row.Scope == All.of(f)
		}) {
			outdated = append(outdated, f)
		}
	}
	return outdated, nil
}

// Orphans names the rows of faults that are no more.
func (m Matrix) Orphans(faults []Fault) []string {
	var orphans []string
	for _, row := range m.Rows {
		if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Name == row.Fault }) {
			orphans = append(orphans, row.Fault)
		}
	}
	return orphans
}

// merge puts the rows in place of the committed ones of the same faults, drops
// those whose faults are gone, and stores the matrix and its page below the root.
func merge(root string, rows []Row) error {
	old, err := Committed()
	if err != nil {
		return err
	}
	latest := map[string]Row{}
	for _, row := range slices.Concat(old.Rows, rows) {
		latest[row.Fault] = row
	}
	var m Matrix
	for _, f := range Faults() {
		if row, ok := latest[f.Name]; ok {
			m.Rows = append(m.Rows, row)
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "suites", "proof")
	if err := os.WriteFile(filepath.Join(dir, "matrix.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "MATRIX.md"), []byte(m.Page()), 0o644)
}

// Page renders the matrix for readers.
func (m Matrix) Page() string {
	var b strings.Builder
	why := map[string]Fault{}
	for _, f := range Faults() {
		why[f.Name] = f
	}
	b.WriteString("# Who tests the tests\n\nEach fault breaks the spec in one way; beside it stand the clauses that were called broken when it was judged by the whole spec (where a\nreason is given, by the families of its clauses), and the commit of that run. The page is written by `make proof-full` from `matrix.json`.\n\n")
	fmt.Fprintf(&b, "%d faults in %.0f minutes, the builds not counted.\n\n", len(m.Rows), m.seconds()/60)
	if missing := m.Missing(Faults()); len(missing) > 0 {
		fmt.Fprintf(&b, "%d of %d faults have no row yet: %s.\n\n", len(missing), len(Faults()), strings.Join(missing, ", "))
	}
	b.WriteString("| fault | breaks | judged | s | run | what is wrong |\n|---|---|---|---|---|---|\n")
	killed, declared := map[string]int{}, map[string][]string{}
	for _, f := range Faults() {
		for _, id := range f.Breaks {
			declared[id] = append(declared[id], f.Name)
		}
	}
	for _, row := range m.Rows {
		for _, id := range row.Broke {
			killed[id]++
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %.1f | %s %s | %s |\n", row.Fault, strings.Join(row.Broke, " "), row.Judged, row.Seconds, row.Date, row.Commit, strings.ReplaceAll(says(why[row.Fault]), "|", "\\|"))
	}
	b.WriteString("\n## Clauses that no row broke\n\n")
	for _, clause := range spec.Clauses() {
		if clause.Withdrawn || killed[clause.ID] > 0 {
			continue
		}
		why := orElse(Unproven[clause.ID], "no reason is written")
		if waiting := declared[clause.ID]; len(waiting) > 0 {
			why = "its faults have no row yet: " + strings.Join(waiting, ", ")
		}
		fmt.Fprintf(&b, "- %s (%s): %s\n", clause.ID, clause.Level, why)
	}
	return b.String()
}

func says(f Fault) string {
	if f.Slow == "" {
		return f.Why
	}
	return f.Why + ". By families only: " + f.Slow
}

func (m Matrix) seconds() (sum float64) {
	for _, row := range m.Rows {
		sum += row.Seconds
	}
	return sum
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
