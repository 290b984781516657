package cli_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/report"
)

// running starts `serve` and returns its process and the address that it tells.
func running(t *testing.T, listen string) (*os.Process, string) {
	t.Helper()
	o := outcome{dir: t.TempDir()}
	o.mark = o.dir
	cmd := command(&o, nil, "serve", "--listen", listen, "--class", "reactor")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		nothingLeft(t, o.mark)
	})
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process, strings.TrimPrefix(strings.TrimSpace(line), "listening on ")
}

// TestAServerThatRuns is judged at its address, from the process vantage where
// its pid is given, and goes on afterwards.
func TestAServerThatRuns(t *testing.T) {
	for name, c := range map[string]struct{ scheme, listen string }{
		"tcp":  {"tcp://", "127.0.0.1:0"},
		"unix": {"unix://", filepath.Join(t.TempDir(), "s.sock")},
	} {
		t.Run(name, func(t *testing.T) {
			server, at := running(t, c.listen)
			address := c.scheme + at
			for pid, process := range map[int]report.Outcome{0: report.Untested, server.Pid: report.Pass} {
				args := []string{"check", "--addr", address, "--class", "reactor", "--clause", "CONN-1,SIGN-1,CONN-13", "--json", "run.json"}
				if pid != 0 {
					args = append(args, "--pid", strconv.Itoa(pid))
				}
				o := reactorspec(t, nil, args...)
				if o.exit != report.ExitConformant {
					t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
				}
				run := readRun(t, filepath.Join(o.dir, "run.json"))
				want := map[string]report.Outcome{"CONN-1": report.Pass, "SIGN-1": report.Pass, "CONN-13": process}
				for _, result := range run.Results {
					if result.Outcome != want[result.Clause] {
						t.Errorf("pid %d: %s is %s, want %s: %s", pid, result.Clause, result.Outcome, want[result.Clause], result.Reason)
					}
				}
				if len(run.Results) != len(want) || run.Target.Address != address || run.Target.Pid != pid {
					t.Errorf("pid %d: %d results, target %+v", pid, len(run.Results), run.Target)
				}
			}
			other, _ := running(t, "127.0.0.1:0")
			if o := reactorspec(t, nil, "check", "--addr", address, "--class", "reactor", "--clause", "CONN-1", "--pid", strconv.Itoa(other.Pid)); o.exit != report.ExitUsage || !strings.Contains(o.errors, "wrong --pid") {
				t.Errorf("another's pid: exit %d\n%s%s", o.exit, o.out, o.errors)
			}
		})
	}
}

// The embedded server takes the units that the judge takes, and means the same by them.
func TestTheServerTakesUnits(t *testing.T) {
	for given, agree := range map[string]bool{"1MiB": true, "1048576": true, "1KiB": false} {
		o := reactorspec(t, nil, "check", "--limit", "1MiB", "--clause", "PROBE-1", "--", built, "serve", "--listen", "127.0.0.1:{port}", "--limit", given, "--low-water", "1KiB")
		if said := strings.Contains(o.out, "limit 1048576, HELLO says 1024"); o.exit != report.ExitConformant || said == agree {
			t.Errorf("--limit %s: exit %d\n%s%s", given, o.exit, o.out, o.errors)
		}
	}
}
