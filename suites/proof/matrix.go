package proof

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

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
	Digest  string   `json:"digest"`           // of what the row rests on; see Fault.Digest
	Shared  string   `json:"shared,omitempty"` // of what all rows rest on; see SharedDigest; unknown if empty
	Date    string   `json:"date"`             // when the judging began, RFC 3339 or the day alone, UTC
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
		if !slices.ContainsFunc(m.Rows, func(row Row) bool { return row.stands(f, digest) }) {
			outdated = append(outdated, f)
		}
	}
	return outdated, nil
}

// stands reports whether the row is of the fault as it is now, given its digest.
func (r Row) stands(f Fault, digest string) bool {
	return r.Fault == f.Name && r.Digest == digest && r.Scope == All.of(f)
}

func (r Row) day() string { return r.Date[:min(len(r.Date), len(time.DateOnly))] }

// Older counts the rows that were judged before the last change of what all
// checks share, or where that is not known.
func (m Matrix) Older(root string) (int, error) {
	shared, err := SharedDigest(root)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, row := range m.Rows {
		if row.Shared != shared {
			n++
		}
	}
	return n, nil
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

// Merged makes one matrix of several: of each fault the row that stands, or of
// several such, or of none, the newest. Rows of faults that are gone are dropped.
func Merged(root string, faults []Fault, matrices ...Matrix) (Matrix, error) {
	var merged Matrix
	for _, f := range faults {
		digest, err := f.Digest(root)
		if err != nil {
			return Matrix{}, err
		}
		var best *Row
		for _, m := range matrices {
			for _, row := range m.Rows {
				switch {
				case row.Fault != f.Name:
				case best == nil, row.stands(f, digest) && !best.stands(f, digest),
					row.stands(f, digest) == best.stands(f, digest) && row.Date >= best.Date: // a day stands before its hours
					best = &row
				}
			}
		}
		if best != nil {
			merged.Rows = append(merged.Rows, *best)
		}
	}
	return merged, nil
}

// read reads a stored matrix.
func read(file string) (Matrix, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Matrix{}, err
	}
	var m Matrix
	if err := json.Unmarshal(text, &m); err != nil {
		return Matrix{}, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// unfinished reads the rows that a run stored before it was cut short, as far as
// they rest on what all checks share now; none where there is no such file.
func unfinished(root, file string) (Matrix, error) {
	if file == "" {
		return Matrix{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return Matrix{}, err
	}
	m, err := read(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Matrix{}, err
	}
	shared, err := SharedDigest(root)
	m.Rows = slices.DeleteFunc(m.Rows, func(row Row) bool { return row.Shared != shared })
	return m, err
}

// store writes the matrix to a file, whole or not at all.
func (m Matrix) store(file string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return replace(file, append(text, '\n'))
}

// replace writes a file in one step, so that a run that is interrupted leaves
// the old text or the new one.
func replace(file string, text []byte) error {
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// merge puts the rows beside the committed ones and stores the matrix and its
// page below the root.
func merge(root string, rows ...Matrix) error {
	old, err := Committed()
	if err != nil {
		return err
	}
	m, err := Merged(root, Faults(), append([]Matrix{old}, rows...)...)
	if err != nil {
		return err
	}
	older, err := m.Older(root)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "suites", "proof")
	if err := m.store(filepath.Join(dir, "matrix.json")); err != nil {
		return err
	}
	stale, err := m.Outdated(root, Faults())
	if err != nil {
		return err
	}
	at := time.Now().UTC().Format(time.DateOnly)
	return replace(filepath.Join(dir, "MATRIX.md"), []byte(m.Page(ageLine(at, len(stale), len(Faults()), older, len(m.Rows)))))
}

// ageLine says how many faults have no row or a stale one, and how many rows are older
// than the code that all checks share. It was true when the page was written; a change
// of the code rewrites no page.
func ageLine(at string, stale, faults, older, rows int) string {
	return fmt.Sprintf("On %s %d of %d faults had no row or a stale one, and %d of %d rows were older than the last change of the code that all checks share.",
		at, stale, faults, older, rows)
}

// agedLine finds it in a page.
func agedLine(page string) string {
	for line := range strings.Lines(page) {
		if strings.HasSuffix(line, "the code that all checks share.\n") {
			return strings.TrimSuffix(line, "\n")
		}
	}
	return ""
}

// Page renders the matrix for readers; aged is its ageLine.
func (m Matrix) Page(aged string) string {
	var b strings.Builder
	why := map[string]Fault{}
	for _, f := range Faults() {
		why[f.Name] = f
	}
	b.WriteString("# Who tests the tests\n\nEach fault breaks the spec in one way. Its row shows the clauses that were called broken when it was judged by the whole spec (or by the families of its\nclauses, if a reason is given), and the commit of that run. `make proof-full` writes this page from `matrix.json`.\n\n")
	b.WriteString("A row becomes stale when the code of its server changes, or its clauses, or the code of the checks of their families. Code that all checks share (`suites/session`, and\nthe files of `suites/clauses` that belong to no family) does not count: it would make every row stale at once, and most changes to it change no verdict.\n" + aged + "\n\n")
	fmt.Fprintf(&b, "%d faults in %.0f minutes, the builds not counted.\n\n", len(m.Rows), m.seconds()/60)
	if missed := Missed(); len(missed) > 0 {
		fmt.Fprintf(&b, "%d of them are known misses: no clause sees them yet. They are listed at the end, each with the reason.\n\n", len(missed))
	}
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
		broke := strings.Join(row.Broke, " ")
		if why[row.Fault].Missed != "" {
			broke = "*missed*"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %.1f | %s %s | %s |\n", row.Fault, broke, row.Judged, row.Seconds, row.day(), row.Commit, strings.ReplaceAll(says(why[row.Fault]), "|", "\\|"))
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
	b.WriteString("\n## Known misses\n\nThese are faults that no clause sees. Each is judged like the others, beside its server without the fault. As soon as a clause sees it, the proof\nasks for that clause's name.\n\n")
	for _, f := range Missed() {
		fmt.Fprintf(&b, "- %s: %s. %s\n", f.Name, f.Why, f.Missed)
	}
	return b.String()
}

// Missed lists the faults that the suites do not see yet.
func Missed() []Fault {
	return slices.DeleteFunc(Faults(), func(f Fault) bool { return f.Missed == "" })
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
