package report

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/reactorspec/reactorspec/suites/report/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen is a writer that may be read while it is written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestPrinterOnAPipe(t *testing.T) {
	run := &Run{Target: Target{Name: "x"}, Results: []Result{result("CONN-1", Pass), result("CONN-2", Fail), result("CONN-3", Unsupported)}}
	run.Results[0].Evidence = &Evidence{Notes: []string{"seen only with verbose"}}
	for _, verbose := range []bool{false, true} {
		var out bytes.Buffer
		p := NewPrinter(&out, 3, verbose, "")
		for _, r := range run.Results {
			p.Start(r.Clause)
			p.Done(r)
		}
		p.Say("wrote %s", "a\nb")
		Judge(run)
		if err := p.Finish(run); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if last := lines[len(lines)-1]; last != "x: not conformant; class undeclared, vantages none, features none; 2 of 3 clauses judged: 1 fail, 1 pass, 1 unsupported (exit 1)" {
			t.Errorf("the last line is %s", last)
		}
		for _, want := range []string{"CONN-2 MUST fail: because\n", "  see    `reactorspec explain CONN-2`, https://", "not applicable: 1 of 3 clauses. 1: because", `wrote a\nb` + "\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		for _, only := range []string{"seen only with verbose", "unsupported     CONN-3    MUST   because\n"} {
			if strings.Contains(text, only) != verbose {
				t.Errorf("verbose %v shows\n%s", verbose, text)
			}
		}
		if strings.Contains(text, "-v lists them") == verbose {
			t.Errorf("verbose %v says how to see more:\n%s", verbose, text)
		}
		if strings.Contains(text, "\x1b") || strings.Contains(text, "\r") {
			t.Errorf("a pipe gets terminal codes: %q", text)
		}
	}
}

// On a terminal a live line names what is running, the results stay above it,
// and nothing is left running behind it.
func TestPrinterOnATerminal(t *testing.T) {
	out := &screen{}
	p := newPrinter(out, 2, true, style{width: 80}).Live(live.Line)
	p.Start("CONN-1")
	p.Start("LIFE-2")
	waitFor(t, out, "0/2: CONN-1 LIFE-2")
	p.Done(result("CONN-1", Fail))
	waitFor(t, out, "1/2, 1 bad: LIFE-2")
	p.Done(result("LIFE-2", Pass))
	run := &Run{Target: Target{Name: "x"}, Results: []Result{result("CONN-1", Fail), result("LIFE-2", Pass)}}
	Judge(run)
	if err := p.Finish(run); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.Contains(text, "CONN-1 MUST fail: because\n") || !strings.HasSuffix(text, "1 fail, 1 pass (exit 1)\n") {
		t.Errorf("the terminal shows %q", text)
	}
}

// On a terminal a failure fits its width, its words whole, and has colours; the
// rerun line stays one line, since it is pasted.
func TestBlockOnATerminal(t *testing.T) {
	r := result("CONN-7", Fail)
	r.Reason = strings.Repeat("words of a reason ", 20)
	r.Evidence = &Evidence{Want: strings.Repeat("what was due ", 10), Got: strings.Repeat("x", 100), Rerun: strings.Repeat("reactorspec ", 20)}
	block := style{width: 60, colour: true, rest: "are elsewhere"}.block(r)
	plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(block, "")
	if plain == block {
		t.Error("there are no colours")
	}
	for line := range strings.Lines(plain) {
		line = strings.TrimSuffix(line, "\n")
		if len([]rune(line)) > 60 && !strings.Contains(line, strings.Repeat("x", 100)) && !strings.HasPrefix(line, "  rerun") && !strings.Contains(line, "https://") {
			t.Errorf("too long for 60 columns: %q", line)
		}
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix("words", word) && word != "words" {
				t.Errorf("a word is broken: %q", line)
			}
		}
	}
	if !strings.Contains(plain, "  rerun  "+r.Evidence.Rerun+"\n") {
		t.Errorf("the rerun line is changed:\n%s", plain)
	}
}

// What is not applicable is one line: features and classes by name, the rest as
// it is said.
func TestApartLine(t *testing.T) {
	var results []Result
	for i, reason := range []string{"it needs timer, which the target does not offer", "the echo dialect does not promise it", "it needs post, which the target does not offer",
		"it needs timer, which the target does not offer", "it binds iterative, reactor; the target is multi-reactor"} {
		r := result("TIME-"+string(rune('1'+i)), Unsupported)
		r.Reason = reason
		results = append(results, r)
	}
	results = append(results, result("CONN-1", Pass))
	want := "not applicable: 5 of 6 clauses. 3: need a feature that the target does not offer (timer 2, post 1); 1: the echo dialect does not promise it; 1: bind another class"
	if got := apartLine(results); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := apartLine(results[5:]); got != "" {
		t.Errorf("of nothing: %s", got)
	}
}

func waitFor(t *testing.T, out *screen, text string) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(10 * time.Second)
	for !strings.Contains(out.String(), text) {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("no %q on the terminal: %q", text, out.String())
		}
	}
}

func TestPrinterFromManyGoroutines(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		out, style := &screen{}, style{}
		if terminal {
			style.width = 80
		}
		p := newPrinter(out, 50, true, style).Live(live.Line)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				p.Start("CONN-1")
				p.Done(result("CONN-1", Pass))
			})
		}
		group.Wait()
		if err := p.Finish(&Run{}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "pass            CONN-1"); n != 50 {
			t.Errorf("terminal %v: %d lines of 50", terminal, n)
		}
	}
}

// A pseudo-terminal is drawn on once it has a size, unless TERM says dumb.
func TestDrawable(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	defer terminal.Close()
	t.Setenv("TERM", "xterm")
	if drawable(terminal) {
		t.Error("a terminal without a size is drawn on")
	}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	if !drawable(terminal) {
		t.Error("a terminal of 24 lines is not drawn on")
	}
	t.Setenv("TERM", "dumb")
	if drawable(terminal) {
		t.Error("a dumb terminal is drawn on")
	}
	reading, writing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	defer writing.Close()
	t.Setenv("TERM", "xterm")
	if drawable(writing) {
		t.Error("a pipe is drawn on")
	}
}
