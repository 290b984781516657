package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// recording judges a server with a fault by three clauses and records it.
func recording(t *testing.T, mode, file string, flags ...string) outcome {
	t.Helper()
	args := append([]string{"check", "--clause", "CONN-1,CONN-8,ACC-3", "--record", file, "--json", "run.json"}, flags...)
	if len(flags) == 0 {
		args = append(args, "--dialect", "echo", "--class", "thread-per-connection", "--idle-timeout", "5s", "--limit", "1MiB", "--", self(t), "{port}")
	}
	return reactorspec(t, []string{serverVariable + "=" + mode}, args...)
}

// A target file that was recorded is kept to from then on, until something gets
// worse; what gets better is no surprise.
func TestARecordedTarget(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	o := recording(t, "clings", file)
	if o.exit != report.ExitConformant || !strings.Contains(o.out, "known failures: 1; only the selected clauses were judged") || !strings.Contains(o.out, "as expected") {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	if run := readRun(t, filepath.Join(o.dir, "run.json")); run.Verdict.Word != report.AsExpected || run.Target.Spec != "0.2" {
		t.Errorf("verdict %+v, spec %q", run.Verdict, run.Target.Spec)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	read, err := target.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Expected) != 1 || read.Expected[0].Clause != "CONN-8" || read.Expected[0].Frequency != target.Sometimes || read.Expected[0].Reason == "" ||
		read.Class != "thread-per-connection" || read.Limit != 1<<20 || read.Name != filepath.Base(self(t)) || read.Spec != "0.2" {
		t.Errorf("it reads %+v\n%s", read, text)
	}
	for mode, want := range map[string]int{"clings": report.ExitConformant, "good": report.ExitConformant, "garbles": report.ExitNotConformant} {
		if o := reactorspec(t, []string{serverVariable + "=" + mode}, "check", "--target", file, "--clause", "CONN-1,CONN-8,ACC-3"); o.exit != want {
			t.Errorf("%s: exit %d, want %d\n%s%s", mode, o.exit, want, o.out, o.errors)
		}
	}
}

// Recorded again, a file keeps its comments and what is known of failures that are
// still there; entries that nothing matches any more go.
func TestRecordedAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	text := "# mine, and no other\nname: mine\ndialect: echo\nclass: thread-per-connection\nexpected:\n  - clause: CONN-1\n    reason: it was so\n    frequency: always\n" +
		"  # as upstream has it\n  - {clause: CONN-8, reason: \"never: closed\", link: \"https://example.org/1\"}\n\n  # another family\n  - {clause: WAKE-3, reason: not judged today}\nspec: '0.1' # since June\nstart: ['" + self(t) + "', '{port}'] # as ever\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := recording(t, "clings", file, "--target", file)
	if o.exit != report.ExitConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "# mine, and no other\nname: mine\ndialect: echo\nclass: thread-per-connection\nstart: ['" + self(t) + "', '{port}'] # as ever\nspec: \"0.1\"\nexpected:\n" +
		"  # as upstream has it\n  - {clause: CONN-8, reason: \"never: closed\", link: \"https://example.org/1\"}\n\n  # another family\n  - {clause: WAKE-3, reason: not judged today}\n"
	if string(written) != want {
		t.Errorf("got\n%s\nwant\n%s", written, want)
	}
	if o := recording(t, "clings", filepath.Join(t.TempDir(), "other.yaml"), "--target", file); o.exit != report.ExitUndecided || !strings.Contains(o.errors, "record there") {
		t.Errorf("in another directory: exit %d\n%s%s", o.exit, o.out, o.errors)
	}
}

// What never served is not recorded.
func TestNothingToRecord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	o := recording(t, "exits", file)
	if _, err := os.Stat(file); err == nil || o.exit == 0 || !strings.Contains(o.errors, "nothing is recorded") {
		t.Errorf("exit %d, %v\n%s%s", o.exit, err, o.out, o.errors)
	}
}

// A recorded matrix rewrites the files whose failures are others than they say, and
// leaves the rest as it is: what never served, above all.
func TestARecordedMatrix(t *testing.T) {
	dir := t.TempDir()
	texts := map[string]string{
		"clings": "expected:\n  - {clause: CONN-1, reason: it was so}\n  - {clause: WAKE-3, reason: not judged today}\n",
		"good":   "# as it should be\n",
		"exits":  "expected:\n  - {clause: CONN-1, reason: it was so}\n",
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, expected := range texts {
		texts[name] = "name: " + name + "\ndialect: echo\nclass: thread-per-connection\nstart: ['" + self(t) + "', '{port}'] # as ever\nenv: {" + serverVariable + ": " + name + "}\n" + expected
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(texts[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := reactorspec(t, nil, "matrix", dir, "--clause", "CONN-1,CONN-8,ACC-3", "--record", "--json", "all.json")
	if o.exit != report.ExitNotConformant || !strings.Contains(o.out, "known failures: 2; before: 2") || !strings.Contains(o.out, "not recorded: ") {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	for _, name := range []string{"good", "exits"} {
		if got := read(name); got != texts[name] {
			t.Errorf("%s was rewritten:\n%s", name, got)
		}
	}
	file, err := target.Load(filepath.Join(dir, "clings.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var clauses []string
	for _, e := range file.Expected {
		clauses = append(clauses, e.Clause+" "+e.Frequency)
	}
	if got := strings.Join(clauses, ", "); got != "CONN-8 sometimes, WAKE-3 always" || file.Spec != "" || !strings.Contains(read("clings"), "# as ever") {
		t.Errorf("it expects %s\n%s", got, read("clings"))
	}
	o = reactorspec(t, nil, "matrix", filepath.Join(dir, "clings.yaml"), filepath.Join(dir, "good.yaml"), "--clause", "CONN-1,CONN-8,ACC-3")
	if o.exit != report.ExitConformant {
		t.Errorf("judged again: exit %d\n%s%s", o.exit, o.out, o.errors)
	}
}
