package report

import (
	"bytes"
	"os"
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
		p := NewPrinter(&out, 3, verbose)
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
		for _, want := range []string{"CONN-2 MUST fail: because\n", "  why    spec/conn.md#conn-2\n", "unsupported     CONN-3    MUST   because\n", `wrote a\nb` + "\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		if strings.Contains(text, "seen only with verbose") != verbose {
			t.Errorf("verbose %v shows\n%s", verbose, text)
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
	p := newPrinter(out, 2, false, true).Live(live.Line)
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
		out := &screen{}
		p := newPrinter(out, 50, false, terminal).Live(live.Line)
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
