package main

import (
	"flag"
	"fmt"
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

var every = flag.Bool("every", false, "judge every combination of class, poller and wakeup, and the reference behind a unix socket, by the whole spec, not a pairwise cover: each class and poller by the core, each further wakeup by what wakes")

// combination is one way to run the reference. Edge-triggered epoll is a poller
// of its own here, as it is for --poller.
type combination struct{ class, poller, wakeup string }

func (c combination) String() string {
	return strings.TrimRight(c.class+"/"+c.poller+"/"+c.wakeup, "/")
}

// combinations lists all of them, or a cover in which every pair of values
// stands at least once: each poller with each wakeup, the loops' classes in turn.
// The classes without loops have neither.
func combinations(all bool) []combination {
	pollers := []string{"epoll", "epollet", "poll", "select"}
	wakeups := []string{"eventfd", "pipe", "socketpair"}
	loops := []string{"reactor", "multi-reactor"}
	list := []combination{{class: "iterative"}, {class: "thread-per-connection"}}
	for p, poller := range pollers {
		for w, wakeup := range wakeups {
			for l, class := range loops {
				if all || (p+w)%len(loops) == l {
					list = append(list, combination{class, poller, wakeup})
				}
			}
		}
	}
	return list
}

// TestCoverIsPairwise holds the cover to what it claims.
func TestCoverIsPairwise(t *testing.T) {
	pairs := func(list []combination) map[string]bool {
		seen := map[string]bool{}
		for _, c := range list {
			seen[c.class+"+"+c.poller], seen[c.class+"+"+c.wakeup], seen[c.poller+"+"+c.wakeup] = true, true, true
		}
		return seen
	}
	cover := pairs(combinations(false))
	for pair := range pairs(combinations(true)) {
		if !cover[pair] {
			t.Errorf("no combination of the cover has %s", pair)
		}
	}
}

// TestCombinations judges the reference in each combination.
func TestCombinations(t *testing.T) {
	if testing.Short() {
		t.Skip("judges a dozen servers; left out by -short")
	}
	server := standalone(t)
	polled := map[string]bool{} // which class is judged by its core with which poller; that does not change with the wakeup
	for _, c := range combinations(*every) {
		t.Run(c.String(), func(t *testing.T) {
			start := target.Command{server, "--listen", "127.0.0.1:{port}", "--class", c.class}
			var options []suites.Option
			if c.poller != "" {
				start = append(start, "--poller", c.poller, "--wakeup", c.wakeup)
			}
			if !*every && c.poller != "" { // the classes without loops are judged whole: no other test does
				judged := woken
				if loops := c.class + " " + c.poller; !polled[loops] {
					judged, polled[loops] = quick(spec.Class(c.class)), true
				}
				options = append(options, suites.Clauses(judged...))
			}
			run, err := suites.Check(t.Context(), target.Target{File: target.File{Name: c.String(), Dialect: "probe", Start: start}}, options...)
			if err != nil {
				t.Fatal(err)
			}
			allKept(t, run)
		})
	}
}

// TestUnixSocket judges the reference behind a unix socket: a plain run by what a socket may change.
func TestUnixSocket(t *testing.T) {
	if testing.Short() {
		t.Skip("judges a server; left out by -short")
	}
	var options []suites.Option
	if !*every {
		options = append(options, suites.Families("MODEL", "ACC", "CONN"))
	}
	file := target.File{Name: "unix socket", Dialect: "probe", Start: target.Command{standalone(t), "--listen", "{socket}"}}
	run, err := suites.Check(t.Context(), target.Target{File: file}, options...)
	if err != nil {
		t.Fatal(err)
	}
	allKept(t, run)
}

// standalone builds the reference as a program by itself.
func standalone(t *testing.T) string {
	t.Helper()
	server := filepath.Join(t.TempDir(), "standalone")
	if out, err := exec.Command("go", "build", "-o", server, "./reference/standalone").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return server
}

func allKept(t *testing.T, run report.Run) {
	t.Helper()
	for _, r := range run.Results {
		if !slices.Contains([]report.Outcome{report.Pass, report.Unsupported, report.Untested}, r.Outcome) {
			t.Error(suites.Explain(r))
		}
	}
	t.Log(run.Verdict.Sentence, fmt.Sprintf("%.1f s", run.Took.Seconds()))
}

// woken are the clauses of wakeups, tasks and timers that a wakeup can break soonest.
var woken = []string{"CONN-1", "LOOP-4", "WAKE-2", "WAKE-3", "WAKE-4", "WAKE-5", "WAKE-8", "TASK-1", "TIME-1", "TIME-5"}

// quick is what a poller or a wakeup can break soonest: the class's core, large
// and late transfers, and what wakes.
func quick(class spec.Class) []string {
	ids := slices.Clone(spec.Core(class))
	if class == "reactor" || class == "multi-reactor" {
		ids = append(append(ids, "CONN-5", "CONN-7", "LOOP-7", "FLOW-4"), woken...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
