package judging

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// onHTTP is a server of that handler, as a target that is asked so.
func onHTTP(t *testing.T, asked *dialect.HTTP, handler http.HandlerFunc) target.Target {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return target.Target{File: target.File{Name: "http", Dialect: "http", HTTP: asked, Class: "reactor"}, Addr: strings.Replace(server.URL, "http", "tcp", 1)}
}

func echoes(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.RawQuery) }

func closes(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	echoes(w, r)
}

// ask are checks that need nothing, several requests, and a payload. Their clauses
// are core, and http promises them.
var ask = []session.Check{
	{Clause: "LOOP-9", Run: func(s *session.Session) { s.Open().Exchange(s.Payload(10)) }},
	{Clause: "CONN-2", Needs: session.Several, Run: func(s *session.Session) {
		c := s.Open()
		c.Exchange(s.Payload(10))
		c.Exchange(s.Payload(10))
	}},
	{Clause: "CONN-1", Needs: session.Payload, Run: func(s *session.Session) { s.Open().Exchange(s.Payload(3000)) }},
}

// What the dialect has no words for, as a target speaks it, is unsupported and in no
// core set: the greeting finds out, or the target file says it.
func TestWordlessClauses(t *testing.T) {
	for name, c := range map[string]struct {
		on   target.Target
		want map[string]report.Outcome
		note string
	}{
		"keeps":  {onHTTP(t, nil, echoes), map[string]report.Outcome{"LOOP-9": report.Pass, "CONN-2": report.Pass, "CONN-1": report.Pass}, ""},
		"closes": {onHTTP(t, nil, closes), map[string]report.Outcome{"LOOP-9": report.Pass, "CONN-2": report.Unsupported, "CONN-1": report.Pass}, "closes each connection"},
		"page": {onHTTP(t, &dialect.HTTP{Path: "/"}, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }),
			map[string]report.Outcome{"LOOP-9": report.Pass, "CONN-2": report.Pass, "CONN-1": report.Unsupported}, ""},
		"small": {onHTTP(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if len(r.URL.RawQuery) > 3000 {
				w.WriteHeader(http.StatusRequestURITooLong)
				return
			}
			echoes(w, r)
		}), map[string]report.Outcome{"LOOP-9": report.Pass, "CONN-2": report.Pass, "CONN-1": report.Pass}, "414"},
	} {
		run, err := judged(t, c.on, ask)
		if err != nil {
			t.Fatal(name, err)
		}
		for id, want := range c.want {
			if got := outcomes(run)[id]; got != want {
				t.Errorf("%s: %s is %s (%s), want %s", name, id, got, reason(run, id), want)
			}
		}
		if run.Verdict.Word != report.Conformant || !strings.Contains(strings.Join(run.Notes, "\n"), c.note) {
			t.Errorf("%s: %s, notes %q", name, run.Verdict.Sentence, run.Notes)
		}
	}
}

// A first reply that is not what was asked for is shown, with what to change.
func TestHTTPServersThatCannotBeGreeted(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		says    []string
	}{
		"no such path": {http.NotFound, []string{"404 Not Found", `404 page not found`, "GET /echo?", `HTTP/1.1\r\nHost: reactorspec\r\n\r\n"`, "--http-path", "--http-status 404"}},
		"no echo": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<h1>welcome</h1>") },
			[]string{"200 OK", "<h1>welcome", "GET /echo?", `HTTP/1.1\r\nHost: reactorspec\r\n\r\n"`, "--http-path"}},
	} {
		run, err := judged(t, onHTTP(t, nil, c.handler), ask)
		if err == nil || run.Problem == nil || run.Verdict.Exit != report.ExitNotConformant {
			t.Fatalf("%s: %s", name, run.Verdict.Sentence)
		}
		for _, part := range c.says {
			if !strings.Contains(run.Problem.Message, part) {
				t.Errorf("%s: %q does not say %q", name, run.Problem.Message, part)
			}
		}
	}
}
