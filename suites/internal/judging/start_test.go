package judging

import (
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// TestServersThatCannotBeGreeted are judged without a single check.
func TestServersThatCannotBeGreeted(t *testing.T) {
	for mode, want := range map[string]struct {
		exit int
		says string
	}{
		"absent":      {1, "never accepted"},
		"exits":       {1, "exited with 4"},
		"unsupported": {2, "127"},
		"slams":       {1, "instead of sending a line"},
		"silent":      {1, "silence"},
		"garbage":     {1, "HTTP/1.1 400"},
		"floods":      {1, "flood"},
		"other":       {1, "not the one to this request"},
		"impostor":    {1, "another server"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			on := tiny.Target(t, mode)
			on.File.ReadyTimeout = target.Duration(700 * time.Millisecond)
			run, err := judged(t, on, []session.Check{{Clause: "CONN-1", Run: exchange}})
			if err == nil || run.Problem == nil {
				t.Fatalf("it was judged: %v", outcomes(run))
			}
			if !strings.Contains(run.Problem.Message, want.says) || strings.ContainsAny(run.Problem.Message, "\n\x1b") {
				t.Errorf("message %q lacks %q or is not one plain line", run.Problem.Message, want.says)
			}
			if run.Verdict.Exit != want.exit || outcomes(run)["CONN-1"] != report.Untested {
				t.Errorf("exit %d, outcomes %v", run.Verdict.Exit, outcomes(run))
			}
			if mode == "exits" && (!strings.Contains(run.Target.Stderr, "configuration") || strings.Contains(run.Target.Stderr, "\x1b")) {
				t.Errorf("stderr %q", run.Target.Stderr)
			}
		})
	}
}

// TestADaemonIsFollowed: one that left its parents, its group and its
// environment is judged all the same, and nothing of it is left.
func TestADaemonIsFollowed(t *testing.T) {
	on := tiny.Target(t, "daemon")
	mark := "REACTORSPEC_TEST_DAEMON=" + rand.Text()
	name, value, _ := strings.Cut(mark, "=")
	on.File.Env[name] = value
	lived := false
	run, err := judged(t, on, []session.Check{{Clause: "CONN-1", Run: func(s *session.Session) {
		exchange(s)
		lived = len(marked(mark)) > 0
	}}})
	if err != nil || outcomes(run)["CONN-1"] != report.Pass {
		t.Errorf("error %v, outcomes %v: %s", err, outcomes(run), reason(run, "CONN-1"))
	}
	if left := marked(mark); !lived || len(left) > 0 {
		t.Errorf("it was seen: %t; processes are left: %v", lived, left)
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(run.Target.Address, "tcp://")); err == nil {
		c.Close()
		t.Errorf("the daemon still listens at %s", run.Target.Address)
	}
}

// marked lists the processes, by their directory in /proc, whose environment
// has that entry.
func marked(entry string) []string {
	var found []string
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		if environment, err := os.ReadFile(path); err == nil && strings.Contains(string(environment), entry+"\x00") {
			found = append(found, filepath.Dir(path))
		}
	}
	return found
}

// TestAnInstanceThatDoesNotStart: where a check's own instance does not come up, the
// outcome has what that one printed.
func TestAnInstanceThatDoesNotStart(t *testing.T) {
	on := tiny.Target(t, "good")
	script := `mkdir "$0" 2>/dev/null || { echo "the second of me lacks a licence" >&2; exit 4; }; exec "$@"`
	on.File.Start = append(target.Command{"/bin/sh", "-c", script, filepath.Join(t.TempDir(), "taken")}, on.File.Start...)
	run, err := judged(t, on, []session.Check{{Clause: "CONN-1", Run: exchange}, {Clause: "ACC-9", Own: true, Run: exchange}})
	if err != nil || outcomes(run)["CONN-1"] != report.Pass || outcomes(run)["ACC-9"] != report.Error {
		t.Fatalf("error %v, outcomes %v", err, outcomes(run))
	}
	for _, result := range run.Results {
		if result.Clause == "ACC-9" && (result.Evidence == nil || !strings.Contains(result.Evidence.Stderr, "lacks a licence")) {
			t.Errorf("evidence %+v", result.Evidence)
		}
	}
}

// starting is an echo that refuses the first three requests, as one that starts up.
const starting = `import os, socket, threading
refused = 0
def serve(c):
    global refused
    data = c.recv(65536)
    if data and refused < 3:
        refused += 1
        c.sendall(b"not yet\\n")
        c.close()
        return
    while data:
        c.sendall(data)
        data = c.recv(65536)
    c.close()
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=100)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
`

// TestServersThatStartUp: who accepts connections before it serves is asked again, for as
// long as it may take to be ready, and so is each further instance.
func TestServersThatStartUp(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	on := target.Target{File: target.File{Dialect: "echo", Class: "thread-per-connection", Start: target.Command{python, "-c", starting}}}
	run, err := judged(t, on, []session.Check{{Clause: "CONN-1", Run: exchange}, {Clause: "CONN-2", Own: true, Run: exchange}})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range run.Results {
		if result.Outcome != report.Pass {
			t.Errorf("%s %s: %s", result.Clause, result.Outcome, result.Reason)
		}
	}
	if notes := strings.Join(run.Notes, "\n"); strings.Count(notes, "before it serves them") != 1 {
		t.Errorf("notes %q", notes)
	}
}

// TestAnInstanceThatNeverServesIsNoVerdict: where the first instance serves and a further
// one does not, the set-up failed (two of them want one file, say), and no clause is broken.
func TestAnInstanceThatNeverServesIsNoVerdict(t *testing.T) {
	on := tiny.Target(t, "good")
	first := filepath.Join(t.TempDir(), "first")
	on.File.Start = target.Command{"sh", "-c", `mkdir "$2" 2>/dev/null || export ` + tiny.Variable + `=garbage; exec "$0" "$1"`, on.File.Start[0], "{port}", first}
	on.File.ReadyTimeout = target.Duration(time.Second)
	run, err := judged(t, on, []session.Check{{Clause: "CONN-1", Run: exchange}, {Clause: "CONN-2", Own: true, Run: exchange}})
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes(run); got["CONN-1"] != report.Pass || got["CONN-2"] != report.Inconclusive {
		t.Errorf("outcomes %v", got)
	}
	if why := reason(run, "CONN-2"); !strings.Contains(why, "does not serve") {
		t.Errorf("reason %q", why)
	}
}
