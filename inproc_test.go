package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	"go.uber.org/goleak"
	_ "pgregory.net/rapid" // its flags are set here, before the command line is read

	"github.com/reactorspec/reactorspec/reference"
	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/specs"
	"github.com/reactorspec/reactorspec/suites/target"
)

var soak = flag.Bool("soak", false, "race a million wakeups of each poller instead of some thousands, and print how that went: go test -v -timeout 1h -run TestLoop/.*/loop/WAKE-3 . -args -soak")

// Ten seconds make a failing case small enough to read, where rapid's thirty for
// each of several properties could outlast the test's timeout. The case is kept
// below testdata/rapid, where the failure says how to run it again; git ignores it.
func init() {
	for name, value := range map[string]string{"rapid.shrinktime": "10s", "rapid.nofailfile": "false"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// quiet is a log for servers that are provoked on purpose.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// TestLoop judges the reference's loop by its own methods: whole over epoll, and
// by what depends on them over the other pollers and wakeups.
func TestLoop(t *testing.T) {
	var soaks []string
	for _, row := range []struct {
		reference.LoopOptions
		families []string
	}{
		{reference.LoopOptions{Poller: "epoll", Wakeup: "eventfd"}, nil},
		{reference.LoopOptions{Poller: "epollet", Wakeup: "pipe"}, []string{"WAKE"}},
		{reference.LoopOptions{Poller: "poll", Wakeup: "socketpair"}, []string{"WAKE", "TIME"}},
		{reference.LoopOptions{Poller: "select", Wakeup: "pipe"}, []string{"WAKE"}},
	} {
		o := row.LoopOptions
		t.Run(o.Poller+" "+o.Wakeup, func(t *testing.T) {
			if testing.Short() && o.Poller != "epoll" {
				t.Skip("-short: one poller stands for all")
			}
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			o.Log = quiet
			t.Run("loop", func(t *testing.T) {
				options := []suites.Option{suites.Families(row.families...),
					suites.As(target.File{Name: "reference loop", Features: []spec.Feature{"timer-any-thread"}})}
				if *soak { // verbosely, for what was done counts also when all is well
					options = append(options, suites.Soak(), suites.Verbose(), suites.Watch(func(p suites.Progress) {
						if p.Result != nil && p.Clause.ID == "WAKE-3" {
							soaks = append(soaks, soaked(o, *p.Result))
						}
					}))
				}
				suites.VerifyLoop(t, func() (contract.Loop, error) { return reference.NewLoop(o) }, options...)
			})
		})
	}
	for _, line := range soaks {
		fmt.Println(line)
	}
}

// soaked says of one poller what its soak did, in a line to keep.
func soaked(o reference.LoopOptions, r report.Result) string {
	did := r.Reason
	if r.Outcome == report.Pass && r.Evidence != nil {
		did = strings.Join(r.Evidence.Notes, "; ")
	}
	return fmt.Sprintf("soak %s: poller %s, wakeup %s: %s: %s; took %v on %d processors", r.Clause, o.Poller, o.Wakeup, r.Outcome, did, r.Took.Round(time.Second), runtime.NumCPU())
}

// looped is a server of the reference that shows its loops.
type looped struct {
	*reference.Server
	newLoop func() (contract.Loop, error)
}

func (s looped) NewLoop() (contract.Loop, error) { return s.newLoop() }

// quickClauses stand for the whole spec where another class is judged by all of it.
var quickClauses = suites.Clauses("SIGN-1", "SIGN-2", "CONN-1", "CONN-6", "PROBE-1", "PROBE-4", "PROBE-11", "LIFE-8", "TASK-1", "WAKE-3")

// TestServer judges the reference's servers without a process of their own: the
// reactor by all that can be seen from the wire, the others by what stands for it. The
// multi-reactor shows its loops, which TestLoop judges whole.
func TestServer(t *testing.T) {
	for _, class := range reference.Classes {
		t.Run(class, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			options := []suites.Option{suites.As(target.File{Name: "reference " + class})}
			if class != reference.Reactor || testing.Short() {
				options = append(options, quickClauses)
			}
			t.Run("server", func(t *testing.T) {
				suites.VerifyServer(t, func() (contract.Server, error) {
					server, err := reference.New(reference.Options{Class: class, Log: quiet})
					if class == reference.MultiReactor {
						return looped{server, newLoop}, err
					}
					return server, err
				}, options...)
			})
		})
	}
}

func newLoop() (contract.Loop, error) { return reference.NewLoop(reference.LoopOptions{Log: quiet}) }

// hasty is a loop whose timers come early.
type hasty struct{ *reference.Loop }

func (l hasty) After(d time.Duration, f func()) (contract.Timer, error) { return l.Loop.After(d/2, f) }

func newHasty() (contract.Loop, error) {
	loop, err := reference.NewLoop(reference.LoopOptions{Log: quiet})
	return hasty{loop}, err
}

// newHastyServer makes a server that is right from the wire, and shows loops that are not.
func newHastyServer() (contract.Server, error) {
	server, err := reference.New(reference.Options{Class: reference.Reactor, Log: quiet})
	return looped{server, newHasty}, err
}

// doorVariable makes this test binary the child of TestDoors; its value says
// which door it goes through.
const doorVariable = "REACTORSPEC_TEST_DOOR"

// TestDoors goes through the doors for values with faulty loops, each in a process
// of its own: Ginkgo runs once in one, and what fails on purpose is not to fail this test.
func TestDoors(t *testing.T) {
	both := suites.Clauses("CONN-1", "LIFE-8", "TASK-6", "TIME-1") // of the wire, of a server, of loops
	switch os.Getenv(doorVariable) {
	case "verify":
		suites.VerifyServer(t, newHastyServer, both)
		return
	case "specs":
		specs.SpecsServer(newHastyServer, both)
		specs.SpecsLoop(newLoop, suites.Families("WAKE"))
		specs.SpecsLoop(newHasty, suites.As(target.File{Name: "hasty"}), suites.Families("TIME"), suites.Clauses("TIME-1"))
		ginkgo.RunSpecs(t, "doors")
		return
	}
	t.Run("verify", func(t *testing.T) {
		said := through(t, "verify")
		for _, line := range []string{
			"PASS: TestDoors/CONN-1", "PASS: TestDoors/LIFE-8", "PASS: TestDoors/TASK-6", "PASS: TestDoors/TIME-1",
			"PASS: TestDoors/loop/TASK-6", "FAIL: TestDoors/loop/TIME-1",
		} {
			if !strings.Contains(said, "--- "+line+" ") {
				t.Errorf("nothing says %s in\n%s", line, said)
			}
		}
		if strings.Contains(said, "loop/CONN-1") {
			t.Error("a loop was judged by a clause of connections")
		}
	})
	t.Run("specs", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "run.json")
		said := through(t, "specs", "-ginkgo.json-report="+name)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		var runs []ginkgo.Report
		if err := json.Unmarshal(text, &runs); err != nil {
			t.Fatal(err)
		}
		got := make(map[string]string)
		for _, spec := range runs[0].SpecReports {
			id, _, _ := strings.Cut(spec.LeafNodeText, " ")
			got[spec.ContainerHierarchyTexts[0]+" "+id] = spec.State.String()
		}
		want := map[string]string{
			"reactorspec server CONN-1": "passed", "reactorspec server LIFE-8": "passed",
			"reactorspec server TASK-6": "passed", "reactorspec server TIME-1": "passed",
			"reactorspec server loop TASK-6": "passed", "reactorspec server loop TIME-1": "failed",
			"reactorspec loop WAKE-2": "passed", "reactorspec loop WAKE-3": "passed", "reactorspec loop WAKE-4": "passed", "reactorspec loop WAKE-6": "passed",
			"reactorspec models of loop wakeups": "passed",
			"reactorspec hasty TIME-1":           "failed", "reactorspec models of hasty timers": "failed",
		}
		if !maps.Equal(got, want) {
			t.Errorf("got  %v\nwant %v\n%s", got, want, said)
		}
	})
}

// through runs this binary through a door, which is to fail, and returns what it said.
func through(t *testing.T, door string, flags ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self, append([]string{"-test.run=^TestDoors$", "-test.v", "-rapid.checks=5", "-rapid.shrinktime=200ms", "-rapid.nofailfile"}, flags...)...)
	child.Env = append(os.Environ(), doorVariable+"="+door)
	said, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v, want a test that fails\n%s", err, said)
	}
	return string(said)
}
