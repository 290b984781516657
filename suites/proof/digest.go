package proof

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
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

// Digest changes with whatever the row of f rests on: its declaration, the
// source of the server that it makes, and, of the families of its clauses, the
// sources of the checks and what binds whom. The rest of a clause's page is left
// out, so that writing down a measured rate makes no row stale.
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
	if err := digestFiles(h, root, "suites/clauses", func(name string) bool { return checksFor(families, name) }); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:12], nil
}

// families are those of the clauses that f breaks.
func (f Fault) families() map[string]bool {
	families := map[string]bool{}
	for _, id := range f.Breaks {
		clause, _ := spec.Lookup(id)
		families[clause.Family] = true
	}
	return families
}

// checksFor reports whether a file of suites/clauses is one of the families':
// conn.go and conn_close.go are CONN's.
func checksFor(families map[string]bool, name string) bool {
	family, _, _ := strings.Cut(strings.TrimSuffix(name, ".go"), "_")
	return families[strings.ToUpper(family)]
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
		fmt.Fprintf(h, "%s %d\n%s", name, len(files[name]), files[name])
	}
	return nil
}

// digestFiles writes the wanted files of a directory to h by their paths from
// the root, so that it does not matter where the checkout stands.
func digestFiles(h io.Writer, root, dir string, wanted func(name string) bool) error {
	entries, err := fs.ReadDir(os.DirFS(root), dir) // sorted
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !wanted(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(dir), entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s/%s %d\n%s", dir, entry.Name(), len(text), text)
	}
	return nil
}
