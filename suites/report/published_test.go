package report

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// On a page a command names the program as its reader would: where it stands on the
// machine that wrote the page says nothing to him.
func TestCommandsOnPages(t *testing.T) {
	for given, want := range map[string]string{
		"/work/main/bin/reactorspec check --target t.yaml":  "reactorspec check --target t.yaml",
		"'/my work/reactorspec' check":                      "reactorspec check",
		"bin/reactorspec check -- /opt/reactorspec {port}":  "reactorspec check -- /opt/reactorspec {port}",
		"reactorspec check":                                 "reactorspec check",
		"go run . check --target /home/me/reactorspec":      "go run . check --target /home/me/reactorspec",
		"/opt/other check --target /x/reactorspec/t.yaml":   "/opt/other check --target /x/reactorspec/t.yaml",
		"/opt/reactorspec-1.2 check":                        "/opt/reactorspec-1.2 check",
		"REACTORSPEC_SEED=0x1 go test -C /me/reactorspec .": "REACTORSPEC_SEED=0x1 go test -C /me/reactorspec .",
	} {
		if got := elsewhere(given); got != want {
			t.Errorf("%s is %s, want %s", given, got, want)
		}
	}
	r := result("CONN-1", Fail)
	r.Evidence = &Evidence{Want: "w", Rerun: "/work/here/bin/reactorspec check --clause CONN-1 -- ./server"}
	run := &Run{Called: []string{"/work/here/bin/reactorspec", "check"}, Target: Target{Name: "mine"}, Results: []Result{r}}
	Judge(run)
	folder := t.TempDir()
	if err := WritePages(folder, &Matrix{Runs: []*Run{run}}); err != nil {
		t.Fatal(err)
	}
	written := map[string][]byte{}
	for _, page := range []string{"index.html", "CONN-1.html"} {
		text, err := os.ReadFile(filepath.Join(folder, "t", "mine", page))
		if err != nil {
			t.Fatal(err)
		}
		written[page] = text
	}
	for name, write := range map[string]func(io.Writer) error{
		"html":     func(w io.Writer) error { return WriteHTML(w, run) },
		"markdown": func(w io.Writer) error { return WriteMarkdown(w, &Matrix{Runs: []*Run{run}}) },
		"junit":    func(w io.Writer) error { return WriteJUnit(w, run) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		written[name] = out.Bytes()
	}
	for name, text := range written {
		if strings.Contains(string(text), "/work/here") || !strings.Contains(string(text), "reactorspec check") {
			t.Errorf("%s has the path of the program, or no command:\n%s", name, text)
		}
	}
	if !strings.Contains(Block(r), "/work/here/bin/reactorspec check") {
		t.Error("the console has not the command that works here")
	}
}
