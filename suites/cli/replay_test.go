package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const pending = "reactorspec transcript 1\nclause CONN-22\nseed 7\n1 open\n2 open\n1 send 3000 3\n2 reset\n1 end\n"

// written puts a transcript into a file.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "found.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A transcript is played on the embedded reference, on a command, and at an address.
func TestReplay(t *testing.T) {
	file := written(t, pending)
	for _, args := range [][]string{
		{"replay", file},
		{"replay", file, "--class", "reactor"},
		{"replay", file, "--against", "--", built, "serve", "--listen", "127.0.0.1:{port}"},
		{"replay", file, "--", built, "serve", "--listen", "127.0.0.1:{port}"},
	} {
		o := reactorspec(t, nil, args...)
		if o.exit != 0 || !strings.Contains(o.out, "1 of 1 selected clauses judged: 1 pass") {
			t.Errorf("%v: exit %d\n%s%s", args, o.exit, o.out, o.errors)
		}
	}
}

func TestReplayMistakes(t *testing.T) {
	file, framed := written(t, pending), written(t, strings.Replace(pending, "1 open", "1 open frames", 1))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"replay"}, "no transcript"},
		{[]string{"replay", file + "x"}, "no such file"},
		{[]string{"replay", written(t, pending+"1 jump\n")}, `found.txt:9: unknown operation "jump"`},
		{[]string{"replay", written(t, strings.Replace(pending, "CONN-22", "CONN-999", 1))}, "not in the spec"},
		{[]string{"replay", file, "--against"}, "neither an address nor a command"},
		{[]string{"replay", file, "--against", "--"}, "neither an address nor a command"},
		{[]string{"replay", file, "extra"}, "unknown argument"},
		{[]string{"replay", file, "--against", "tcp://127.0.0.1:1", "--", "x"}, "unknown argument"},
		{[]string{"replay", file, "--against=tcp://127.0.0.1:1", "--", "x"}, "name one target"},
		{[]string{"replay", framed, "--dialect", "echo", "--", "x"}, "PROBE conversations"},
		{[]string{"replay", written(t, strings.Replace(pending, "CONN-22", "PROBE-13", 1)), "--dialect", "echo", "--", "x"}, "does not promise"},
	} {
		if o := reactorspec(t, nil, c.args...); o.exit != 2 || !strings.Contains(o.errors, c.says) {
			t.Errorf("%v: exit %d, want 2 and %q\n%s", c.args, o.exit, c.says, o.errors)
		}
	}
}

// What a failing check leaves behind is played again by the line that it prints.
func TestTheReplayLineWorks(t *testing.T) {
	scratch := t.TempDir()
	environment := []string{serverVariable + "=cuts", "TMPDIR=" + scratch}
	o := reactorspec(t, environment, "check", "--dialect", "echo", "--clause", "CONN-22", "--", self(t))
	if o.exit != 1 {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	line := regexp.MustCompile(`play it again: (.*)`).FindStringSubmatch(o.out)
	if line == nil {
		t.Fatalf("there is no line to paste:\n%s", o.out)
	}
	words := strings.Fields(line[1])
	again := reactorspec(t, environment, words[1:]...)
	if again.exit != 1 || !strings.Contains(again.out, "CONN-22 MUST fail") {
		t.Errorf("%s: exit %d\n%s%s", line[1], again.exit, again.out, again.errors)
	}
}
