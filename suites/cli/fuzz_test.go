package cli_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// fuzzing fuzzes a tiny server of that mode for a time.
func fuzzing(t *testing.T, mode, takes string, args ...string) outcome {
	t.Helper()
	args = append([]string{"fuzz", "--time", takes, "--dialect", "echo"}, args...)
	return reactorspec(t, []string{serverVariable + "=" + mode, "TMPDIR=" + t.TempDir()}, append(args, "--", self(t))...)
}

func texts(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A good server is not blamed in either mode; what showed something new is kept, is
// where the next run begins, and passes when it is played again.
func TestFuzzAGoodServer(t *testing.T) {
	for _, mode := range [][]string{{}, {"--hostile"}} {
		corpus := filepath.Join(t.TempDir(), "corpus")
		for range 2 {
			o := fuzzing(t, "good", "1500ms", append([]string{"--corpus", corpus, "--seed", "7"}, mode...)...)
			if o.exit != report.ExitConformant || len(texts(t, corpus)) == 0 || len(texts(t, filepath.Join(corpus, "failures"))) > 0 {
				t.Fatalf("%v: exit %d, %d kept\n%s%s", mode, o.exit, len(texts(t, corpus)), o.out, o.errors)
			}
		}
		o := reactorspec(t, []string{serverVariable + "=good"}, "replay", corpus, "--dialect", "echo", "--", self(t))
		if o.exit != report.ExitConformant {
			t.Errorf("%v: replay: exit %d\n%s%s", mode, o.exit, o.out, o.errors)
		}
	}
}

// What is found is written once, fails again when it is played alone and with the corpus,
// and stands in the reports.
func TestFuzzFinds(t *testing.T) {
	for mode, want := range map[string][]string{
		"cuts":   {"CONN-22 MUST fail: ", "instead of the reply | closed the connection | reset the connection"},
		"panics": {"CONN-22 MUST fail: the transcript ended the server: ", "panic: nobody is left to echo"},
	} {
		corpus := filepath.Join(t.TempDir(), "corpus")
		o := fuzzing(t, mode, "4s", "--corpus", corpus, "--json", "run.json", "--junit", "run.xml", "--html", "run.html")
		if o.exit != report.ExitNotConformant || !strings.Contains(o.out, "found: "+want[0][:7]) || !strings.Contains(o.out, want[0]) {
			t.Fatalf("%s: exit %d\n%s%s", mode, o.exit, o.out, o.errors)
		}
		says := false
		for _, one := range strings.Split(want[1], " | ") {
			says = says || strings.Contains(o.out, one)
		}
		found := texts(t, filepath.Join(corpus, "failures"))
		if !says || len(found) == 0 || len(found) > 6 {
			t.Errorf("%s: %d transcripts\n%s", mode, len(found), o.out)
		}
		if run := readRun(t, filepath.Join(o.dir, "run.json")); len(run.Results) != 1 || run.Results[0].Outcome != report.Fail || !strings.Contains(run.Results[0].Evidence.Rerun, " replay ") {
			t.Errorf("%s: %+v", mode, run.Results)
		}
		for _, name := range []string{"run.xml", "run.html"} {
			if text, err := os.ReadFile(filepath.Join(o.dir, name)); err != nil || !strings.Contains(string(text), "CONN-22") {
				t.Errorf("%s: %s: %v", mode, name, err)
			}
		}
		for _, path := range []string{found[0], corpus} {
			if o := reactorspec(t, []string{serverVariable + "=" + mode}, "replay", path, "--dialect", "echo", "--", self(t)); o.exit != report.ExitNotConformant {
				t.Errorf("%s: replay %s: exit %d\n%s%s", mode, path, o.exit, o.out, o.errors)
			}
		}
	}
}

// A server that fails in every transcript is not tortured to the end of the time. Where no
// corpus keeps what was found, it is written among the temporary files, and those of earlier
// runs do not pile up there.
func TestFuzzEndsEarly(t *testing.T) {
	scratch := t.TempDir()
	left := func() int {
		files, err := filepath.Glob(filepath.Join(scratch, "reactorspec-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	for n := range 50 {
		if err := os.WriteFile(filepath.Join(scratch, fmt.Sprintf("reactorspec-conn-22-%d.txt", n)), []byte(pending), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := reactorspec(t, []string{serverVariable + "=mortal", "TMPDIR=" + scratch}, "fuzz", "--time", "10m", "--dialect", "echo", "--", self(t))
	if o.exit != report.ExitNotConformant || !strings.Contains(o.out, "transcripts in a row failed") {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	if left() > 20 {
		t.Errorf("%d transcripts are left, of 50 and those of this run", left())
	}
	file := regexp.MustCompile(`replay (\S+reactorspec-conn-22-\d+\.txt)`).FindStringSubmatch(o.out)
	if file == nil {
		t.Fatalf("no command plays it:\n%s", o.out)
	}
	if _, err := os.Stat(file[1]); err != nil {
		t.Errorf("what was found is gone: %v", err)
	}
}

// Transcripts that disturb the server's process, or bring thousands of clients, show what nothing
// else does.
func TestFuzzDisturbs(t *testing.T) {
	rare := filepath.Join(t.TempDir(), "rare")
	if out, err := exec.Command("cc", "-O1", "-pthread", "-o", rare, filepath.Join("..", "proof", "servers", "rare", "main.c")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const start = "reactorspec transcript 1\nclause CONN-22\nseed 7\n1 open\n1 send 10\n1 read all\n"
	for fault, steps := range map[string]string{
		"age":       "crowd 5010\n",
		"short":     "short 5\n1 send 10\n1 read all\n1 end\n",
		"interrupt": "2 open narrow\n2 send 60000 120\n2 sip 500\nrain 20\n2 end\n",
	} {
		file := written(t, start+steps)
		for _, mode := range []string{"none", fault} {
			o := reactorspec(t, nil, "replay", file, "--dialect", "echo", "--", rare, "{port}", mode)
			if wrong := o.exit == report.ExitNotConformant; wrong != (mode == fault) || o.exit > report.ExitNotConformant {
				t.Errorf("%s of a server with the fault %s: exit %d\n%s%s", fault, mode, o.exit, o.out, o.errors)
			}
		}
	}
}

// A corpus that is read again loses what shows nothing new beside the rest; what somebody else
// put there stays.
func TestACorpusStaysSmall(t *testing.T) {
	corpus := t.TempDir()
	own := filepath.Join(corpus, "mine.txt")
	if err := os.WriteFile(own, []byte(pending), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := fuzzing(t, "good", "1500ms", "--corpus", corpus, "--seed", "7"); o.exit != report.ExitConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	before := map[string]bool{}
	for _, file := range texts(t, corpus) {
		if before[file] = true; file == own {
			continue
		}
		twin, err := transcript.Load(file) // of other payloads: what the server does is the same
		if err != nil {
			t.Fatal(err)
		}
		twin.Seed, twin.Notes = twin.Seed+1, nil
		text := twin.Append(nil)
		digest := sha256.Sum256(text)
		named := filepath.Join(corpus, fmt.Sprintf("%s-%x.txt", strings.ToLower(twin.Clause), digest[:6]))
		if err := os.WriteFile(named, text, 0o600); err != nil {
			t.Fatal(err)
		}
		before[named] = true
	}
	if o := fuzzing(t, "good", "5s", "--corpus", corpus, "--seed", "7"); o.exit != report.ExitConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	stay := 0
	for _, file := range texts(t, corpus) { // some are new
		if before[file] {
			stay++
		}
	}
	if stay > len(before)*3/4 {
		t.Errorf("%d of %d transcripts stay once they were read, and half of them are twins", stay, len(before))
	}
	if _, err := os.Stat(own); err != nil {
		t.Error(err)
	}
}

// What is not given back, and what never rests, is found and tied to one transcript.
func TestFuzzFindsWhatRemains(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	for mode, want := range map[string]string{"keeps": "RES-1 MUST fail: sockets that belong to no client stay behind", "spins": "LOOP-1 MUST fail: the server does not come to rest"} {
		t.Run(mode, func(t *testing.T) {
			corpus := filepath.Join(t.TempDir(), "corpus")
			o := fuzzing(t, mode, "8s", "--corpus", corpus)
			found := texts(t, filepath.Join(corpus, "failures"))
			if o.exit != report.ExitNotConformant || !strings.Contains(o.out, want) || len(found) != 1 {
				t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
			}
			if o := reactorspec(t, []string{serverVariable + "=" + mode}, "replay", found[0], "--dialect", "echo", "--", self(t)); o.exit != report.ExitNotConformant {
				t.Errorf("replay: exit %d\n%s%s", o.exit, o.out, o.errors)
			}
		})
	}
}

func TestFuzzMistakes(t *testing.T) {
	dir := t.TempDir()
	folder := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "a.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	framed := folder("framed", strings.Replace(pending, "1 open", "1 open frames", 1))
	spoilt := folder("spoilt", strings.Replace(pending, "2 reset", "1 spoil flip 3\n2 reset", 1))
	file := filepath.Join(framed, "a.txt")
	server := []string{"--dialect", "echo", "--", self(t)}
	for _, c := range []struct {
		args []string
		says string
	}{
		{append([]string{"--corpus", filepath.Join(file, "below")}, server...), "cannot be written: not a directory"},
		{append([]string{"--corpus", framed}, server...), "PROBE conversations, which the echo dialect does not know"},
		{append([]string{"--corpus", spoilt}, server...), "is of --hostile"},
		{append([]string{"--corpus", folder("bad", "nothing\n")}, server...), "a.txt:1: the first line is"},
		{append([]string{"--time", "0s"}, server...), "--time 0s is not above 0"},
		{append([]string{"--jobs", "0"}, server...), "--jobs 0 is below 1"},
		{[]string{"--jobs", "2", "--addr", "tcp://127.0.0.1:1", "--dialect", "echo"}, "--jobs starts a server for each"},
		{[]string{"--dialect", "irc", "--", self(t)}, "does not promise CONN-22"},
		{[]string{"--dialect", "nonsense", "--", self(t)}, "nonsense"},
	} {
		o := reactorspec(t, []string{serverVariable + "=good"}, append([]string{"fuzz"}, c.args...)...)
		if o.exit != report.ExitUsage || !strings.Contains(o.errors, c.says) || strings.Count(o.errors, "\n") != 1 {
			t.Errorf("%v: exit %d, want 2 and %q\n%s", c.args, o.exit, c.says, o.errors)
		}
	}
	if o := reactorspec(t, nil, "replay", t.TempDir(), "--dialect", "echo", "--", self(t)); o.exit != report.ExitUsage || !strings.Contains(o.errors, "holds no transcript") {
		t.Errorf("replay of an empty folder: exit %d\n%s", o.exit, o.errors)
	}
	if o := fuzzing(t, "exits", "1s"); o.exit != report.ExitNotConformant || !strings.Contains(o.errors, "exited before it accepted a connection") {
		t.Errorf("a server that ends at once: exit %d\n%s", o.exit, o.errors)
	}
}

// Ctrl-C keeps what was learnt, and writes the reports.
func TestFuzzInterrupted(t *testing.T) {
	o := outcome{dir: t.TempDir(), mark: "fuzz-interrupted"}
	corpus := filepath.Join(o.dir, "corpus")
	cmd := command(&o, []string{serverVariable + "=good"}, "fuzz", "--dialect", "echo", "--corpus", corpus, "--json", "run.json", "--", self(t))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); len(texts(t, corpus)) == 0 && time.Now().Before(deadline); {
		<-time.After(20 * time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait()
	nothingLeft(t, o.mark)
	run := readRun(t, filepath.Join(o.dir, "run.json"))
	if exit := cmd.ProcessState.ExitCode(); exit != report.ExitUndecided || run.Problem == nil || run.Problem.Kind != report.Interrupted || len(texts(t, corpus)) == 0 {
		t.Errorf("exit %d, problem %+v", exit, run.Problem)
	}
}

// A full disk ends it with one line; what was written stays whole, and nothing else is there.
func TestFuzzOnAFullDisk(t *testing.T) {
	corpus := t.TempDir()
	if err := syscall.Mount("none", corpus, "tmpfs", 0, "size=12k"); err != nil {
		t.Skip("a small file system cannot be mounted: " + err.Error())
	}
	defer func() { _ = syscall.Unmount(corpus, syscall.MNT_DETACH) }()
	o := fuzzing(t, "good", "60s", "--corpus", corpus)
	if o.exit != report.ExitUndecided || !strings.Contains(o.errors, "cannot be written any more: no space left on device") || strings.Count(o.errors, "\n") != 1 {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	entries, err := os.ReadDir(corpus)
	if err != nil || len(entries) != len(texts(t, corpus)) {
		t.Errorf("%v, %d entries, %d of them transcripts", err, len(entries), len(texts(t, corpus)))
	}
}
