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

// A target that cannot be built is not said to be built, and what its compiler had to
// say is shown.
func TestAMatrixOfWhatCannotBeBuilt(t *testing.T) {
	dir := t.TempDir()
	for name, build := range map[string]string{
		"broken":  "echo 'x.c:1:10: fatal error: y.h: No such file' >&2; seq 30 >&2; echo compilation terminated. >&2; exit 1",
		"lacking": "echo 'zigzag is not installed' >&2; exit 127",
		"good":    "true",
	} {
		text := "name: " + name + "\ndialect: echo\nclass: thread-per-connection\nbuild: [sh, -c, \"" + build + "\"]\nstart: ['" + self(t) + "', '{port}']\nenv: {" + serverVariable + ": good}\n"
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := reactorspec(t, nil, "matrix", dir, "--clause", "CONN-1")
	for _, want := range []string{"not built broken: the build failed\n", "not built lacking: skipped\n", "lacking: skipped (zigzag is not installed)\n",
		": x.c:1:10: fatal error: y.h: No such file\n", "  | x.c:1:10: fatal error: y.h: No such file\n  | …\n  | 29\n  | 30\n  | compilation terminated.\n"} {
		if !strings.Contains(o.out, want) {
			t.Errorf("no %q", want)
		}
	}
	if built := strings.Count("\n"+o.out, "\nbuilt "); built != 1 || o.exit != 1 || strings.Contains(o.out, "| 28") {
		t.Errorf("exit %d, %d built", o.exit, built)
	}
	if t.Failed() {
		t.Logf("%s%s", o.out, o.errors)
	}
}
