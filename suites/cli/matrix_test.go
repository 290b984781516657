package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
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

// --spec-version outranks the files, as it does in check: what is younger does not bind.
func TestAMatrixByAVersionOfTheSpec(t *testing.T) {
	old := spec.Versions()[0]
	echo, _ := spec.LookupDialect("echo")
	younger := slices.IndexFunc(spec.Clauses(), func(c spec.Clause) bool {
		_, promised := echo.Promises[c.ID]
		return promised && c.Younger(old) && !c.Withdrawn
	})
	if younger < 0 {
		t.Fatalf("no clause that echo promises is younger than %s", old)
	}
	file := filepath.Join(t.TempDir(), "good.yaml")
	text := "name: good\ndialect: echo\nclass: thread-per-connection\nspec: \"" + spec.Writing + "\"\nstart: ['" + self(t) + "', '{port}']\nenv: {" + serverVariable + ": good}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	id := spec.Clauses()[younger].ID
	for version, want := range map[string]string{old: old, "": spec.Writing} {
		args := []string{"matrix", file, "--clause", "CONN-1," + id, "--no-advice", "--json", "all.json"}
		if version != "" {
			args = append(args, "--spec-version", version)
		}
		o := reactorspec(t, nil, args...)
		written, err := os.ReadFile(filepath.Join(o.dir, "all.json"))
		if err != nil {
			t.Fatal(err)
		}
		young := strings.Contains(string(written), "it is younger than spec: "+old)
		if !strings.Contains(string(written), `"spec": "`+want+`"`) || young != (version != "") {
			t.Errorf("--spec-version %q: exit %d, young %v\n%s%s\n%s", version, o.exit, young, o.out, o.errors, written)
		}
	}
}
