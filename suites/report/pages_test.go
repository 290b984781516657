package report

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

// many is a matrix of that many targets, as a real one is: every fourth breaks a
// dozen clauses, each with evidence as long as evidence gets.
func many(targets int) *Matrix {
	languages := []string{"C", "C++", "Go", "Java", "JavaScript", "Python", "Rust", "Erlang", "Ruby", ""}
	m := &Matrix{Skipped: []Skipped{{Target: "cowboy", Language: "Erlang", Reason: "erl: not found"}}}
	for i := range targets {
		run := &Run{
			Tool: "reactorspec v0.0.0-test", Seed: 0x5e1f, Started: time.Date(2026, 1, 2, 3, i%60, 5, 0, time.UTC), Took: 21 * time.Second,
			Called: []string{"reactorspec", "matrix", "testdata/targets"}, Machine: &Machine{OS: "Linux 6.1", Arch: "amd64", CPUs: 2},
			Vantages: []spec.Vantage{spec.Wire, spec.Process},
			Target: Target{Name: fmt.Sprintf("server %d", i), Version: "1.2.3", Upstream: "https://example.org/server", Language: languages[i%len(languages)],
				Class: spec.Classes()[1+i%3], Dialect: "echo", Command: []string{"./server", "--port", "{port}"}},
		}
		for n, clause := range spec.Clauses() {
			if clause.Withdrawn {
				continue
			}
			r := NewResult(clause)
			r.Outcome, r.Took = Pass, 120*time.Millisecond
			switch {
			case (n+i)%3 == 0:
				r.Outcome, r.Reason = Unsupported, "it needs timer, which the target does not offer"
			case i%4 == 0 && n%13 == 0:
				r.Outcome = map[spec.Level]Outcome{spec.Must: Fail, spec.Should: Warn}[r.Level]
			case i%4 == 1 && n%11 == 0:
				r.Outcome = ExpectedFail
			case i%40 == 7 && n%50 == 0:
				r.Outcome = []Outcome{Error, Inconclusive, UnexpectedPass, Advice, Untested}[n/50%5]
			}
			if look := lookOf(r.Outcome); look.Shown || look.Broken {
				r.Reason = "the server closed the connection instead of sending the reply to a request with 32768 bytes of payload"
				r.Evidence = longEvidence()
			}
			if r.Outcome == ExpectedFail {
				r.Expected, r.Link = "it drops what is due; reported upstream", "https://example.org/issues/1"
				run.Target.Expected = append(run.Target.Expected, Expected{Clause: r.Clause, Reason: r.Expected, Link: r.Link, Frequency: Sometimes})
			}
			run.Results = append(run.Results, r)
		}
		Judge(run)
		m.Runs = append(m.Runs, run)
	}
	return m
}

func longEvidence() *Evidence {
	e := &Evidence{Want: "the reply to a request with 32768 bytes of payload", Got: "31744 bytes, then the end of input (FIN)", Why: "the output that is due still waits in user memory",
		Source: "127.0.0.1:40112", Conn: 2, Slack: 1.5, Attempts: 1, Notes: []string{"129 of 512 requests were answered whole"},
		Rerun: "reactorspec check --clause CONN-7 --seed 0x5e1f -- ./server --port {port}"}
	for i := range 48 {
		event := Event{At: time.Duration(i) * time.Millisecond, Conn: 1 + i%2, Kind: "recv", Bytes: 32768, Head: strconv.QuoteToASCII(strings.Repeat("\x9f\xb2y", 16)) + "…"}
		if i%2 == 0 {
			event.Kind, event.Head = "send", strconv.QuoteToASCII(strings.Repeat("\x9f\xb2yz", 40))+"…"
		}
		e.Sent = append(e.Sent, event)
	}
	e.Sent[13] = Event{Kind: "note", Head: "100 events left out"}
	return e
}

var (
	linkAt   = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	anchorAt = regexp.MustCompile(`\bid="([^"]*)"`)
)

// Every link of a folder of pages leads somewhere, no page needs anything from
// outside, and the matrix of 70 targets stays below 3 MB.
func TestPages(t *testing.T) {
	files := make(map[string]string)
	total := 0
	for name, write := range pages(many(70)) {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, twice := files[name]; twice {
			t.Errorf("%s is written twice", name)
		}
		files[name] = out.String()
		total += out.Len()
	}
	if size := len(files["index.html"]); size > 3<<20 {
		t.Errorf("the matrix has %d bytes", size)
	}
	t.Logf("%d files, %d bytes; the matrix %d", len(files), total, len(files["index.html"]))
	for name, text := range files {
		if path.Ext(name) == ".html" {
			soundPage(t, name, text, func(to string) (string, bool) {
				text, found := files[path.Join(path.Dir(name), to)]
				return text, found
			})
		}
		if size := len(text); size > 120<<10 && name != "index.html" {
			t.Errorf("%s has %d bytes", name, size)
		}
	}
	for _, want := range []string{"70 targets", "erl: not found", `href="t/server-0/index.html"`, "2 January 2026", "Linux 6.1"} {
		if !strings.Contains(files["index.html"], want) {
			t.Errorf("the matrix does not say %s", want)
		}
	}
}

// soundPage checks one page: its links, its identifiers, its template.
func soundPage(t *testing.T, name, text string, page func(to string) (string, bool)) {
	t.Helper()
	if strings.Contains(text, "ZgotmplZ") || strings.Contains(text, " title=") || strings.Contains(text, "<no value>") {
		t.Errorf("%s: an unsafe hole, a fact in a title, or a missing value", name)
	}
	ids := make(map[string]bool)
	for _, found := range anchorAt.FindAllStringSubmatch(text, -1) {
		if ids[found[1]] {
			t.Errorf("%s has the id %s twice", name, found[1])
		}
		ids[found[1]] = true
	}
	for _, found := range linkAt.FindAllStringSubmatch(text, -1) {
		to := html.UnescapeString(found[1])
		switch file, anchor, _ := strings.Cut(to, "#"); {
		case to == "data:,":
		case strings.Contains(to, "://"):
			if strings.HasPrefix(found[0], "src") {
				t.Errorf("%s needs %s", name, to)
			}
		case file == "":
			if !ids[anchor] {
				t.Errorf("%s leads to #%s, which it lacks", name, anchor)
			}
		default:
			if _, there := page(file); !there {
				t.Errorf("%s leads to %s, which is not written", name, file)
			}
		}
	}
}

// A run's page opens with the verdict, then what is broken, the worst first, and
// folds away what is not applicable.
func TestRunPage(t *testing.T) {
	run := many(1).Runs[0]
	run.Results[3].Outcome, run.Results[3].Reason, run.Results[3].Evidence = Advice, "it could be better", longEvidence()
	run.Results[40].Outcome, run.Results[40].Evidence = Warn, longEvidence()
	run.Target.Expected = []Expected{{Clause: run.Results[2].Clause, Reason: "upstream 12", Frequency: Always}}
	run.Results[2].Outcome = Fail
	Judge(run)
	var out bytes.Buffer
	if err := WriteHTML(&out, run); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	soundPage(t, "run", text, func(string) (string, bool) { return "", false })
	at := 0
	for _, want := range []string{"<h1>server 0", run.Verdict.Sentence, "What it rests on", "Failures", "What was done", "Expected</dt>", "events left out", "Warnings", "Expected failures", "Advice",
		"Families", "Not applicable", "need a feature that the target does not offer", "Kept", "Facts", "2 January 2026", "21.0 s", "0x5e1f", "Linux 6.1"} {
		next := strings.Index(text[at:], want)
		if next < 0 {
			t.Fatalf("no %q behind byte %d of\n%.3000s", want, at, text[at:])
		}
		at += next
	}
}

func TestWritePages(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "all")
	for range 2 { // the second replaces the first
		if err := WritePages(folder, many(2)); err != nil {
			t.Fatal(err)
		}
	}
	if err := WritePages(folder, many(1)); err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(folder)
	if _, err := os.Stat(filepath.Join(folder, "t", "server-1")); err == nil || len(entries) != 6 {
		t.Errorf("something of an older report is left: %v", entries)
	}
	other := filepath.Join(dir, "other")
	if err := os.MkdirAll(filepath.Join(other, "mine"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WritePages(other, many(1)); !errors.Is(err, ErrNotOurs) {
		t.Errorf("a folder with something else is replaced: %v", err)
	}
}

// Names that would leave the folder, or meet, stay in it and apart.
func TestSlugs(t *testing.T) {
	taken := make(map[string]bool)
	for _, c := range []struct{ name, want string }{
		{"gnet", "gnet"}, {"Gnet", "gnet-2"}, {"../../etc", "etc"}, {"", "target"}, {"..", "target-2"}, {"C++ (asio)", "c----asio"}, {"naïve", "na-ve"},
		{strings.Repeat("x", 300), strings.Repeat("x", 60)},
	} {
		if got := slug(c.name, taken); got != c.want {
			t.Errorf("%q is %q, want %q", c.name, got, c.want)
		}
	}
}

// Text and ground differ enough for everybody, by day and by night: WCAG's AA
// wants a contrast of 4.5.
func TestContrast(t *testing.T) {
	style := pageFile("style.css")
	light, dark, found := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("the style has no dark half")
	}
	dark, _, _ = strings.Cut(dark, "* {")
	for name, half := range map[string]string{"light": light, "dark": dark} {
		colours := make(map[string]string)
		for _, pair := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(half, -1) {
			colours[pair[1]] = pair[2]
		}
		pairs := [][2]string{{"text", "ground"}, {"quiet", "ground"}, {"link", "ground"}, {"text", "panel"}, {"quiet", "panel"}, {"link", "panel"}}
		for _, look := range looks {
			pairs = append(pairs, [2]string{look.Class, look.Class + "-ground"})
		}
		for _, pair := range pairs {
			if got := contrast(t, colours[pair[0]], colours[pair[1]]); got < 4.5 {
				t.Errorf("%s: %s on %s is %.2f", name, pair[0], pair[1], got)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		if len(colour) != 7 {
			t.Fatalf("%q is no colour", colour)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// A Markdown summary holds what it quotes in fences that the quoted cannot leave,
// and stays below what GitHub takes.
func TestMarkdown(t *testing.T) {
	var out bytes.Buffer
	if err := WriteMarkdown(&out, many(70)); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"## reactorspec: 70 targets judged, ", "| server 0 | 1.2.3 | C | ", "cowboy skipped: erl: not found", "more are not shown here", "<details><summary>✕ <b>server 0</b> "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%.2000s", want, text)
		}
	}
	if out.Len() > 1<<20 {
		t.Errorf("%d bytes", out.Len())
	}
	run := &Run{Target: Target{Name: "a|b"}, Results: []Result{result("CONN-1", Fail)}}
	run.Results[0].Reason, run.Results[0].Evidence = "a `tick` | <b>", &Evidence{Got: "```\nout\n````"}
	Judge(run)
	out.Reset()
	if err := WriteMarkdown(&out, &Matrix{Runs: []*Run{run}}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "a &#96;tick&#96; &#124; &lt;b&gt;") || strings.Count(text, "\n`````\n") != 2 {
		t.Errorf("it is not held in:\n%s", text)
	}
}

// What a reason names in the source tree is a link to it, on each page that shows the
// reason; everything else is text.
func TestReasonsLinkIntoTheTree(t *testing.T) {
	for text, want := range map[string]string{
		"drops it; testdata/targets/gnet/reproduce/halfclose. RFC": `drops it; <a href="` + tree + `testdata/targets/gnet/reproduce/halfclose">testdata/targets/gnet/reproduce/halfclose</a>. RFC`,
		"testdata/targets/reports/a-b.md.":                         `<a href="` + tree + `testdata/targets/reports/a-b.md">testdata/targets/reports/a-b.md</a>.`,
		`<b> testdata/targets/x"onclick=1 & more`:                  `&lt;b&gt; <a href="` + tree + `testdata/targets/x">testdata/targets/x</a>&#34;onclick=1 &amp; more`,
		"mytestdata/targets/x, testdata/other":                     "mytestdata/targets/x, testdata/other",
	} {
		if got := string(linked(text)); got != want {
			t.Errorf("%s is\n%s, want\n%s", text, got, want)
		}
	}
	const path = "testdata/targets/reports/x.md"
	run := many(1).Runs[0]
	run.Target.Expected = []Expected{{Clause: run.Results[2].Clause, Reason: "it drops it; " + path + ".", Frequency: Always}}
	run.Results[2].Outcome, run.Results[2].Evidence = Fail, longEvidence()
	Judge(run)
	var alone bytes.Buffer
	if err := WriteHTML(&alone, run); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := WritePages(folder, &Matrix{Runs: []*Run{run}}); err != nil {
		t.Fatal(err)
	}
	written := map[string]string{"alone": alone.String()}
	for _, name := range []string{"index.html", run.Results[2].Clause + ".html"} {
		text, err := os.ReadFile(filepath.Join(folder, "t", "server-0", name))
		if err != nil {
			t.Fatal(err)
		}
		written[name] = string(text)
	}
	for name, text := range written {
		if !strings.Contains(text, `<a href="`+tree+path+`">`+path+`</a>`) {
			t.Errorf("%s has no link to %s", name, path)
		}
	}
}

// The links of our own targets' reasons lead somewhere.
func TestReasonsNameWhatIsInTheTree(t *testing.T) {
	files, err := filepath.Glob("../../testdata/targets/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range inTree.FindAllString(string(text), -1) {
			found++
			if _, err := os.Stat(filepath.Join("../..", path)); err != nil {
				t.Errorf("%s names %v", file, err)
			}
		}
	}
	if found == 0 {
		t.Error("no reason names anything")
	}
}
