package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
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
		"json": WriteJSON,
		"json matrix": func(w io.Writer, run *Run) error {
			return WriteJSONMatrix(w, &Matrix{Runs: []*Run{run, run}, Skipped: []Skipped{{nasty, nasty, nasty}}})
		},
		"junit":    func(w io.Writer, run *Run) error { return WriteJUnit(w, run) },
		"html":     WriteHTML,
		"markdown": func(w io.Writer, run *Run) error { return WriteMarkdown(w, &Matrix{Runs: []*Run{run}}) },
		"markdown matrix": func(w io.Writer, run *Run) error {
			return WriteMarkdown(w, &Matrix{Runs: []*Run{run, run}, Skipped: []Skipped{{nasty, nasty, nasty}}})
		},
		"pages": func(w io.Writer, run *Run) error {
			for _, write := range pages(&Matrix{Runs: []*Run{run, run}, Skipped: []Skipped{{nasty, nasty, nasty}}}) {
				if err := write(w); err != nil {
					return err
				}
			}
			return nil
		},
		"badge":    WriteBadge,
		"endpoint": WriteEndpointBadge,
		"script":   func(w io.Writer, run *Run) error { return WriteReproduction(w, run, "CONN-3") },
		"console": func(w io.Writer, run *Run) error {
			p := NewPrinter(w, len(run.Results), true, "")
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
			if name == "html" || name == "pages" { // where lines stand in a <pre>, and pretend nothing
				text = strings.ReplaceAll(text, "\nx: conformant", "")
			}
			if bad := harmful(text); bad != "" {
				t.Errorf("%q comes through in\n%s", bad, text)
			}
			// Plain text has no markup to break out of, and in JSON it is data.
			switch name {
			case "console", "json", "json matrix", "script", "markdown", "markdown matrix":
			default:
				if strings.Contains(text, "<script>alert") {
					t.Errorf("markup comes through in\n%s", text)
				}
			}
			if name != "badge" && name != "endpoint" && !strings.Contains(text, `x1b]0;owned`) {
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
	r := Result{Clause: "WAKE-3", Level: spec.Must, Outcome: Fail, Sentence: "A loop MUST run a task posted to it even when the post races with the loop going to sleep.", Reason: "a task posted while the loop fell asleep ran 1.2 s late", Evidence: &Evidence{
		Want: "ack 412 within 250 ms", Slack: 1.5, Got: "silence; connection open; loop thread 4711 in epoll_wait",
		Sent: []Event{
			{At: 12340 * time.Microsecond, Conn: 1, Kind: "send", Bytes: 14, Head: `"\x00\x00\x00\n412 POST"`},
			{At: 1200 * time.Millisecond, Kind: "note", Head: "waited"},
		},
		Source: "127.0.0.1:40112", Stderr: "one\ntwo", Attempts: 3, Why: "the queue was not looked at again", Notes: []string{"5 of 2000 races"},
		Rerun: "reactorspec check --clause WAKE-3 --seed 0x5e1f -- ./server",
	}}
	want := `WAKE-3 MUST fail: a task posted while the loop fell asleep ran 1.2 s late
  clause A loop MUST run a task posted to it even when the post races with the loop going to sleep.
  want   ack 412 within 250 ms (our budgets of time were stretched ×1.5, since this machine was busy)
  got    silence; connection open; loop thread 4711 in epoll_wait
  sent   +12.3 ms #1 send 14 bytes "\x00\x00\x00\n412 POST"
         +1.2 s note waited
  from   127.0.0.1:40112 (the last connection)
  note   5 of 2000 races
  stderr | one
         | two
  tried  3 times
  why    the queue was not looked at again
  see    ` + "`reactorspec explain WAKE-3`, https://github.com/reactorspec/reactorspec/blob/main/spec/wake.md#wake-3" + `
  rerun  reactorspec check --clause WAKE-3 --seed 0x5e1f -- ./server
`
	if got := Block(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A block shows the steps of the connection that is blamed, how it began and how
// it ended; the others are counted.
func TestBlockShowsTheBlamedConnection(t *testing.T) {
	var events []Event
	for i := range 60 {
		events = append(events, Event{At: time.Duration(i) * time.Second, Conn: 4 + i%2, Kind: "send"})
	}
	evidence := &Evidence{Sent: events, Conn: 4, Source: "127.0.0.1:40112"}
	text := style{rest: "are in run.json"}.block(Result{Clause: "WAKE-3", Outcome: Fail, Evidence: evidence})
	for want, count := range map[string]int{"#4 send": 8, " send": 8, "+58.0 s #4": 1, "+2.0 s": 1, "+4.0 s": 0, "… 22 more steps are in run.json\n": 1,
		"127.0.0.1:40112 (#4)": 1, "beside them 30 steps of other connections": 1} {
		if got := strings.Count(text, want); got != count {
			t.Errorf("%q stands there %d times, want %d:\n%s", want, got, count, text)
		}
	}
	evidence.Conn = 0
	if text := Block(Result{Clause: "WAKE-3", Outcome: Fail, Evidence: evidence}); !strings.Contains(text, "… 52 more steps\n") || !strings.Contains(text, "#5 send") || strings.Contains(text, "JSON") {
		t.Errorf("where none is blamed:\n%s", text)
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
	if !strings.Contains(block, "… 992 more steps") || !strings.Contains(block, strings.Repeat("y", 1000)) {
		t.Errorf("steps are not counted, or the rerun line is cut:\n%.2000s", block)
	}
}

func TestStep(t *testing.T) {
	for want, event := range map[string]Event{
		`+1 s #2 recv 300 bytes in 3 pieces "` + strings.Repeat("a", 24) + `"…`: {At: time.Second, Conn: 2, Kind: "recv", Bytes: 300, Times: 3, Head: `"` + strings.Repeat("a", 48) + `"…`},
		"+1 s #2 close half":            {At: time.Second, Conn: 2, Kind: "close", Bytes: 4, Head: `"half"`},
		"+1 s note 100 events left out": {At: time.Second, Kind: "note", Head: "100 events left out"},
		`+1 s #1 send 2 bytes "\r\n"`:   {At: time.Second, Conn: 1, Kind: "send", Bytes: 2, Head: `"\r\n"`},
	} {
		if got := step(event); strings.Replace(got, "+1.0 s", "+1 s", 1) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestLine(t *testing.T) {
	r := Result{Clause: "CONN-1", Level: spec.Must, Sentence: "A server MUST echo.", Outcome: Pass, Took: 1234 * time.Microsecond}
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
	for _, bad := range []string{"", "{", `{"tool": 5}`, `{"format": 2}`, `{"unheard": 1}`, `{"format": 1, "runs": [null]}`, `[]`, "null garbage"} {
		if _, err := ReadJSON(strings.NewReader(bad)); bad != "null garbage" && (err == nil || !strings.HasPrefix(err.Error(), "not a JSON report")) {
			t.Errorf("%q is read with %v", bad, err)
		}
	}
}

func TestBadge(t *testing.T) {
	known := &Run{Target: Target{Expected: []Expected{{Clause: "CONN-2", Reason: "upstream 12"}}}, Results: []Result{result("CONN-1", Pass), result("CONN-2", Fail)}}
	for _, want := range []string{"reactorspec: as expected, 1 known", "#1f5fa8"} {
		if text := badgeOf(t, known); !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	var endpoint struct {
		SchemaVersion         int
		Label, Message, Color string
	}
	var out bytes.Buffer
	if err := WriteEndpointBadge(&out, known); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal(out.Bytes(), &endpoint); err != nil || endpoint.SchemaVersion != 1 || endpoint.Label != "reactorspec" || endpoint.Message != "as expected, 1 known" || endpoint.Color != "1f5fa8" {
		t.Errorf("%+v of %s: %v", endpoint, out.String(), err)
	}
	run := &Run{Results: []Result{result("CONN-1", Pass), result("CONN-2", Untested)}}
	for _, want := range []string{"reactorspec: conformant 1/2", "#2e7d32"} {
		if text := badgeOf(t, run); !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	run.Results[1].Outcome = Fail
	for _, want := range []string{"not conformant, 1 fail", "#b71c1c"} {
		if text := badgeOf(t, run); !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func badgeOf(t *testing.T, run *Run) string {
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

// A summary of many says when, by what and where they were judged, and which versions.
func TestMarkdownSaysWhen(t *testing.T) {
	at := func(minute int) *Run {
		return &Run{Tool: "tool 1", Started: time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC), Machine: &Machine{OS: "Linux 6", Arch: "amd64", CPUs: 2}, Target: Target{Name: "a", Version: "v7"}}
	}
	var b strings.Builder
	if err := WriteMarkdown(&b, &Matrix{Runs: []*Run{at(9), at(4), {}}}); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"Judged 2026-01-02 03:04 to 2026-01-02 03:09; tool 1; Linux 6 on amd64, 2 processors.\n\n|", "| a | v7 |"} {
		if !strings.Contains(b.String(), says) {
			t.Errorf("it does not say %q:\n%s", says, b.String())
		}
	}
}

// Bytes that happen to be a character beyond ASCII are shown byte by byte, on the console
// and on a page, where text stands beside hex; also those of a report that an older
// version wrote.
func TestBytesAreShownOneByOne(t *testing.T) {
	for _, head := range []string{`"a\u07e5\"\n"`, `"a\xdf\xa5\"\n"`} {
		r := result("CONN-1", Fail)
		r.Evidence = &Evidence{Sent: []Event{{Conn: 1, Kind: "recv", Bytes: 5, Head: head}, {Conn: 1, Kind: "send", Bytes: 90, Head: strings.TrimSuffix(head, `"`) + strings.Repeat("x", 30) + `"…`}}}
		block := Block(r)
		for _, want := range []string{`recv 5 bytes "a\xdf\xa5\"\n"` + "\n", `send 90 bytes "a\xdf\xa5\"\n` + strings.Repeat("x", shownHead-5) + `"…` + "\n"} {
			if !strings.Contains(block, want) {
				t.Errorf("no %s in\n%s", want, block)
			}
		}
		steps := viewOf(r, nil).Steps
		if steps[0].Hex != "61 df a5 22 0a" || steps[0].Text != `a\xdf\xa5\"\n` || !steps[1].Cut {
			t.Errorf("%+v", steps)
		}
	}
}
