package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// How slow a machine is, its targets do not know: --ready-timeout outranks their files,
// and --quick and --patience reach each target of a matrix.
func TestAMatrixOnASlowMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "late.yaml")
	text := "name: late\ndialect: echo\nclass: thread-per-connection\nready_timeout: 10ms\nstart: [sh, -c, \"sleep 0.5; exec '" + self(t) + "' {port}\"]\nenv: {" + serverVariable + ": good}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := reactorspec(t, nil, "matrix", file, "--clause", "CONN-1"); o.exit != 1 || !strings.Contains(o.out, "--ready-timeout") {
		t.Errorf("in 10 ms: exit %d\n%s", o.exit, o.out)
	}
	o := reactorspec(t, nil, "matrix", file, "--family", "MODEL", "--quick", "--patience", "2", "--ready-timeout", "20s", "--json", "all.json")
	written, err := os.ReadFile(filepath.Join(o.dir, "all.json"))
	if err != nil || !strings.Contains(o.out, "late: conformant") || !strings.Contains(string(written), `"MODEL-3"`) || strings.Contains(string(written), `"MODEL-4"`) {
		t.Errorf("in 20 s: exit %d, %v\n%s%s%s", o.exit, err, o.out, o.errors, written)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(strings.Replace(text, "10ms", "20s", 1), "good", "garbles", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	o = reactorspec(t, nil, "matrix", file, "--clause", "CONN-1", "--patience", "2", "--json", "all.json")
	if written, err = os.ReadFile(filepath.Join(o.dir, "all.json")); err != nil || !strings.Contains(string(written), "--patience 2") {
		t.Errorf("no rerun line says --patience 2: %v\n%s", err, written)
	}
}
