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
// kernel may take a moment to bury one, and longer beside others.
func nothingLeft(t *testing.T, mark string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
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
		"--json", "run.json", "--junit", "run.xml", "--html", "run.html", "--badge", "run.svg", "--markdown", "run.md")
	if o.exit != report.ExitConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	if strings.ContainsAny(o.out, "\x1b\r") || strings.Count(o.out, "\n") != 2 || strings.Contains(o.out, "CONN-1") {
		t.Errorf("a pipe gets plain lines: how it was judged, and the verdict:\n%q", o.out)
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
	if run.Machine == nil || len(run.Called) < 2 || run.Format != report.Format {
		t.Errorf("how and where it was judged: %v, %v, format %d", run.Called, run.Machine, run.Format)
	}
	for _, name := range []string{"run.html", "run.svg", "run.md"} {
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
		"explain":  {[]string{"explain", "CONN-1"}, []string{"CONN-1 MUST", "intent", "source", "promised", "since    spec 0.1", "spec/conn.md#conn-1"}},
		"several":  {[]string{"explain", "CONN-1", "wake"}, []string{"CONN-1 MUST", "WAKE-3 MUST", "the wakeup: A pipe, an eventfd", "https://github.com/libuv/libuv/issues/4584"}},
		"as JSON":  {[]string{"list", "--json", "--family", "CONN"}, []string{`"id": "CONN-1"`, `"level": "MUST"`, `"since": "0.1"`, `"text": "spec/conn.md#conn-1"`}},
		"version":  {[]string{"version"}, []string{"reactorspec ", "spec 0.2, being written; frozen: 0.1"}},
		"serve":    {[]string{"serve", "--help"}, []string{"Usage: reactorspec serve", "\n      --listen address"}},
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
	file("lacking.yaml", "name: lacking\ndialect: echo\nstart: [no-such-server-here, '{port}']\n")
	file("daemon.yaml", "name: daemon\ndialect: echo\nstart: mkdir -p {scratch}/state && exec no-such-daemon $PORT\n")
	file("toolchain.yaml", "name: toolchain\ndialect: echo\nbuild: true && no-such-compiler --release\nstart: [./server, '{port}']\n")
	file("unbuilt.yaml", "name: unbuilt\ndialect: echo\nbuild: echo line 7 is wrong >&2; exit 1\nstart: [./server, '{port}']\n")
	args := []string{"matrix", dir, "--clause", "CONN-1,ACC-3", "--seed", "0x5e1f", "--html", "all", "--junit", "all.xml", "--markdown", "all.md"}
	o := reactorspec(t, nil, append(args, "--json", "all.json")...)
	for _, says := range []string{"good: conformant", "garbles: not conformant", "lacking: skipped (no-such-server-here is not installed)", "daemon: skipped (", "no-such-daemon: not found", "no-such-compiler: not found", "line 7 is wrong", "judging unbuilt, 6 of 6"} {
		if !strings.Contains(o.out, says) {
			t.Errorf("it does not say %q", says)
		}
	}
	if o.exit != report.ExitNotConformant {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	for _, name := range []string{"all.json", "all/index.html", "all/t/garbles/CONN-1.html", "all.xml", "all.md"} {
		text, err := os.ReadFile(filepath.Join(o.dir, name))
		if err != nil || !bytes.Contains(text, []byte("garbles")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Run("shards", func(t *testing.T) { shardsMakeTheWhole(t, o, args) })
	file("wrong.yaml", "name: wrong\n")
	if o := reactorspec(t, nil, "matrix", dir, "--clause", "CONN-1"); o.exit != report.ExitUsage {
		t.Errorf("exit %d with a bad file\n%s", o.exit, o.out)
	}
}

// shardsMakeTheWhole judges the same targets in three shards, one of them twice as
// if it had been killed, and joins what they wrote.
func shardsMakeTheWhole(t *testing.T, whole outcome, args []string) {
	dir, files := t.TempDir(), []string{"merge"}
	for _, shard := range []string{"1/3", "3/3", "2/3", "3/3"} {
		file := filepath.Join(dir, fmt.Sprintf("%d.json", len(files)))
		files = append(files, file)
		reactorspec(t, nil, append(args, "--shard", shard, "--json", file)...)
	}
	const missing = "incomplete: the targets of shard 3 of 3 are missing"
	part := reactorspec(t, nil, "merge", files[1], files[3], "--json", "part.json", "--html", "pages", "--markdown", "part.md")
	if part.exit != report.ExitUndecided || part.errors != "note: "+missing+"\n" {
		t.Errorf("without the third shard: exit %d, %s", part.exit, part.errors)
	}
	for _, name := range []string{"pages/index.html", "part.md"} {
		if text, err := os.ReadFile(filepath.Join(part.dir, name)); err != nil || !strings.Contains(string(text), "I"+missing[1:]) {
			t.Errorf("%s says nothing of the third shard: %v", name, err)
		}
	}
	if again := reactorspec(t, nil, "merge", filepath.Join(part.dir, "part.json"), files[2], "--json", "all.json"); again.exit != whole.exit || again.errors != "" {
		t.Errorf("with the third shard: exit %d, %s", again.exit, again.errors)
	}
	joined := reactorspec(t, nil, append(files, "--json", "joined.json", "--html", "pages")...)
	if text, err := os.ReadFile(filepath.Join(joined.dir, "pages", "index.html")); err != nil || strings.Contains(string(text), "ncomplete: ") || joined.errors != "" {
		t.Errorf("all shards: %v, %s", err, joined.errors)
	}
	if joined.exit != whole.exit {
		t.Errorf("exit %d of the parts, %d of the whole\n%s", joined.exit, whole.exit, joined.errors)
	}
	told := func(path string) string {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		m, err := report.ReadJSONMatrix(file)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, run := range m.Runs {
			fmt.Fprintf(&b, "%s seed %#x\n", run.Verdict.Sentence, run.Seed)
			for _, r := range run.Results {
				fmt.Fprintf(&b, "  %s %s %s\n", r.Clause, r.Outcome, r.Reason)
			}
		}
		for _, s := range m.Skipped {
			fmt.Fprintf(&b, "%s skipped (%s)\n", s.Target, s.Reason)
		}
		return b.String()
	}
	old, renewed := filepath.Join(whole.dir, "all.json"), filepath.Join(joined.dir, "joined.json")
	if a, b := told(old), told(renewed); a != b {
		t.Errorf("the whole is\n%s\nits parts are\n%s", a, b)
	}
	if o := reactorspec(t, nil, "diff", old, renewed); o.exit != 0 || o.out != "nothing better or worse\n" {
		t.Errorf("diff: exit %d, %s%s", o.exit, o.out, o.errors)
	}
}

// TestMatrixInterrupted: one signal ends the target that is being judged and
// writes what was judged, with the ones left named.
func TestMatrixInterrupted(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		text := fmt.Sprintf("name: server %d\ndialect: probe\nstart: [%q, serve, --listen, '127.0.0.1:{port}']\n", i, built)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := outcome{dir: t.TempDir(), mark: "matrix-interrupted"}
	cmd := command(&o, nil, "matrix", dir, "--family", "TIME,LOOP", "--json", "all.json", "--html", "all")
	afterFirstLine(t, cmd, func() { _ = cmd.Process.Signal(syscall.SIGINT) })
	if exit := cmd.ProcessState.ExitCode(); exit != report.ExitUndecided {
		t.Errorf("exit %d, want 3", exit)
	}
	nothingLeft(t, o.mark)
	text, err := os.ReadFile(filepath.Join(o.dir, "all.json"))
	if err != nil || !strings.Contains(string(text), "server 2") || !strings.Contains(string(text), "interrupted before its turn") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestMatrixOutlivesAChild: a target whose judge hangs or dies costs itself alone.
func TestMatrixOutlivesAChild(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.yaml": "name: kills its judge\ndialect: echo\nstart: [/bin/sh, -c, 'kill -9 $PPID; sleep 60']\n",
		"b.yaml": fmt.Sprintf("name: good\ndialect: probe\nstart: [%q, serve, --listen, '127.0.0.1:{port}']\n", built),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := reactorspec(t, nil, "matrix", dir, "--clause", "CONN-1")
	if o.exit != report.ExitUndecided || !strings.Contains(o.out, "its process left no report: signal: killed") || !strings.Contains(o.out, "good: conformant") {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
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
