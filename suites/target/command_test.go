package target

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Braces that are no placeholder are left to whoever has them.
func TestBracesThatAreNoPlaceholder(t *testing.T) {
	for _, c := range []Command{
		{"./x", "{port}", "--dir={scratch}", "{socket}"},
		{"./x", "${HOME}", "{}", `{"json": 1}`, "{a,b}", "{1}"},
		ParseCommand("awk '{print}' | ./x {port}"),
		ParseCommand("{ ./x --port ${PORT} --at ${prot:-7}; } 2>/dev/null"),
		ParseCommand("printf '%s' '{\"port\": 1, \"post\": {post}}' && ./x {a,prot} {part}{sort} '{{prot}}' {host}:{port}"),
		{"sh", "-c", "awk '{print}' f; exec ./x {port}"},
		{"bash", "-ec", "sed 's/{title}/x/' f; exec ./x {socket}"},
	} {
		if err := (File{Start: c}).Fillable(); err != nil {
			t.Errorf("%q: %v", []string(c), err)
		}
	}
}

// A placeholder that nobody can fill is refused wherever it stands, in a shell's line if
// it looks like one that is misspelt.
func TestMisspeltPlaceholders(t *testing.T) {
	for _, c := range []struct {
		command Command
		says    string
	}{
		{Command{"./x", "{title}"}, "unknown placeholder {title}: use one of {port}, {socket}, {scratch}; where the braces are the server's own, let a shell run it"},
		{Command{"./x", "{port}{prot}"}, "{prot}"},
		{Command{"./x", "-c", "{part}"}, "{part}"},
		{ParseCommand("cd x && exec ./y --port {prot}"), "unknown placeholder {prot}: use one of {port}, {socket}, {scratch}; where the braces are the server's own, keep the line in a script"},
		{ParseCommand("exec ./y {prt}"), "{prt}"},
		{ParseCommand("exec ./y {ports}"), "{ports}"},
		{ParseCommand("exec ./y {PORT}"), "{PORT}"},
		{ParseCommand("exec ./y {sokcet}"), "{sokcet}"},
		{ParseCommand("exec ./y --dir={scrach}/x"), "{scrach}"},
		{Command{"bash", "-c", "./y {prot}"}, "{prot}"},
	} {
		if err := (File{Start: c.command}).Fillable(); err == nil || !strings.Contains(err.Error(), "start: unknown placeholder") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: want an error that says %q, got %v", []string(c.command), c.says, err)
		}
	}
	if err := (File{Build: ParseCommand("make && cp x {scrtach}")}).Fillable(); err == nil || !strings.Contains(err.Error(), "build: unknown placeholder {scrtach}: use one of {scratch};") {
		t.Errorf("build: %v", err)
	}
}

// The action hands the same lines to the shell as a target file does.
func TestShellWordsOfTheAction(t *testing.T) {
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ *\*=\* \| (.*)\) shell=1 ;;$`).FindSubmatch(text)
	if found == nil {
		t.Fatal("action.yml has no line that begins `*=* |` and lists the words of a shell")
	}
	if words := strings.Split(string(found[1]), " | "); !slices.Equal(words, shellWords) {
		t.Errorf("action.yml leaves %q to the shell, a target file %q", words, shellWords)
	}
	meta := regexp.MustCompile(`(?m)^ *\*\[(.*)\]\* \| \*\$'\\n'\*\) shell=1 ;;$`).FindSubmatch(text)
	if meta == nil {
		t.Fatal("action.yml has no line that lists the characters of a shell")
	}
	if in := strings.ReplaceAll(strings.ReplaceAll(string(meta[1]), `\\`, "\x00"), `\`, ""); strings.ReplaceAll(in, "\x00", `\`)+"\n" != shellMeta {
		t.Errorf("action.yml leaves what has one of %q to the shell, a target file what has one of %q", in, shellMeta)
	}
}
