package proof

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reactorspec/reactorspec/spec"
)

// Digest changes with whatever the row of f rests on: its declaration, the code
// of the server that it makes, and, of the families of its clauses, the code of
// the checks and what binds whom. It does not change with comments and with how
// code is set, nor with the rest of a clause's page, so that writing down a
// measured rate makes no row stale.
//
// What all checks share is left out (SharedDigest): package session, and the
// files of package clauses that are no family's. Whatever is done there would
// make every row stale at once, and most of it changes no verdict; the page
// counts the rows that are older.
func (f Fault) Digest(root string) (string, error) {
	declared, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(declared)
	if err := f.digestServer(h, root); err != nil {
		return "", fmt.Errorf("fault %s: %w", f.Name, err)
	}
	families := f.families()
	for _, clause := range spec.Clauses() {
		if families[clause.Family] && !clause.Withdrawn {
			fmt.Fprintln(h, clause.ID, clause.Sentence, clause.Vantages, clause.Needs, clause.Classes)
		}
	}
	if err := digestFiles(h, root, checks, func(name string) bool { return families[familyOf(name)] }); err != nil {
		return "", err
	}
	return short(h), nil
}

// SharedDigest changes with the code that all checks share, and that no row's
// own digest holds.
func SharedDigest(root string) (string, error) {
	known := map[string]bool{}
	for _, clause := range spec.Clauses() {
		known[clause.Family] = true
	}
	h := sha256.New()
	if err := digestFiles(h, root, checks, func(name string) bool { return !known[familyOf(name)] }); err != nil {
		return "", err
	}
	if err := digestFiles(h, root, sessions, func(string) bool { return true }); err != nil {
		return "", err
	}
	return short(h), nil
}

// The directories, from the root, of the checks and of what they see.
const (
	checks   = "suites/clauses"
	sessions = "suites/session"
)

func short(h hash.Hash) string { return fmt.Sprintf("%x", h.Sum(nil))[:12] }

// families are those of the clauses that f breaks, or comes near to.
func (f Fault) families() map[string]bool {
	families := map[string]bool{}
	for _, id := range slices.Concat(f.Breaks, f.Near) {
		clause, _ := spec.Lookup(id)
		families[clause.Family] = true
	}
	return families
}

// familyOf is the family whose checks a file of suites/clauses holds: conn.go
// and conn_close.go are CONN's. That of a file that all share is none's.
func familyOf(name string) string {
	family, _, _ := strings.Cut(strings.TrimSuffix(name, ".go"), "_")
	return strings.ToUpper(family)
}

func (f Fault) digestServer(h io.Writer, root string) error {
	if f.Server != "" {
		return digestFiles(h, root, path.Join("suites/proof/servers", f.Server), func(string) bool { return true })
	}
	files, err := f.Apply(root)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		digestFile(h, name, files[name])
	}
	return nil
}

// digestFiles writes the wanted files of a directory to h by their paths from
// the root, so that it does not matter where the checkout stands. Tests are no
// part of what they test.
func digestFiles(h io.Writer, root, dir string, wanted func(name string) bool) error {
	entries, err := fs.ReadDir(os.DirFS(root), dir) // sorted
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if !entry.Type().IsRegular() || strings.HasSuffix(name, "_test.go") || !wanted(name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(dir), name))
		if err != nil {
			return err
		}
		digestFile(h, path.Join(dir, name), text)
	}
	return nil
}

func digestFile(h io.Writer, name string, text []byte) {
	text = code(name, text)
	fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
}
