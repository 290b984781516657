package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// nasty is what a hostile target prints: terminal escapes, a new line that
// looks like a verdict, bidi, a zero-width space, broken UTF-8, markup.
const nasty = "\x1b]0;owned\x07\x1b[2J\nx: conformant\r\u202egnp\u2066\u200b\xff\u0085\x00]]><script>alert(1)</script>&\"'"

// hostile is a run in which every string that a target touches is nasty.
func hostile() *Run {
	run := &Run{
		Tool: "reactorspec 1", Seed: 0x5e1f, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 1500 * time.Millisecond,
		Target: Target{
			Name: nasty, Upstream: nasty, Version: nasty, Language: nasty, Dialect: "echo", Class: spec.Class(nasty),
			Features: []spec.Feature{spec.Feature(nasty)}, Command: []string{nasty}, Address: nasty, Stderr: nasty,
			Expected: []Expected{{Clause: "CONN-3", Reason: nasty, Link: nasty, Frequency: Always}},
		},
		Vantages: []spec.Vantage{spec.Wire},
	}
	for i, outcome := range []Outcome{Pass, Warn, Fail, Fail, Unsupported, Inconclusive, Untested, Error} {
		r := result("CONN-"+string(rune('1'+i)), outcome)
		r.Reason = nasty
		r.Evidence = &Evidence{
			Want: nasty, Got: nasty, Why: nasty, Source: nasty, Stderr: nasty + "\n" + nasty, Notes: []string{nasty}, Rerun: nasty,
			Sent: []Event{{At: time.Millisecond, Conn: 1, Kind: nasty, Bytes: 3, Head: nasty}}, Slack: 1.25, Attempts: 2,
		}
		run.Results = append(run.Results, r)
	}
	Judge(run)
	return run
}

// harmful finds what no view may pass on.
func harmful(text string) string {
	for _, bad := range []string{"\x1b", "\x07", "\x00", "\r", "\u202e", "\u2066", "\u200b", "\u0085", "\xff", "\nx: conformant"} {
		if strings.Contains(text, bad) {
			return bad
		}
	}
	return ""
}

func views() map[string]func(io.Writer, *Run) error {
	return map[string]func(io.Writer, *Run) error{
		"json":        WriteJSON,
		"json matrix": func(w io.Writer, run *Run) error { return WriteJSONMatrix(w, []*Run{run, run}) },
		"junit":       func(w io.Writer, run *Run) error { return WriteJUnit(w, run) },
		"html":        func(w io.Writer, run *Run) error { return WriteHTML(w, []*Run{run}) },
		"badge":       WriteBadge,
		"summary":     WriteSummary,
		"console": func(w io.Writer, run *Run) error {
			p := NewPrinter(w, len(run.Results), true)
			for _, r := range run.Results {
				p.Start(r.Clause)
				p.Done(r)
			}
			p.Say("%s", nasty)
			return p.Finish(run)
		},
	}
}

func TestNoViewPassesOnWhatATargetPrints(t *testing.T) {
	for name, write := range views() {
		t.Run(name, func(t *testing.T) {
			run := hostile()
			run.Problem = &Problem{Harness, nasty}
			Judge(run)
			var out bytes.Buffer
			if err := write(&out, run); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			if bad := harmful(text); bad != "" {
				t.Errorf("%q comes through in\n%s", bad, text)
			}
			// Plain text has no markup to break out of.
			if name != "summary" && name != "console" && strings.Contains(text, "<script") {
				t.Errorf("markup comes through in\n%s", text)
			}
			if name != "badge" && !strings.Contains(text, `x1b]0;owned`) {
				t.Errorf("the text is gone altogether:\n%s", text)
			}
			if run.Results[0].Reason != nasty {
				t.Error("the view changed the run")
			}
		})
	}
}

// A view reports a writer that fails, at whatever byte it does.
func TestViewsReportFailedWrites(t *testing.T) {
	for name, write := range views() {
		t.Run(name, func(t *testing.T) {
			var whole bytes.Buffer
			if err := write(&whole, hostile()); err != nil {
				t.Fatal(err)
			}
			for _, room := range []int{0, 1, whole.Len() / 2, whole.Len() - 1} {
				if err := write(&limited{room: room}, hostile()); !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("with room for %d of %d bytes: %v", room, whole.Len(), err)
				}
			}
		})
	}
}

// limited is a disk with that much room.
type limited struct{ room int }

func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.room {
		return l.room, syscall.ENOSPC
	}
	l.room -= len(b)
	return len(b), nil
}

func TestClean(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"plain text, äöü, 漢字, ×1.0 …", "plain text, äöü, 漢字, ×1.0 …"},
		{"\x1b[31mred", `\x1b[31mred`},
		{"a\nb\tc\rd", `a\nb\tc\rd`},
		{"\x00\x7f\u0085", `\x00\x7f\x85`},
		{"\u202eevil\u2066", `\u202eevil\u2066`},
		{"zero\u200bwidth\ufeff", `zero\u200bwidth\ufeff`},
		{"line\u2028separator", `line\u2028separator`},
		{"broken \xff\xc3", `broken \xff\xc3`},
		{"private \U000f0000 tag \U000e0041", `private \U000f0000 tag \U000e0041`},
		{"replacement \ufffd", "replacement \ufffd"},
		{"no-break\u00a0space", `no-break\xa0space`},
		{"<b>&amp;", "<b>&amp;"},
	} {
		if got := Clean(test.text); got != test.want {
			t.Errorf("Clean(%q) is %q, want %q", test.text, got, test.want)
		}
		if got := Clean(Clean(test.text)); got != test.want {
			t.Errorf("%q cleaned twice is %q", test.text, got)
		}
	}
	if got, want := CleanLines("a\tb\r\n\x1bc\n\n"), "a    b\n\\x1bc"; got != want {
		t.Errorf("CleanLines is %q, want %q", got, want)
	}
}

func TestBlock(t *testing.T) {
	r := Result{Clause: "WAKE-3", Level: spec.Must, Outcome: Fail, Reason: "a task posted while the loop fell asleep ran 1.2 s late", Evidence: &Evidence{
		Want: "ack 412 within 250 ms", Slack: 1, Got: "silence; connection open; loop thread 4711 in epoll_wait",
		Sent: []Event{
			{At: 12340 * time.Microsecond, Conn: 1, Kind: "send", Bytes: 14, Head: `"\x00\x00\x00\n412 POST"`},
			{At: 1200 * time.Millisecond, Kind: "note", Head: "waited"},
		},
		Source: "127.0.0.1:40112", Stderr: "one\ntwo", Attempts: 3, Why: "the queue was not looked at again", Notes: []string{"5 of 2000 races"},
		Rerun: "reactorspec check --clause WAKE-3 --seed 0x5e1f -- ./server",
	}}
	want := `WAKE-3 MUST fail: a task posted while the loop fell asleep ran 1.2 s late
  want   ack 412 within 250 ms (machine slack ×1.0)
  got    silence; connection open; loop thread 4711 in epoll_wait
  sent   +12.3 ms #1 send 14 bytes "\x00\x00\x00\n412 POST"
         +1.2 s note waited
  from   127.0.0.1:40112
  note   5 of 2000 races
  stderr | one
         | two
  tried  3 times
  why    spec/wake.md#wake-3: the queue was not looked at again
  rerun  reactorspec check --clause WAKE-3 --seed 0x5e1f -- ./server
`
	if got := Block(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r.Evidence = nil
	if got, want := Block(r), strings.SplitAfter(want, "\n")[0]+"  why    spec/wake.md#wake-3\n"; got != want {
		t.Errorf("without evidence:\n%s", got)
	}
}

func TestBlockIsBounded(t *testing.T) {
	r := Result{Clause: "WAKE-3", Outcome: Fail, Reason: strings.Repeat("x", 1<<20), Evidence: &Evidence{
		Got: strings.Repeat("é", 1<<20), Stderr: strings.Repeat("line\n", 1000), Sent: make([]Event, 1000), Rerun: strings.Repeat("y", 1000),
	}}
	block := Block(r)
	if lines := strings.Count(block, "\n"); len(block) > 20000 || lines > 2*shownEvents+shownStderr {
		t.Errorf("the block has %d bytes on %d lines", len(block), lines)
	}
	if !strings.Contains(block, "… 992 earlier steps") || !strings.Contains(block, strings.Repeat("y", 1000)) {
		t.Errorf("steps are not counted, or the rerun line is cut:\n%.2000s", block)
	}
}

func TestLine(t *testing.T) {
	r := Result{Clause: "CONN-1", Level: spec.Must, Title: "A server MUST echo", Outcome: Pass, Took: 1234 * time.Microsecond}
	if got, want := Line(r), "pass            CONN-1    MUST   A server MUST echo (1.23 ms)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Outcome, r.Reason, r.Took = Unsupported, "needs timer", 0
	if got, want := Line(r), "unsupported     CONN-1    MUST   needs timer"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Outcome, r.Reason, r.Expected = ExpectedFail, "lost", "upstream 12"
	if got := Line(r); !strings.HasSuffix(got, "lost (expected: upstream 12)") {
		t.Errorf("got %q", got)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	run := hostile()
	var first, second bytes.Buffer
	if err := WriteJSON(&first, run); err != nil {
		t.Fatal(err)
	}
	read, err := ReadJSON(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteJSON(&second, read); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Errorf("read and written again it differs:\n%s\n%s", first.String(), second.String())
	}
	if read.Verdict.Exit != run.Verdict.Exit || len(read.Results) != len(run.Results) || read.Results[2].Evidence.Sent[0].At != time.Millisecond {
		t.Errorf("read back as %+v", read)
	}
	for _, bad := range []string{"", "{", `{"tool": 5}`, `{"unheard": 1}`, "null garbage"} {
		if _, err := ReadJSON(strings.NewReader(bad)); bad != "null garbage" && (err == nil || !strings.HasPrefix(err.Error(), "not a JSON report")) {
			t.Errorf("%q is read with %v", bad, err)
		}
	}
}

// The JUnit report is parsed back as a CI server would.
func TestJUnit(t *testing.T) {
	run := &Run{
		Target: Target{Name: "redis", Dialect: "resp", Expected: []Expected{{Clause: "CONN-4", Reason: "upstream 12", Frequency: Always}}},
		Took:   2500 * time.Millisecond, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Results: []Result{
			result("CONN-9", Unsupported), result("CONN-1", Pass), result("CONN-2", Fail), result("CONN-3", Error), result("CONN-4", Fail),
			result("CONN-5", Inconclusive), should("CONN-17", Inconclusive), should("CONN-18", Warn), result("CONN-8", Untested),
		},
	}
	Judge(run)
	suite := parseJUnit(t, run)
	if suite.Name != "redis" || suite.Tests != 9 || suite.Failures != 1 || suite.Errors != 2 || suite.Skipped != 4 || suite.Time != "2.500" || suite.Timestamp != "2026-01-02T03:04:05" {
		t.Errorf("suite %s: %+v, %s s, at %s", suite.Name, suite.junitCounts, suite.Time, suite.Timestamp)
	}
	var order []string
	for _, c := range suite.Cases {
		id, title, _ := strings.Cut(c.Name, " ")
		order = append(order, id)
		clause, _ := spec.Lookup(id)
		if c.Class != "CONN" || title != clause.Title() {
			t.Errorf("case %s %s", c.Class, c.Name)
		}
		got := ""
		switch {
		case c.Failure != nil:
			got = "failure " + c.Failure.Message
		case c.Error != nil:
			got = "error " + c.Error.Message
		case c.Skipped != nil:
			got = "skipped " + c.Skipped.Message
		case c.Output != "":
			got = "output"
		}
		want := map[string]string{
			"CONN-1": "", "CONN-2": "failure fail: because", "CONN-3": "error error: because", "CONN-4": "skipped expected-fail: because (upstream 12)",
			"CONN-5": "error inconclusive: because", "CONN-17": "skipped inconclusive: because", "CONN-18": "output",
			"CONN-8": "skipped untested: because", "CONN-9": "skipped unsupported: because",
		}[id]
		if got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
		if c.Failure != nil && !strings.Contains(c.Failure.Text, "why    spec/conn.md#conn-2") {
			t.Errorf("the failure's text is %q", c.Failure.Text)
		}
	}
	if want := "CONN-1 CONN-2 CONN-3 CONN-4 CONN-5 CONN-8 CONN-9 CONN-17 CONN-18"; strings.Join(order, " ") != want {
		t.Errorf("order %v", order)
	}
}

// A run that failed without a failed case is no green report.
func TestJUnitOfAVerdictWithoutACase(t *testing.T) {
	for _, test := range []struct {
		name     string
		run      Run
		failures int
		errors   int
		message  string
	}{
		{"never ready", Run{Problem: &Problem{Start, "nobody listens"}, Target: Target{Stderr: "panic"}}, 1, 0, "nobody listens"},
		{"usage", Run{Problem: &Problem{Usage, "unknown clause"}}, 0, 1, "unknown clause"},
		{"stale entry", Run{Results: []Result{result("CONN-1", Pass)}, Target: Target{Expected: []Expected{{Clause: "CONN-2"}}}}, 1, 0, "not conformant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			Judge(&test.run)
			suite := parseJUnit(t, &test.run)
			last := suite.Cases[len(suite.Cases)-1]
			reason := last.Failure
			if reason == nil {
				reason = last.Error
			}
			if suite.Failures != test.failures || suite.Errors != test.errors || last.Class != "RUN" || last.Name != "verdict" || !strings.Contains(reason.Message, test.message) {
				t.Errorf("%+v, case %+v, %+v", suite.junitCounts, last, reason)
			}
		})
	}
}

func parseJUnit(t *testing.T, run *Run) junitSuite {
	t.Helper()
	var out bytes.Buffer
	if err := WriteJUnit(&out, run); err != nil {
		t.Fatal(err)
	}
	var page junitPage
	if err := xml.Unmarshal(out.Bytes(), &page); err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	if !strings.HasPrefix(out.String(), "<?xml") || page.XMLName.Local != "testsuites" || len(page.Suites) != 1 {
		t.Fatalf("not one suite:\n%s", out.String())
	}
	if page.junitCounts != page.Suites[0].junitCounts {
		t.Errorf("the page counts %+v, its suite %+v", page.junitCounts, page.Suites[0].junitCounts)
	}
	return page.Suites[0]
}

func TestHTMLMatrix(t *testing.T) {
	one := &Run{Target: Target{Name: "one"}, Results: []Result{result("CONN-1", Pass), result("CONN-2", Fail)}}
	two := &Run{Target: Target{Name: "two"}, Results: []Result{result("CONN-2", Pass), result("SIGN-1", Unsupported)}}
	Judge(one)
	Judge(two)
	var out bytes.Buffer
	if err := WriteHTML(&out, []*Run{one, two}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		`>one<br>`, `>two<br>`, `CONN-1 <small>MUST`, `<td class="fail" title="because"><a href="#r0-CONN-2">FAIL</a></td>`,
		`<h3 id="r0-CONN-2">one</h3>`, `<td class="unsupported" title="because">n/a</td>`, "CONN-2 MUST fail: because", "<p>one: not conformant;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Index(text, "SIGN-1") > strings.Index(text, "CONN-1") || strings.Contains(text, "CONN-3") {
		t.Error("the rows are not the judged clauses in the order of the spec")
	}
	if strings.Contains(text, "http://") || strings.Contains(text, "https://") || strings.Contains(text, "ZgotmplZ") {
		t.Error("the page needs outside resources, or a template hole is unsafe")
	}
}

func TestBadge(t *testing.T) {
	run := &Run{Results: []Result{result("CONN-1", Pass), result("CONN-2", Untested)}}
	for _, want := range []string{"reactorspec: conformant 1/2", "#2e7d32"} {
		if text := badge(t, run); !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	run.Results[1].Outcome = Fail
	for _, want := range []string{"not conformant, 1 fail", "#b71c1c"} {
		if text := badge(t, run); !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func badge(t *testing.T, run *Run) string {
	t.Helper()
	Judge(run)
	var out bytes.Buffer
	if err := WriteBadge(&out, run); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(out.Bytes(), new(struct{})); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return out.String()
}

func TestWriteFile(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "report.json")
	content := func(text string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	expect := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		entries, _ := os.ReadDir(directory)
		if err != nil || string(got) != want || len(entries) != 1 {
			t.Errorf("the file holds %q, %v, beside %d others; want %q alone", got, err, len(entries)-1, want)
		}
	}
	if err := WriteFile(path, content("one")); err != nil {
		t.Fatal(err)
	}
	expect("one")
	failed := errors.New("no")
	if err := WriteFile(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		return failed
	}); !errors.Is(err, failed) {
		t.Errorf("the error is %v", err)
	}
	expect("one")
	if err := WriteFile(path, content("two")); err != nil {
		t.Fatal(err)
	}
	expect("two")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, content("three")); err != nil {
		t.Fatal(err)
	}
	expect("three")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is replaced: %v, %v", info, err)
	}
	if err := WriteFile(filepath.Join(directory, "missing", "x"), content("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing directory is %v", err)
	}
	if err := WriteFile(directory, content("x")); err == nil {
		t.Error("a directory is written")
	}
	if err := WriteFile("/dev/full", content("x")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk is %v", err)
	}
	if info, err := os.Stat("/dev/full"); err != nil || info.Mode().IsRegular() {
		t.Errorf("the device is replaced: %v", err)
	}
}
