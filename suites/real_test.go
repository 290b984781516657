package suites_test

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

var note = flag.Bool("note", false, "write what the real servers came to into testdata/targets/expected, keeping the citations; read the difference before you believe it")

// real lists servers nobody here wrote, or wrote for this project, and what each
// needs: programs, and libraries of C by <header>. CI installs all of them;
// elsewhere one that is missing is skipped by name. With the reference these are the
// ten targets that CI judges; all others are judged by `make matrix`.
var real = []struct {
	name  string
	needs []string
}{
	{"redis", []string{"redis-server"}},
	{"redis-limits", []string{"redis-server"}},
	{"memcached", []string{"memcached"}},
	{"nginx", []string{"nginx"}},
	{"gonet", []string{"go"}},
	{"asyncio", []string{"python3"}},
	{"node", []string{"node"}},
	{"libuv", []string{"cc", "<uv.h>"}},
	{"haproxy", []string{"haproxy", "redis-server", "redis-cli"}},
}

// libraries are what the linker calls the library of a header.
var libraries = map[string]string{"<uv.h>": "-luv"}

// require skips the test where something that it needs is not installed; where
// CI is set, it fails.
func require(t *testing.T, needs []string) {
	t.Helper()
	for _, need := range needs {
		var err error
		if strings.HasPrefix(need, "<") {
			compiler := exec.Command("cc", "-x", "c", "-", "-o", filepath.Join(t.TempDir(), "probe"), libraries[need])
			compiler.Stdin = strings.NewReader("#include " + need + "\nint main(void) { return 0; }\n")
			err = compiler.Run()
		} else {
			_, err = exec.LookPath(need)
		}
		switch {
		case err == nil:
		case os.Getenv("CI") != "":
			t.Fatalf("%s is not installed: .ci/install must install it", need)
		default:
			t.Skipf("%s is not installed", need)
		}
	}
}

func TestWhatIsMissingIsSkippedByName(t *testing.T) {
	for _, need := range []string{"reactorspec-no-such-program", "<reactorspec-no-such-header.h>"} {
		for _, ci := range []string{"", "1"} {
			t.Setenv("CI", ci)
			cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^TestNeeding$")
			cmd.Env = append(os.Environ(), needVariable+"="+need)
			out, err := cmd.CombinedOutput()
			if fatal := err != nil; fatal != (ci != "") || !strings.Contains(string(out), need+" is not installed") {
				t.Errorf("CI=%q, %s: %v\n%s", ci, need, err, out)
			}
		}
	}
	require(t, []string{"go"})
}

// needVariable names what TestNeeding needs.
const needVariable = "REACTORSPEC_TEST_NEED"

// TestNeeding is run by TestWhatIsMissingIsSkippedByName, in a process of its own.
func TestNeeding(t *testing.T) {
	if need := os.Getenv(needVariable); need != "" {
		require(t, []string{need})
		t.Fatalf("%s is installed", need)
	}
}

// TestRealServers judges unmodified servers and compares every clause with the
// committed expectation. Every clause is listed there, so that a promise that
// disappears is noticed; one that is expected to be broken carries its citation,
// one that is not judged the declaration that says so.
func TestRealServers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real servers; left out by -short")
	}
	for _, row := range real {
		t.Run(row.name, func(t *testing.T) {
			require(t, row.needs)
			file, err := target.Load(filepath.Join("..", "testdata", "targets", row.name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			run, err := suites.Check(t.Context(), target.Target{File: file})
			if err != nil {
				t.Fatal(err)
			}
			t.Log(run.Verdict.Sentence, run.Took)
			expected := expectations{path: filepath.Join("..", "testdata", "targets", "expected", row.name+".txt")}
			expected.read(t)
			if *note {
				expected.write(t, run)
				return
			}
			expected.compare(t, run)
		})
	}
}

// expectations are the lines of testdata/targets/expected/NAME.txt:
// a clause, its outcome and, unless it is a pass, who says so.
type expectations struct {
	path     string
	outcomes map[string]report.Outcome
	cites    map[string]string
}

func (e *expectations) read(t *testing.T) {
	t.Helper()
	e.outcomes, e.cites = map[string]report.Outcome{}, map[string]string{}
	f, err := os.Open(e.path)
	if os.IsNotExist(err) && *note {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.SplitN(line, " ", 3)
		if len(words) < 2 {
			t.Fatalf("%s:%d: want a clause, an outcome and, unless it is pass, a citation", e.path, n)
		}
		id, outcome := words[0], report.Outcome(words[1])
		if _, ok := spec.Lookup(id); !ok {
			t.Fatalf("%s:%d: the spec has no clause %s", e.path, n, id)
		}
		if outcome != report.Pass && (len(words) < 3 || strings.TrimSpace(words[2]) == "") {
			t.Errorf("%s:%d: %s %s needs a citation", e.path, n, id, outcome)
		}
		e.outcomes[id] = outcome
		if len(words) == 3 {
			e.cites[id] = words[2]
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func (e *expectations) compare(t *testing.T, run report.Run) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range run.Results {
		seen[r.Clause] = true
		want, listed := e.outcomes[r.Clause]
		switch {
		case listed && want == report.Advice && r.Outcome == report.Unsupported, listed && want == report.ExpectedFail && r.Outcome == report.Pass:
			// One look need not find it, and an entry that always fails would be an unexpected pass.
		case listed && r.Outcome != want:
			t.Errorf("%s: want %s %s, got %s\n%s", r.Clause, want, e.cites[r.Clause], r.Outcome, suites.Explain(r))
		case !listed:
			t.Errorf("%s: %s, and %s does not list it: add it with -note, and read why\n%s", r.Clause, r.Outcome, e.path, suites.Explain(r))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(e.outcomes)) {
		if !seen[id] {
			t.Errorf("%s is expected to be %s and was not in the run", id, e.outcomes[id])
		}
	}
}

func (e *expectations) write(t *testing.T, run report.Run) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# What %s comes to. What is unsupported is not promised: by the dialect's page (spec/dialects/%s.md), the class, or the features.\n", run.Target.Name, run.Target.Dialect)
	for _, r := range run.Results {
		switch r.Outcome {
		case report.Unsupported, report.Untested: // the reason is a declaration's, not a measurement's
			fmt.Fprintf(&b, "%s %s %s\n", r.Clause, r.Outcome, r.Reason)
		case report.Pass:
			fmt.Fprintf(&b, "%s pass\n", r.Clause)
		default:
			fmt.Fprintf(&b, "%s %s %s\n", r.Clause, r.Outcome, e.cites[r.Clause])
		}
	}
	if err := os.MkdirAll(filepath.Dir(e.path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestOneLoopIsNoEvidence judges a memcached that has one worker: an acceptor and one
// loop is what a multi-reactor may be, and nobody sees that it is to have more.
func TestOneLoopIsNoEvidence(t *testing.T) {
	require(t, []string{"memcached"})
	file, err := target.Load(filepath.Join("..", "testdata", "targets", "memcached.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file.Start = append(file.Start, "-t", "1")
	run, err := suites.Check(t.Context(), target.Target{File: file}, suites.Clauses("ACC-7"))
	if err != nil {
		t.Fatal(err)
	}
	if r := run.Results[0]; r.Outcome != report.Untested || !strings.Contains(r.Reason, "one poller holds all") {
		t.Errorf("ACC-7 is %s: %s; want it untested because one poller holds all", r.Outcome, r.Reason)
	}
}
