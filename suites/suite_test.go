package suites

import (
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/formatter"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// What `go test ./suites -args …` may say: which server to judge, and by what.
var (
	targetFlag   = flag.String("target", "", "target `file` to judge")
	addrFlag     = flag.String("addr", "", "address of a running server to judge: tcp://host:port or unix:///path")
	pidFlag      = flag.Int("pid", 0, "its process")
	dialectFlag  = flag.String("dialect", "probe", "how to talk to the server at -addr")
	classFlag    = flag.String("class", "", "what the server at -addr is")
	featuresFlag = flag.String("features", "", "what the server at -addr offers, comma-separated")
	limitFlag    = flag.Int64("limit", 0, "the server at -addr's declared limit L of unread output, in `bytes`")
	clauseFlag   = flag.String("clause", "", "judge only these clauses, comma-separated")
	familyFlag   = flag.String("family", "", "judge only these families, comma-separated")
	levelFlag    = flag.String("level", "", "judge only MUST or only SHOULD clauses")
	seedFlag     = flag.String("seed", "", "fix payloads, and shuffle the order of checks, by this `number`")
)

// narrowToTarget leaves the tests of the engine out where a server is named,
// and finds a target file from the directory in which `go test` was typed: the
// test itself runs in that of the package.
func narrowToTarget() {
	flag.Parse()
	if *targetFlag != "" || *addrFlag != "" {
		if run := flag.Lookup("test.run"); run.Value.String() == "" {
			_ = run.Value.Set("^TestTarget$")
		}
	}
	if _, err := os.Stat(*targetFlag); *targetFlag != "" && err != nil && !filepath.IsAbs(*targetFlag) {
		if above := filepath.Join("..", *targetFlag); fileExists(above) {
			*targetFlag = above
		}
	}
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// TestTarget judges the server that the flags name:
//
//	go test ./suites -args -target=FILE
//	go test ./suites -args -addr=tcp://127.0.0.1:7000 -dialect=echo
//
// Without flags it judges an echo server of Go's net package, inside the test.
func TestTarget(t *testing.T) {
	judged := target.Target{Addr: *addrFlag, Pid: *pidFlag}
	options := Options{Clauses: list(*clauseFlag), Families: list(*familyFlag)}
	for _, level := range list(*levelFlag) {
		options.Levels = append(options.Levels, spec.Level(strings.ToUpper(level)))
	}
	if *seedFlag != "" {
		seed, err := ParseSeed(*seedFlag)
		if err != nil {
			t.Fatalf("-seed: %v", err)
		}
		options.Seed = seed
	}
	switch {
	case *targetFlag != "" && *addrFlag != "":
		t.Fatal("both -target and -addr: name one target")
	case *targetFlag != "":
		file, err := target.Load(*targetFlag)
		if err != nil {
			t.Fatal(err)
		}
		judged.File = file
	case *addrFlag != "":
		judged.File = target.File{Name: *addrFlag, Dialect: *dialectFlag, Class: spec.Class(*classFlag), Limit: *limitFlag}
		for _, feature := range list(*featuresFlag) {
			judged.File.Features = append(judged.File.Features, spec.Feature(feature))
		}
	default:
		judged = target.Target{File: target.File{Name: "net echo", Dialect: "echo"}, Addr: netEcho(t)}
		options.Families = []string{"CONN"}
		if testing.Short() {
			options.Clauses = []string{"CONN-1", "CONN-6"}
		}
	}
	Verify(t, judged, With(options))
}

func list(words string) []string {
	if words == "" {
		return nil
	}
	return strings.Split(words, ",")
}

// netEcho serves RFC 862 as a Go program does that never heard of us.
func netEcho(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	return "tcp://" + listener.Addr().String()
}

// TestSpecs runs a Ginkgo tree of a good server and one that breaks a clause.
func TestSpecs(t *testing.T) {
	if count := flag.Lookup("test.count"); count != nil && count.Value.String() != "1" {
		t.Skip("Ginkgo runs once a process")
	}
	var good, bad report.Run
	for _, one := range []struct {
		mode string
		run  *report.Run
	}{{"good", &good}, {"garbles", &bad}} {
		r, err := NewRunner(t.Context(), served(t, one.mode), Options{Budget: &brisk, Clauses: []string{"CONN-1", "CONN-2", "TIME-1"},
			Checks: []session.Check{{Clause: "CONN-1", Run: exchange}, {Clause: "CONN-2", Run: func(*session.Session) {}}}})
		if err != nil {
			t.Fatal(err)
		}
		r.Specs(func(run report.Run) { *one.run = run })
	}
	Specs(served(t, "good"), With(Options{Budget: &brisk, Clauses: []string{"CONN-1"}, Checks: []session.Check{{Clause: "CONN-1", Run: exchange}}}))

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
	if outcomes(good)["CONN-1"] != report.Pass || outcomes(bad)["CONN-1"] != report.Fail {
		t.Errorf("good %v, bad %v", outcomes(good), outcomes(bad))
	}
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

func TestRerunWorksWhenPasted(t *testing.T) {
	for want, on := range map[string]target.Target{
		"reactorspec check --clause CONN-1 --seed 0x2a --target 'a b.yaml'":                                       {File: target.File{Path: "a b.yaml", Dialect: "echo", Start: target.Command{"x"}}},
		"reactorspec check --clause CONN-1 --seed 0x2a --dialect echo --addr tcp://127.0.0.1:7 --pid 9":           {File: target.File{Dialect: "echo"}, Addr: "tcp://127.0.0.1:7", Pid: 9},
		"reactorspec check --clause CONN-1 --seed 0x2a --dialect resp --idle-timeout 5s -- r":                     {File: target.File{Dialect: "resp", IdleTimeout: target.Duration(5 * time.Second), Start: target.Command{"r"}}},
		"reactorspec check --clause CONN-1 --seed 0x2a --dialect probe --features post,timer -- ./s --x '{port}'": {File: target.File{Dialect: "probe", Features: []spec.Feature{"post", "timer"}, Start: target.Command{"./s", "--x", "{port}"}}},
	} {
		if got := Rerun("reactorspec", on, "CONN-1", 42, false); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	soak := Rerun("reactorspec", target.Target{File: target.File{Dialect: "echo", Start: target.Command{"x"}}}, "CONN-1", 42, true)
	if want := "reactorspec check --clause CONN-1 --seed 0x2a --soak --dialect echo -- x"; soak != want {
		t.Errorf("\n got %s\nwant %s", soak, want)
	}
}

func TestASeedFixesTheOrder(t *testing.T) {
	order := func(seed uint64) string {
		o := Options{Seed: seed}
		clauses, err := o.selected()
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, clause := range clauses {
			ids = append(ids, clause.ID)
		}
		return strings.Join(ids, " ")
	}
	if first, again := order(7), order(7); first != again || order(7) == order(8) || order(7) == order(0) {
		t.Error("the order does not follow the seed")
	}
	var none Options
	none.Clauses = []string{"CONN-1"}
	none.Levels = []spec.Level{spec.Should}
	if _, err := none.selected(); !errors.As(err, new(*UsageError)) {
		t.Errorf("an empty selection is %v", err)
	}
}
