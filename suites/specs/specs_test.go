package specs

import (
	"bytes"
	"flag"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"
	"go.uber.org/goleak"

	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/internal/asked"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/tiny"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
)

func TestMain(m *testing.M) {
	if tiny.Served() {
		return
	}
	asked.Read("TestTarget")
	// Ginkgo's own goroutine outlives RunSpecs.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/onsi/ginkgo/v2/internal/interrupt_handler.(*InterruptHandler).registerForInterrupts.func2"))
}

// TestTarget judges the server that the flags name as a Ginkgo tree:
//
//	go test ./suites/specs -args -target=FILE
//	ginkgo --label-filter='WAKE && MUST' ./suites/specs -- -target=FILE
//
// Ginkgo runs once in a process, so without a server TestSpecs has its turn.
func TestTarget(t *testing.T) {
	judged, err := asked.Target()
	if err != nil {
		t.Fatal(err)
	}
	if !asked.Server() {
		t.Skip("no server is named: give -target or -addr behind -args")
	}
	options, err := asked.Options()
	if err != nil {
		t.Fatal(err)
	}
	Specs(judged, options)
	ginkgo.RunSpecs(t, "reactorspec "+judged.File.Name)
}

// TestSpecs runs a Ginkgo tree of a good server and one that breaks a clause.
func TestSpecs(t *testing.T) {
	if count := flag.Lookup("test.count"); asked.Server() || count != nil && count.Value.String() != "1" {
		t.Skip("Ginkgo runs once a process")
	}
	pass := func(*session.Session) {}
	var good, bad report.Run
	for _, one := range []struct {
		mode string
		run  *report.Run
	}{{"good", &good}, {"garbles", &bad}} {
		r, err := judging.OnTarget(t.Context(), tiny.Target(t, one.mode), judging.Options{Clauses: []string{"CONN-1", "CONN-2", "TIME-1"},
			Checks: []session.Check{{Clause: "CONN-1", Run: exchange}, {Clause: "CONN-2", Run: pass}}})
		if err != nil {
			t.Fatal(err)
		}
		register(r, func(run report.Run) { *one.run = run })
	}
	Specs(tiny.Target(t, "good"), suites.Clauses("CONN-1"), func(o *judging.Options) {
		o.Checks = []session.Check{{Clause: "CONN-1", Run: exchange}}
	})

	seen := make(map[string]string)
	ginkgo.ReportAfterEach(func(r ginkgo.SpecReport) {
		id, _, _ := strings.Cut(r.LeafNodeText, " ")
		seen[r.ContainerHierarchyTexts[0]+" "+id] += r.State.String() + " "
		if labels := strings.Join(r.Labels(), " "); !strings.Contains(labels, id) || !strings.Contains(labels, "MUST") {
			t.Errorf("%s has the labels %s", id, labels)
		}
	})
	quiet, was := io.Discard, formatter.ColorableStdOut
	formatter.ColorableStdOut = quiet
	defer func() { formatter.ColorableStdOut = was }()
	suite, reporter := ginkgo.GinkgoConfiguration()
	if ginkgo.RunSpecs(&deafT{}, "doors", suite, reporter) {
		t.Error("the tree passed although a clause is broken")
	}
	want := map[string]string{
		"reactorspec good CONN-1": "passed passed ", "reactorspec good CONN-2": "passed ", "reactorspec good TIME-1": "skipped ",
		"reactorspec garbles CONN-1": "failed ", "reactorspec garbles CONN-2": "passed ", "reactorspec garbles TIME-1": "skipped ",
	}
	for key, state := range want {
		if seen[key] != state {
			t.Errorf("%s: %q, want %q", key, seen[key], state)
		}
	}
	if got := good.Verdict.Counts[report.Pass]; got != 2 || bad.Verdict.Counts[report.Fail] != 1 {
		t.Errorf("good %v, bad %v", good.Verdict.Counts, bad.Verdict.Counts)
	}
}

// exchange is the least that a check does.
func exchange(s *session.Session) {
	c := s.Open()
	c.Exchange(s.Payload(1000))
	c.CloseWrite()
	c.WantEOF()
}

// deafT keeps a failing tree from failing the test that wants it to fail.
type deafT struct{}

func (*deafT) Fail() {}

func TestCoversRefusesUnknownClauses(t *testing.T) {
	defer func() {
		if message, _ := recover().(string); !strings.Contains(message, "CONN-999") {
			t.Errorf("it panicked with %q", message)
		}
	}()
	Covers("CONN-1", "CONN-999")
}

// TestTheRerunLineReproduces pastes what a failing tree prints into a shell: the same
// clause fails again, by the same seed, and no other is judged.
func TestTheRerunLineReproduces(t *testing.T) {
	if testing.Short() {
		t.Skip("builds this package's tests; left out by -short")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := tiny.Garbling(t)
	rerun := regexp.MustCompile(`(?m)^ *rerun +(.*)$`)
	printed, err := exec.Command(self, "-ginkgo.no-color", "-target="+file, "-clause=CONN-1,CONN-2", "-seed=0x5e1f").CombinedOutput()
	found := rerun.FindSubmatch(printed)
	if err == nil || found == nil {
		t.Fatalf("%v, and no rerun line\n%s", err, printed)
	}
	line := string(found[1])
	for _, part := range []string{judging.SeedVariable + "=0x5e1f ", "garbles it.yaml", "-run '^TestTarget$'"} {
		if !strings.Contains(line, part) {
			t.Errorf("the line lacks %q: %s", part, line)
		}
	}
	again, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err == nil || !bytes.Contains(again, []byte("CONN-1 MUST fail")) || !bytes.Contains(again, []byte("Ran 1 of ")) {
		t.Fatalf("%s: %v\n%s", line, err, again)
	}
	if second := rerun.FindSubmatch(again); second == nil || string(second[1]) != line {
		t.Errorf("pasted, %s prints another line\n%s", line, again)
	}
}

// A tree takes the seed of the environment, and says how one clause is judged again.
func TestTheSeedOfTheEnvironment(t *testing.T) {
	t.Setenv(judging.SeedVariable, "0x5e1f")
	o := optionsOf([]suites.Option{suites.Seed(7)})
	if o.Seed != 0x5e1f {
		t.Errorf("the seed is %#x", o.Seed)
	}
	if line := o.Rerun("CONN-1", o.Seed); !strings.HasPrefix(line, judging.SeedVariable+"=0x5e1f go test ") || !strings.HasSuffix(line, " -ginkgo.label-filter=CONN-1") {
		t.Errorf("the rerun line is %s", line)
	}
	t.Setenv(judging.SeedVariable, "seven")
	defer func() {
		if message, _ := recover().(string); !strings.Contains(message, "REACTORSPEC_SEED: seven is not a number") {
			t.Errorf("it panicked with %q", message)
		}
	}()
	optionsOf(nil)
}
