package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

// Shells ask the command itself what may stand where the cursor is.
func TestShellsCompleteValues(t *testing.T) {
	for _, test := range []struct {
		typed []string
		want  []string // among the words that are offered
		not   string   // no word begins so
	}{
		{[]string{"check", "--dialect", "r"}, []string{"resp"}, "echo"},
		{[]string{"check", "--class", ""}, []string{"iterative", "thread-per-connection", "reactor", "multi-reactor"}, "epoll"},
		{[]string{"check", "--class", "m"}, []string{"multi-reactor"}, "reactor"},
		{[]string{"check", "--clause", "conn-1"}, []string{"CONN-1", "CONN-10"}, "CONN-2"},
		{[]string{"check", "--clause", "CONN-1,WAKE-3"}, []string{"CONN-1,WAKE-3"}, "WAKE-3"},
		{[]string{"check", "--promise", "al"}, []string{"all"}, "CONN"},
		{[]string{"matrix", "--family", "LOOP,t"}, []string{"LOOP,TASK", "LOOP,TIME"}, "LOOP,CONN"},
		{[]string{"list", "--family", "wa"}, []string{"WAKE"}, "CONN"},
		{[]string{"explain", "WA"}, []string{"WAKE", "WAKE-1"}, "CONN"},
		{[]string{"explain", "CONN-1", "wake-3"}, []string{"WAKE-3"}, "CONN"},
		{[]string{"init", "--lang", "p"}, []string{"python"}, "go"},
		{[]string{"check", "--spec-version", ""}, spec.Versions(), "v"},
		{[]string{"dialect", "show", "post"}, []string{"postgres"}, "mysql"},
		{[]string{"ma"}, []string{"matrix"}, "man"},
		{[]string{"serve", "--class", ""}, []string{"iterative", "thread-per-connection", "reactor", "multi-reactor"}, "--"},
		{[]string{"serve", "--class=m"}, []string{"--class=multi-reactor"}, "--class=r"},
		{[]string{"serve", "--class", "reactor", "--poller", ""}, []string{"epoll", "epollet", "poll", "select"}, "--"},
		{[]string{"serve", "--class", "reactor", "--li"}, []string{"--limit", "--listen"}, "--class"},
		{[]string{"serve", "--balance", ""}, []string{"round-robin", "least-connections", "source-hash"}, "--"},
		{[]string{"serve", "--limit", ""}, nil, "--"},
		{[]string{"dialect", "try", ""}, []string{"resp", "smtp", "mine.yaml", "other.yml"}, "notes"},
		{[]string{"dialect", "try", "m"}, []string{"mqtt", "mine.yaml"}, "other"},
		{[]string{"dialect", "try", "resp", "--", ""}, nil, "smtp"},
		{[]string{"check", "--dialect", "m"}, []string{"mqtt", "mine.yaml"}, "other"},
		{[]string{"bench", "--dialect", ""}, []string{"probe", "echo"}, "resp"},
		{[]string{"init", "--dialect", ""}, []string{"resp"}, "mine"},
		{[]string{"matrix", "--spec-version", ""}, spec.Versions(), "v"},
	} {
		o := outcome{dir: t.TempDir(), mark: "complete"}
		for _, name := range []string{"mine.yaml", "other.yml", "notes.txt"} {
			if err := os.WriteFile(filepath.Join(o.dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := command(&o, nil, append([]string{"__complete"}, test.typed...)...).Output()
		if o.out = string(out); err != nil {
			t.Fatal(err)
		}
		var offered []string
		for line := range strings.Lines(o.out) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if !strings.HasPrefix(word, ":") {
				offered = append(offered, word)
			}
		}
		for _, word := range test.want {
			if !slices.Contains(offered, word) {
				t.Errorf("%q: %s is not offered, but %q", test.typed, word, offered)
			}
		}
		if slices.ContainsFunc(offered, func(word string) bool { return strings.HasPrefix(word, test.not) }) {
			t.Errorf("%q: %q is offered", test.typed, offered)
		}
	}
}

// The scripts that a user sources are sound, as far as the shells here can say.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		o := reactorspec(t, nil, "completion", shell)
		if o.exit != 0 || !strings.Contains(o.out, "__complete") {
			t.Errorf("completion %s: exit %d\n%s", shell, o.exit, o.errors)
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not installed, and has not read its script", shell)
			continue
		}
		check := exec.Command(shell, "-n")
		check.Stdin = strings.NewReader(o.out)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// Each command has a page, which names each of its flags, and which troff reads without a word.
func TestManualPages(t *testing.T) {
	o := reactorspec(t, nil, "man", "pages")
	if o.exit != 0 {
		t.Fatalf("exit %d\n%s", o.exit, o.errors)
	}
	pages, err := filepath.Glob(filepath.Join(o.dir, "pages", "*.1"))
	if err != nil || len(pages) < 15 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	_, noTroff := exec.LookPath("groff")
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(page), ".1")
		if noTroff == nil {
			if out, err := exec.Command("groff", "-man", "-ww", "-z", "-K", "utf8", "-T", "utf8", page).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		}
		words := append(strings.Split(name, "-")[1:], "--help")
		for line := range strings.Lines(reactorspec(t, nil, words...).out) {
			flag, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "-h, "), " ")
			if !strings.HasPrefix(flag, "--") || flag == "--help" || flag == "--" {
				continue
			}
			if !strings.Contains(string(text), strings.ReplaceAll(flag, "-", `\-`)) {
				t.Errorf("%s does not name %s", name, flag)
			}
		}
	}
}
