package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
)

// An output that takes nothing is an error of the run, which the other reports do
// not suffer from.
func TestAnOutputThatIsLost(t *testing.T) {
	for name, c := range map[string]struct {
		redirect, report string // of the shell; further flags
		says             string
	}{
		"full":             {">/dev/full", "", "no space left on device"},
		"full, for a page": {">/dev/full", "--html -", "no space left on device"},
		"closed":           {">&-", "--html -", "standard output is closed"},
		"nobody reads":     {"| true", "", "broken pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			o := outcome{dir: t.TempDir(), mark: "lost " + name}
			line := "exec 3>&1; { " + built + " check --clause CONN-1 --json run.json " + c.report + " 2>&3 3>&-; echo exit $? >&3; } " + c.redirect
			cmd := exec.Command("bash", "-c", line)
			cmd.Dir, cmd.Env = o.dir, append(os.Environ(), markVariable+"="+o.mark)
			out, _ := cmd.CombinedOutput()
			if !strings.Contains(string(out), "exit 3\n") || !strings.Contains(string(out), c.says) {
				t.Errorf("%s: want exit 3 and %q\n%s", line, c.says, out)
			}
			nothingLeft(t, o.mark)
			if name != "closed" { // which nobody judged for
				readRun(t, filepath.Join(o.dir, "run.json"))
			}
		})
	}
}

// Whatever prints says in one line that it could not, also what cobra and the flag package print.
func TestAFullOutputIsNoticedByEveryCommand(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, args := range []string{"", "--help", "--version", "version", "help check", "check --help", "serve --help", "completion bash", "completion zsh",
		"list", "explain CONN-1", "dialect", "dialect list", "dialect show smtp", "dialect schema", "init --lang go made",
		"check --clause CONN-1", "fuzz --time 1s", "nonsense"} {
		t.Run(args, func(t *testing.T) {
			o := outcome{dir: t.TempDir(), mark: "full " + args}
			cmd := command(&o, nil, strings.Fields(args)...)
			var errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = full, &errs
			_ = cmd.Run()
			exit, says := report.ExitUndecided, "write stdout: no space left on device"
			if args == "nonsense" { // a mistake stays one
				exit, says = report.ExitUsage, "unknown command"
			}
			if got := cmd.ProcessState.ExitCode(); got != exit || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), says) {
				t.Errorf("exit %d, want %d and a line that says %q:\n%s", got, exit, says, errs.String())
			}
			nothingLeft(t, o.mark)
		})
	}
}

// What keeps a target from starting is said once where both outputs are one, and in
// both where they are not.
func TestALaunchErrorIsSaidOnce(t *testing.T) {
	o := outcome{dir: t.TempDir(), mark: "once"}
	cmd := command(&o, []string{serverVariable + "=exits"}, "check", "--dialect", "echo", "--clause", "CONN-1", "--", self(t), "{port}")
	var both bytes.Buffer
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	_, _ = both.ReadFrom(reader)
	_ = cmd.Wait()
	if got := strings.Count(both.String(), "it exited with 5"); got != 1 {
		t.Errorf("it is said %d times:\n%s", got, both.String())
	}
	apart := reactorspec(t, []string{serverVariable + "=exits"}, "check", "--dialect", "echo", "--clause", "CONN-1", "--", self(t), "{port}")
	if !strings.Contains(apart.out, "it exited with 5") || !strings.Contains(apart.errors, "it exited with 5") {
		t.Errorf("apart:\n%s\n%s", apart.out, apart.errors)
	}
}

// A place for temporary files that is none, and a /proc that is not there, are named.
func TestWhatTheMachineLacks(t *testing.T) {
	o := reactorspec(t, []string{"TMPDIR=/no/such/place"}, "check", "--clause", "CONN-1")
	if o.exit != report.ExitUsage || !strings.Contains(o.errors, "TMPDIR is /no/such/place") {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can hide /proc")
	}
	file := filepath.Join(t.TempDir(), "built.yaml")
	if err := os.WriteFile(file, []byte("name: built\ndialect: echo\nbuild: \"true\"\nstart: "+self(t)+" {port}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"check --dialect echo --clause CONN-1 -- " + self(t) + " {port}",
		"check --clause CONN-1", "fuzz --time 1s", "replay " + written(t, pending), // on the embedded reference
		"matrix " + file, "check --target " + file,
	} {
		cmd := exec.Command("unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc && exec "+built+" "+args+" --json run.json")
		if words, server, apart := strings.Cut(args, " -- "); apart {
			cmd.Args[4] = "mount -t tmpfs none /proc && exec " + built + " " + words + " --json run.json -- " + server
		}
		cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), serverVariable+"=good")
		out, _ := cmd.CombinedOutput()
		if strings.Contains(string(out), "unshare") || strings.Contains(string(out), "mount:") {
			t.Skipf("no mount namespace can be had: %s", out)
		}
		if cmd.ProcessState.ExitCode() != report.ExitUndecided || !strings.Contains(string(out), "/proc cannot be read") || !strings.Contains(string(out), "mount it (mount -t proc proc /proc)") {
			t.Errorf("%s: exit %d\n%s", args, cmd.ProcessState.ExitCode(), out)
		}
		if text, err := os.ReadFile(filepath.Join(cmd.Dir, "run.json")); err != nil || !strings.Contains(string(text), `"kind": "harness"`) {
			t.Errorf("%s: %v, the report does not say that the harness failed:\n%s", args, err, text)
		}
	}
}

// A rerun line calls the command by its name where the shell finds it by that, and by its
// path where it does not.
func TestRerunLinesNameTheCommand(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Dir(built) + ":" + os.Getenv("PATH"): "  rerun  reactorspec check ",
		os.Getenv("PATH"): "  rerun  " + built + " check ",
	} {
		o := reactorspec(t, []string{serverVariable + "=garbles", "PATH=" + path}, "check", "--clause", "CONN-1", "--dialect", "echo", "--", self(t), "{port}")
		if !strings.Contains(o.out, want) {
			t.Errorf("exit %d, no %q in\n%s%s", o.exit, want, o.out, o.errors)
		}
	}
}

// A run has two badges if one is SVG and the other JSON; two of a kind are a mistake,
// whichever of them was meant.
func TestTwoBadges(t *testing.T) {
	o := reactorspec(t, nil, "check", "--clause", "CONN-1", "--badge", "run.svg", "--badge=endpoint.json")
	for file, want := range map[string]string{"run.svg": "<svg ", "endpoint.json": `"schemaVersion": 1`} {
		if text, err := os.ReadFile(filepath.Join(o.dir, file)); err != nil || !strings.Contains(string(text), want) || o.exit != report.ExitConformant {
			t.Errorf("exit %d, %v: %s is %s", o.exit, err, file, text)
		}
	}
	for _, pair := range [][2]string{{"a.svg", "b.svg"}, {"a.json", "b.json"}, {"a.svg", "b.txt"}} {
		o := reactorspec(t, nil, "check", "--clause", "CONN-1", "--badge", pair[0], "--badge", pair[1])
		if o.exit != report.ExitUsage || !strings.Contains(o.errors, "--badge "+pair[0]+" and --badge "+pair[1]+": both are ") {
			t.Errorf("%v: exit %d\n%s%s", pair, o.exit, o.out, o.errors)
		}
	}
	// Also a call that goes wrong before anything is judged leaves both.
	o = reactorspec(t, nil, "check", "--badge", "run.svg", "--badge", "endpoint.json", "--no-such-flag")
	for _, file := range []string{"run.svg", "endpoint.json"} {
		if text, err := os.ReadFile(filepath.Join(o.dir, file)); err != nil || !strings.Contains(string(text), "usage") {
			t.Errorf("exit %d, %v: %s is %s", o.exit, err, file, text)
		}
	}
}
