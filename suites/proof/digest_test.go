package proof

import (
	"os"
	"path/filepath"
	"strings"
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
		{"what all checks see", "suites/session/read.go", false, false},
		{"what all checks share", "suites/clauses/traffic.go", false, false},
		{"a test", "suites/clauses/conn_test.go", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			for _, other := range tests {
				put(t, root, other.file, "package x\n")
			}
			before := []string{digest(t, root, edited), digest(t, root, served)}
			put(t, root, test.file, "// Package x is explained better.\npackage  x\n\n\n")
			if digest(t, root, edited) != before[0] || digest(t, root, served) != before[1] {
				t.Error("a comment changed a digest")
			}
			put(t, root, test.file, "package x\n\nvar changed int\n")
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
	shared, err := SharedDigest(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		put(t, root, test.file, "package x\n\nvar changed int\n")
		now, err := SharedDigest(root)
		if err != nil {
			t.Fatal(err)
		}
		if changed := now != shared; changed != strings.HasPrefix(test.name, "what all checks") {
			t.Errorf("%s changes what is shared: %t", test.name, changed)
		}
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

// TestCode: two texts are the same code or they are not.
func TestCode(t *testing.T) {
	for _, test := range []struct {
		name, a, b string
		same       bool
	}{
		{"x.go", "package x\n\nvar a = 1 // one\n", "// Package x is.\npackage x\nvar a = 1", true},
		{"x.go", "package x\nvar a, b = 1, 2\n", "package x\nvar a,\n\tb = 1, 2;\n", true},
		{"x.go", "package x\nvar a = 1\n", "package x\nvar a = 2\n", false},
		{"x.go", "package x\nvar a = `// no comment`\n", "package x\nvar a = ``\n", false},
		{"x.go", "package x\nvar ab int\n", "package x\nvar a b int\n", false},
		{"x.go", "//go:build linux\n\npackage x\n", "package x\n", false},
		{"x.go", "package x\nfunc f() int {\n\treturn 1\n}\n", "package x\nfunc f() int {\n\treturn\n1\n}\n", false},
		{"x.c", "int a;\n/* one\n * two */\nint b;\n", "\tint a; // three\n\nint b;", true},
		{"x.c", "char *a = \"/* no comment */\";\n", "char *a = \"\";\n", false},
		{"x.c", "char a = '\\'', b = '\"'; // one\n", "char a = '\\'', b = '\"';\n", true},
		{"x.c", "char *a = \"\\\"//\"; // one", "char *a = \"\\\"//\";", true},
		{"x.c", "int a; /* never ends", "int a;", true},
		{"x.c", "int a/**/b;\n", "int ab;\n", false},
		{"x.c", "char *a = \"never ends", "char *a = \"", false},
		{"x.py", "a = 1 # one\n", "a = 1\n", false},
	} {
		a, b := string(code(test.name, []byte(test.a))), string(code(test.name, []byte(test.b)))
		if (a == b) != test.same {
			t.Errorf("%s: %q gives %q, and %q gives %q; the same: %t, want %t", test.name, test.a, a, test.b, b, a == b, test.same)
		}
	}
}
