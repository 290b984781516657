package cli_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
)

// TestBadServers: whatever a server does, the command says it in plain words,
// with the right exit code, in every report, and leaves no process behind
// (reactorspec looks for one).
func TestBadServers(t *testing.T) {
	t.Parallel() // with what else waits more than it works
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for mode, c := range map[string]struct {
		clauses  string
		features string
		exit     int
		says     string
		judged   bool // some clause was
	}{
		"exits":         {"CONN-1", "", report.ExitNotConformant, "exited with 5", false},
		"absent":        {"CONN-1", "", report.ExitNotConformant, "pass it {port} or $PORT, and see that it listens there", false},
		"taken":         {"CONN-1", "", report.ExitNotConformant, taken.Addr().String() + ": bind: address already in use", false},
		"slams":         {"CONN-1", "", report.ExitNotConformant, "does not serve", false},
		"garbage":       {"CONN-1", "", report.ExitNotConformant, "not the one to this request", false},
		"floods":        {"CONN-1", "", report.ExitNotConformant, "not the one to this request", false},
		"other":         {"CONN-1", "", report.ExitNotConformant, "not the one to this request", false},
		"clings":        {"CONN-1,CONN-8", "", report.ExitNotConformant, "CONN-8 MUST fail", true},
		"deaf":          {"CONN-1,LIFE-1", "drain", report.ExitNotConformant, "LIFE-1 MUST fail", true},
		"daemon":        {"CONN-1", "", report.ExitConformant, "conformant", true},
		"hidden daemon": {"CONN-1", "", report.ExitConformant, "conformant", true},
	} {
		t.Run(mode, func(t *testing.T) {
			if c.judged { // it waits more than it works
				t.Parallel()
			}
			file := filepath.Join(t.TempDir(), "bad.yaml")
			text := fmt.Sprintf("name: bad\ndialect: echo\nclass: thread-per-connection\nfeatures: [%s]\nstart: [%q]\nready_timeout: 3s\n", c.features, self(t))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			o := reactorspec(t, []string{serverVariable + "=" + mode, addressVariable + "=" + taken.Addr().String()},
				"check", "--target", file, "--clause", c.clauses, "--json", "run.json", "--junit", "run.xml")
			if o.exit != c.exit || !strings.Contains(o.out+o.errors, c.says) {
				t.Errorf("exit %d, want %d and %q\n%s%s", o.exit, c.exit, c.says, o.out, o.errors)
			}
			if strings.ContainsAny(o.out+o.errors, "\x1b\r") {
				t.Errorf("an escape of the target's came through:\n%q%q", o.out, o.errors)
			}
			run := readRun(t, filepath.Join(o.dir, "run.json"))
			if (run.Problem == nil) != c.judged || len(run.Results) != strings.Count(c.clauses, ",")+1 || run.Verdict.Exit != c.exit {
				t.Errorf("problem %+v, results %+v, verdict %+v", run.Problem, run.Results, run.Verdict)
			}
			untested := slices.ContainsFunc(run.Results, func(r report.Result) bool { return r.Outcome == report.Untested })
			if untested == c.judged {
				t.Errorf("results %+v", run.Results)
			}
			if text, err := os.ReadFile(filepath.Join(o.dir, "run.xml")); err != nil || !bytes.Contains(text, []byte("<testcase")) {
				t.Errorf("JUnit %v: %s", err, text)
			}
		})
	}
}

func TestNobodyAtTheAddress(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "tcp://" + listener.Addr().String()
	_ = listener.Close()
	o := reactorspec(t, nil, "check", "--addr", address, "--dialect", "echo", "--json", "run.json")
	if o.exit != report.ExitUndecided || !strings.Contains(o.errors, "no server answers") {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	if run := readRun(t, filepath.Join(o.dir, "run.json")); run.Problem == nil {
		t.Errorf("run %+v", run)
	}
}

// A wrong pid is a mistake of whoever gave it, and says so.
func TestWrongPid(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	other := exec.Command("sleep", "300")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	for name, c := range map[string]struct {
		pid  int
		says string
	}{
		"no process":       {1 << 22, "process has exited"},
		"not the listener": {other.Process.Pid, "does not serve there"},
	} {
		t.Run(name, func(t *testing.T) {
			o := reactorspec(t, nil, "check", "--addr", "tcp://"+listener.Addr().String(), "--pid", strconv.Itoa(c.pid), "--dialect", "echo")
			if o.exit != report.ExitUsage || !strings.Contains(o.errors, "wrong --pid") || !strings.Contains(o.errors, c.says) || strings.Contains(o.errors, "no server answers") {
				t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
			}
		})
	}
}
