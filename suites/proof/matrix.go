package proof

import (
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
)

// Matrix is which clauses each fault broke when all of them last ran.
type Matrix struct {
	Date   string `json:"date"`
	Commit string `json:"commit"`
	Scope  Scope  `json:"scope"`
	Rows   []Row  `json:"rows"`
}

// Row is one fault's line of the matrix.
type Row struct {
	Fault   string   `json:"fault"`
	Digest  string   `json:"digest"` // of the row's declaration
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

// Digest changes whenever the declaration of the fault does.
func (f Fault) Digest() string {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))[:12]
}

// Stale names the rows that do not stem from the faults as they are now.
func (m Matrix) Stale(faults []Fault) []string {
	var stale []string
	rows := map[string]Row{}
	for _, row := range m.Rows {
		rows[row.Fault] = row
	}
	for _, f := range faults {
		row, ok := rows[f.Name]
		switch {
		case !ok:
			stale = append(stale, f.Name+": has no row")
		case row.Digest != f.Digest():
			stale = append(stale, f.Name+": was changed since its row was made")
		}
		delete(rows, f.Name)
	}
	for name := range rows {
		stale = append(stale, name+": has a row and no fault")
	}
	slices.Sort(stale)
	return stale
}

// Write stores the matrix and its page below the root.
func (m Matrix) Write(root string) error {
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
	fmt.Fprintf(&b, "# Who tests the tests\n\nEach fault breaks the spec in one way; beside it stand the clauses that were broken when it was judged, on %s at %s, by scope `%s`.\nThe page is written by `make proof-full` from `matrix.json`.\n\n", m.Date, m.Commit, m.Scope)
	b.WriteString("| fault | breaks | judged | s | what is wrong |\n|---|---|---|---|---|\n")
	killed := map[string]int{}
	for _, row := range m.Rows {
		for _, id := range row.Broke {
			killed[id]++
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %.1f | %s |\n", row.Fault, strings.Join(row.Broke, " "), row.Judged, row.Seconds, strings.ReplaceAll(why[row.Fault].Why, "|", "\\|"))
	}
	b.WriteString("\n## Clauses without a fault\n\n")
	for _, clause := range spec.Clauses() {
		if !clause.Withdrawn && killed[clause.ID] == 0 {
			fmt.Fprintf(&b, "- %s (%s): %s\n", clause.ID, clause.Level, orElse(Unproven[clause.ID], "no reason is written"))
		}
	}
	return b.String()
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
