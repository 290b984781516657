package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/report"
)

// TestDoc: the pages are written, with who keeps a clause where a run is given; a folder
// that holds something else, and a file that is no report, are mistakes of the user.
func TestDoc(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run.json")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	judged := &report.Run{Tool: "reactorspec", Target: report.Target{Name: "some-server", Dialect: "echo"},
		Results: []report.Result{{Clause: "CONN-1", Family: "CONN", Level: "MUST", Outcome: report.Fail, Reason: "a byte is missing"}}}
	judged.Verdict = report.Judge(judged)
	var text strings.Builder
	if err := report.WriteJSON(&text, judged); err != nil {
		t.Fatal(err)
	}
	write(run, text.String())
	site := filepath.Join(dir, "site")
	if o := reactorspec(t, nil, "doc", "--out", site, "--run", run); o.exit != 0 || o.errors != "" {
		t.Fatalf("exit %d: %s", o.exit, o.errors)
	}
	page, err := os.ReadFile(filepath.Join(site, "conn.html"))
	if err != nil || !strings.Contains(string(page), "<b>some-server</b> (fail): a byte is missing") {
		t.Errorf("the clause does not say who breaks it (%v)", err)
	}
	// Once more, without the run: the older pages are replaced.
	if o := reactorspec(t, nil, "doc", "--out", site); o.exit != 0 {
		t.Errorf("exit %d: %s", o.exit, o.errors)
	}
	if _, err := os.Stat(filepath.Join(site, "targets.html")); !os.IsNotExist(err) {
		t.Errorf("the older site's targets are still there (%v)", err)
	}
	write(filepath.Join(dir, "no-report.json"), "{}")
	for says, args := range map[string][]string{
		"--out FOLDER":        {"doc"},
		"no site of":          {"doc", "--out", dir},
		"not a JSON report":   {"doc", "--out", filepath.Join(dir, "a"), "--run", filepath.Join(dir, "no-report.json")},
		"no-such.json":        {"doc", "--out", filepath.Join(dir, "b"), "--run", "no-such.json"},
		"argument \"folder\"": {"doc", "folder"},
	} {
		if o := reactorspec(t, nil, args...); o.exit != 2 || !strings.Contains(o.errors, says) || strings.Count(o.errors, "\n") != 1 {
			t.Errorf("%v: exit %d, %q; want 2 and one line with %q", args, o.exit, o.errors, says)
		}
	}
}
