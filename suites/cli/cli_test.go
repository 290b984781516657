package cli_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/report"
)

// built is the command, built once for all tests.
var built string

const (
	serverVariable  = "REACTORSPEC_CLI_SERVER"  // makes this binary a tiny server
	markVariable    = "REACTORSPEC_CLI_MARK"    // in the environment of all that a test starts
	addressVariable = "REACTORSPEC_CLI_ADDRESS" // where the server "taken" listens
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(serverVariable); mode != "" {
		serve(mode)
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "reactorspec-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "reactorspec")
	build := exec.Command("go", "build", "-o", built, "github.com/reactorspec/reactorspec")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the command: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// outcome is what one invocation came to.
type outcome struct {
	exit        int
	out, errors string
	dir         string
	mark        string
}

// reactorspec runs the command in an empty directory; environment adds to ours.
func reactorspec(t *testing.T, environment []string, args ...string) outcome {
	t.Helper()
	o := outcome{dir: t.TempDir(), mark: filepath.Base(t.TempDir()) + t.Name()}
	cmd := command(&o, environment, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	o.exit, o.out, o.errors = cmd.ProcessState.ExitCode(), out.String(), errs.String()
	nothingLeft(t, o.mark)
	return o
}

func command(o *outcome, environment []string, args ...string) *exec.Cmd {
	cmd := exec.Command(built, args...)
	cmd.Dir = o.dir
	cmd.Env = append(append(os.Environ(), markVariable+"="+o.mark), environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// nothingLeft fails if a process that carries the mark outlives its run; the
// kernel may take a moment to bury one.
func nothingLeft(t *testing.T, mark string) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Second)
	for {
		left := marked(mark)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("processes are left: %v", left)
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

func marked(mark string) []string {
	var left []string
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		environment, err := os.ReadFile(path)
		if err == nil && bytes.Contains(environment, []byte(markVariable+"="+mark+"\x00")) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			left = append(left, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return left
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func readRun(t *testing.T, path string) *report.Run {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	run, err := report.ReadJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestTheReferenceIsConformant(t *testing.T) {
	o := reactorspec(t, nil, "check", "--clause", "conn-1,CONN-2", "--clause", "SIGN-1", "--seed", "0x5e1f",
		"--json", "run.json", "--junit", "run.xml", "--html", "run.html", "--badge", "run.svg")
	if o.exit != report.ExitConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	if strings.ContainsAny(o.out, "\x1b\r") || strings.Count(o.out, "\n") != 4 {
		t.Errorf("a pipe gets plain lines, one a clause and a verdict:\n%q", o.out)
	}
	run := readRun(t, filepath.Join(o.dir, "run.json"))
	if len(run.Results) != 3 || run.Seed != 0x5e1f || run.Verdict.Word != report.Conformant || run.Target.Name != "reference" {
		t.Errorf("run %+v", run)
	}
	var suites struct {
		Cases []struct {
			Name string `xml:"name,attr"`
		} `xml:"testsuite>testcase"`
	}
	text, err := os.ReadFile(filepath.Join(o.dir, "run.xml"))
	if err == nil {
		err = xml.Unmarshal(text, &suites)
	}
	if err != nil || len(suites.Cases) < 3 {
		t.Errorf("JUnit %v: %s", err, text)
	}
	for _, name := range []string{"run.html", "run.svg"} {
		if info, err := os.Stat(filepath.Join(o.dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJSONOnStandardOutput(t *testing.T) {
	o := reactorspec(t, nil, "check", "--clause", "CONN-1", "--json", "-")
	run, err := report.ReadJSON(strings.NewReader(o.out))
	if err != nil || len(run.Results) != 1 || o.exit != 0 {
		t.Errorf("exit %d, %v\n%s", o.exit, err, o.out)
	}
}

// TestABrokenClause: the failure explains itself, and its rerun line fails again.
func TestABrokenClause(t *testing.T) {
	o := reactorspec(t, []string{serverVariable + "=garbles"}, "check", "--dialect", "echo", "--clause", "CONN-1,ACC-3",
		"--json", "run.json", "--", self(t), "{port}")
	if o.exit != report.ExitNotConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	if strings.Contains(o.out, "\x1b") {
		t.Errorf("an escape of the target's came through:\n%q", o.out)
	}
	for _, part := range []string{"CONN-1 MUST fail", "want ", "got ", "why ", "rerun ", "garbles"} {
		if !strings.Contains(o.out, part) {
			t.Errorf("the failure lacks %q:\n%s", part, o.out)
		}
	}
	run := readRun(t, filepath.Join(o.dir, "run.json"))
	for _, result := range run.Results {
		if result.Clause != "CONN-1" {
			continue
		}
		again := exec.Command("sh", "-c", result.Evidence.Rerun)
		again.Env = append(os.Environ(), serverVariable+"=garbles")
		out, err := again.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != report.ExitNotConformant || !strings.Contains(string(out), "CONN-1 MUST fail") {
			t.Errorf("%s: %v\n%s", result.Evidence.Rerun, err, out)
		}
	}
}

func TestTexts(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"help":     {nil, []string{"check", "matrix", "explain"}},
		"check":    {[]string{"check", "--help"}, []string{"{port}", "Exit: 0 conformant", "--junit"}},
		"list":     {[]string{"list", "--family", "CONN"}, []string{"CONN-1 ", "MUST"}},
		"coverage": {[]string{"list", "--coverage"}, []string{"CONN-1 ", "dialects", "clauses, "}},
		"explain":  {[]string{"explain", "CONN-1"}, []string{"CONN-1 MUST", "intent", "source", "promised", "spec/conn.md#conn-1"}},
		"several":  {[]string{"explain", "CONN-1", "wake"}, []string{"CONN-1 MUST", "WAKE-3 MUST", "the wakeup: A pipe, an eventfd", "https://github.com/libuv/libuv/issues/4584"}},
		"as JSON":  {[]string{"list", "--json", "--family", "CONN"}, []string{`"id": "CONN-1"`, `"level": "MUST"`, `"text": "spec/conn.md#conn-1"`}},
		"version":  {[]string{"version"}, []string{"reactorspec "}},
		"serve":    {[]string{"serve", "--help"}, []string{"Usage: reactorspec serve", "-listen"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := reactorspec(t, nil, c.args...)
			if o.exit != 0 || o.errors != "" && name != "serve" {
				t.Errorf("exit %d, stderr %q", o.exit, o.errors)
			}
			for _, part := range c.says {
				if !strings.Contains(o.out, part) {
					t.Errorf("lacks %q:\n%s", part, o.out)
				}
			}
		})
	}
}

func TestMatrix(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("good.yaml", fmt.Sprintf("name: good\ndialect: probe\nstart: [%q, serve, --listen, '127.0.0.1:{port}']\n", built))
	file("garbles.yaml", fmt.Sprintf("name: garbles\ndialect: echo\nstart: [%q, '{port}']\nenv: {%s: garbles}\n", self(t), serverVariable))
	o := reactorspec(t, nil, "matrix", dir, "--clause", "CONN-1", "--json", "all.json", "--html", "all.html", "--junit", "all.xml")
	if o.exit != report.ExitNotConformant || !strings.Contains(o.out, "good: conformant") || !strings.Contains(o.out, "garbles: not conformant") {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	for _, name := range []string{"all.json", "all.html", "all.xml"} {
		text, err := os.ReadFile(filepath.Join(o.dir, name))
		if err != nil || !bytes.Contains(text, []byte("garbles")) || !bytes.Contains(text, []byte("good")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	file("wrong.yaml", "name: wrong\n")
	if o := reactorspec(t, nil, "matrix", dir, "--clause", "CONN-1"); o.exit != report.ExitUsage {
		t.Errorf("exit %d with a bad file\n%s", o.exit, o.out)
	}
}

func TestServeEndsOnSIGTERM(t *testing.T) {
	o := outcome{dir: t.TempDir(), mark: "serve"}
	cmd := command(&o, nil, "serve", "--listen", "127.0.0.1:0")
	afterFirstLine(t, cmd, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	if exit := cmd.ProcessState.ExitCode(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
}
