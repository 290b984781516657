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
	o := reactorspec(t, nil, "list")
	cmd := exec.Command("sh", "-c", built+" list >/dev/full")
	if _ = cmd.Run(); cmd.ProcessState.ExitCode() != report.ExitUndecided || o.exit != 0 {
		t.Errorf("list: exit %d on a full device, %d elsewhere", cmd.ProcessState.ExitCode(), o.exit)
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
	cmd := exec.Command("unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc && exec "+built+" check --dialect echo --clause CONN-1 -- "+self(t)+" {port}")
	cmd.Env = append(os.Environ(), serverVariable+"=good")
	out, _ := cmd.CombinedOutput()
	if strings.Contains(string(out), "unshare") || strings.Contains(string(out), "mount:") {
		t.Skipf("no mount namespace can be had: %s", out)
	}
	if cmd.ProcessState.ExitCode() != report.ExitUndecided || !strings.Contains(string(out), "/proc cannot be read") {
		t.Errorf("exit %d\n%s", cmd.ProcessState.ExitCode(), out)
	}
}
