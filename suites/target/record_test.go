package target

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
)

// What is recorded reads as what was given, from wherever the file stands.
func TestRecordedReadsAsItWas(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	if err := os.Mkdir("ci", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("mine.yaml", []byte("request: \"PING\\n\"\nreply: {line: \"\\n\", is: PONG}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	given := File{Name: "mine", Class: spec.Reactor, Features: []spec.Feature{"drain"}, Limit: 1 << 20, IdleTimeout: Duration(5 * time.Second), MaxClients: 9, Memory: 4 << 30,
		Start: Command{"./server", "--port", "{port}", "a b", `"'#: {`}, TLS: &TLS{CA: "ca.pem", ALPN: []string{"x"}}, Spec: "0.1",
		Expected: []Expected{{Clause: "CONN-7", Reason: "it said: \"no\" # never\\ \x1b ✓", Link: "https://example.org/?a=1&b=<2>", Frequency: Sometimes}}}
	if err := given.Speak("./mine.yaml", "."); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("ci", "recorded.yaml")
	text, err := given.Recorded(path, "# head\n")
	if err != nil {
		t.Fatal(err)
	}
	read, err := Read(strings.NewReader(string(text)), path)
	if err != nil || !strings.HasPrefix(string(text), "# head\n") || strings.Contains(string(text), "payload") {
		t.Fatalf("%v\n%s", err, text)
	}
	want := given
	want.Path, want.Dir, want.DialectFile, want.Speaks = read.Path, ".", filepath.Join("ci", "../mine.yaml"), read.Speaks
	want.TLS = &TLS{CA: "../ca.pem", ALPN: []string{"x"}}
	if read.Dir = filepath.Clean(read.Dir); !reflect.DeepEqual(read, want) {
		t.Errorf("it reads\n%+v\nwant\n%+v\n%s", read, want, text)
	}
	plain := File{Name: "web", Dialect: "http", Start: Command{"./web"}, Spec: spec.Writing, HTTP: &dialect.HTTP{Path: "/x", Status: 204}}
	if text, err = plain.Recorded("web.yaml", ""); err != nil || strings.Contains(string(text), "expected") || strings.Contains(string(text), "dir:") {
		t.Errorf("%v\n%s", err, text)
	}
}

// Entries that stay are as they were written, whatever becomes of those beside them.
func TestRecordedKeepsEntries(t *testing.T) {
	const head = "name: mine\ndialect: echo\nstart: [./server]\n"
	fresh := Expected{Clause: "CONN-9", Reason: "new", Frequency: Sometimes}
	for name, c := range map[string]struct{ old, want string }{
		"comments and quotes": {
			"expected: # ours\n  # first\n  - clause: CONN-1\n    reason: 'it''s so' # really\n    # inside\n    frequency: sometimes\n\n  # second\n  - {clause: CONN-2, reason: gone}\n",
			"expected: # ours\n  # first\n  - clause: CONN-1\n    reason: 'it''s so' # really\n    # inside\n    frequency: sometimes\n  - clause: CONN-9\n    reason: \"new\"\n    frequency: sometimes\n"},
		"dashes at the margin": {
			"expected:\n- clause: CONN-1\n  reason: >\n    folded\n    text\n- clause: CONN-2\n  reason: gone\n",
			"expected:\n- clause: CONN-1\n  reason: >\n    folded\n    text\n- clause: CONN-9\n  reason: \"new\"\n  frequency: sometimes\n"},
		"a list in brackets": {
			"expected: [{clause: CONN-1, reason: so}, {clause: CONN-2, reason: gone}]\n",
			"expected:\n  - clause: CONN-1\n    reason: \"so\"\n    frequency: always\n  - clause: CONN-9\n    reason: \"new\"\n    frequency: sometimes\n"},
	} {
		path := filepath.Join(t.TempDir(), "mine.yaml")
		if err := os.WriteFile(path, []byte(head+c.old), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Expected = []Expected{f.Expected[0], fresh}
		if text, err := f.Recorded(path, ""); err != nil || string(text) != head+c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, text, head+c.want)
		}
	}
}
