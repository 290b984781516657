package cli_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/report"
)

func TestOneSignalEndsTheRunWithReports(t *testing.T) {
	// Under nohup whatever is started ignores SIGHUP, and goes on by right.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	t.Cleanup(func() { signal.Reset(syscall.SIGHUP) })
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			o := outcome{dir: t.TempDir(), mark: "one-signal-" + sig.String()}
			cmd := command(&o, nil, "check", "-v", "--family", "CONN,TIME,LOOP", "--json", "run.json")
			afterFirstLine(t, cmd, func() { _ = cmd.Process.Signal(sig) })
			if exit := cmd.ProcessState.ExitCode(); exit != report.ExitUndecided {
				t.Errorf("exit %d, want 3", exit)
			}
			nothingLeft(t, o.mark)
			run := readRun(t, filepath.Join(o.dir, "run.json"))
			if run.Problem == nil || run.Problem.Kind != report.Interrupted {
				t.Errorf("problem %+v", run.Problem)
			}
			untested := 0
			for _, result := range run.Results {
				if result.Outcome == report.Untested && strings.Contains(result.Reason, "interrupted") {
					untested++
				}
			}
			if untested == 0 || run.Verdict.Counts[report.Fail] > 0 {
				t.Errorf("counts %v", run.Verdict.Counts)
			}
		})
	}
}

// Two at the same moment are one wish, as of timeout(1), which tells the process and its group.
func TestTwoSignalsAtOnceAreOne(t *testing.T) {
	o := outcome{dir: t.TempDir(), mark: "one-wish"}
	cmd := command(&o, nil, "check", "-v", "--family", "CONN,TIME,LOOP", "--json", "run.json")
	afterFirstLine(t, cmd, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Process.Signal(syscall.SIGINT)
	})
	nothingLeft(t, o.mark)
	if run := readRun(t, filepath.Join(o.dir, "run.json")); run.Problem == nil || run.Problem.Kind != report.Interrupted {
		t.Errorf("problem %+v", run.Problem)
	}
}

// TestTwoSignalsEndTheRunAtOnce: the report goes into a pipe that nobody reads,
// so that after one signal the run never ends.
func TestTwoSignalsEndTheRunAtOnce(t *testing.T) {
	o := outcome{dir: t.TempDir(), mark: "two-signals"}
	if err := syscall.Mkfifo(filepath.Join(o.dir, "run.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(&o, nil, "check", "-v", "--clause", "CONN-1,TIME-1", "--json", "run.json")
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	afterFirstLine(t, cmd, func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if strings.Contains(lines.Text(), "interrupted") {
				break
			}
		}
		go func() { // as somebody who wants it to end, until it does
			for cmd.Process.Signal(syscall.SIGINT) == nil {
				time.Sleep(100 * time.Millisecond)
			}
		}()
	})
	if exit := cmd.ProcessState.ExitCode(); exit != report.ExitUndecided {
		t.Errorf("exit %d, want 3: the second signal did not end it", exit)
	}
	nothingLeft(t, o.mark)
}

// TestAKilledHarnessLeavesNothing: not even SIGKILL leaves a server behind.
func TestAKilledHarnessLeavesNothing(t *testing.T) {
	o := outcome{dir: t.TempDir(), mark: "killed"}
	cmd := command(&o, nil, "check", "-v", "--family", "CONN,TIME,LOOP")
	afterFirstLine(t, cmd, func() { _ = cmd.Process.Kill() })
	nothingLeft(t, o.mark)
}

// afterFirstLine starts the command, acts once it has judged a clause, and waits.
func afterFirstLine(t *testing.T, cmd *exec.Cmd, act func()) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	reader := bufio.NewReader(out)
	if _, err := reader.ReadString('\n'); err != nil {
		t.Errorf("no line came: %v", err)
	}
	act()
	_, _ = io.Copy(io.Discard, reader)
	_ = cmd.Wait()
}

func TestTimeoutEndsTheRun(t *testing.T) {
	o := reactorspec(t, nil, "check", "--family", "TIME,LOOP", "--timeout", "1500ms", "--json", "run.json")
	run := readRun(t, filepath.Join(o.dir, "run.json"))
	if o.exit != report.ExitUndecided || run.Problem == nil || !strings.Contains(run.Problem.Message, "1.5s") {
		t.Errorf("exit %d, problem %+v\n%s", o.exit, run.Problem, o.errors)
	}
}

// What nohup ignores for us stays ignored.
func TestAHangupUnderNohup(t *testing.T) {
	o := outcome{dir: t.TempDir(), mark: "nohup"}
	cmd := exec.Command("sh", "-c", `trap '' HUP; exec "$@"`, "sh", built, "check", "-v", "--clause", "CONN-1,CONN-2,ACC-3", "--json", "run.json")
	cmd.Dir, cmd.Env = o.dir, append(cmd.Environ(), markVariable+"="+o.mark)
	afterFirstLine(t, cmd, func() { _ = cmd.Process.Signal(syscall.SIGHUP) })
	if exit := cmd.ProcessState.ExitCode(); exit != report.ExitConformant {
		t.Errorf("exit %d, want 0", exit)
	}
	nothingLeft(t, o.mark)
}
