package proof

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDigest: a row goes stale with what it rests on, and with nothing else.
func TestDigest(t *testing.T) {
	edited := Fault{Name: "edited", File: "reference/loop.go", Old: "package", New: "package", Breaks: []string{"CONN-1"}}
	served := Fault{Name: "served", Server: "splice", Breaks: []string{"CONN-1"}}
	tests := []struct {
		name, file     string
		edited, served bool // whether the digest of each must change
	}{
		{"the edited file", "reference/loop.go", true, false},
		{"another file of the reference", "reference/conn.go", false, false},
		{"a check of the family", "suites/clauses/conn.go", true, true},
		{"another file of the family's checks", "suites/clauses/conn_close.go", true, true},
		{"a check of another family", "suites/clauses/flow.go", false, false},
		{"the small server", "suites/proof/servers/splice/main.go", false, true},
		{"another small server", "suites/proof/servers/oneread/main.go", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			for _, other := range tests {
				put(t, root, other.file, "package x\n")
			}
			before := []string{digest(t, root, edited), digest(t, root, served)}
			put(t, root, test.file, "package x\n\n// changed\n")
			if changed := digest(t, root, edited) != before[0]; changed != test.edited {
				t.Errorf("the edited reference's digest changed: %t, want %t", changed, test.edited)
			}
			if changed := digest(t, root, served) != before[1]; changed != test.served {
				t.Errorf("the small server's digest changed: %t, want %t", changed, test.served)
			}
		})
	}
	root := t.TempDir()
	for _, test := range tests {
		put(t, root, test.file, "package x\n")
	}
	declared := edited
	declared.Sometimes = []string{"CONN-2"}
	if digest(t, root, declared) == digest(t, root, edited) {
		t.Error("the digest does not change with the declaration")
	}
}

func digest(t *testing.T, root string, f Fault) string {
	t.Helper()
	d, err := f.Digest(root)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t *testing.T, root, file, text string) {
	t.Helper()
	name := filepath.Join(root, file)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
