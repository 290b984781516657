package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

var long = flag.Bool("long", false, "run those commands of README and its pages too that take minutes: make readme")

// readable are the pages whose commands a reader types.
var readable = []string{"README.md", "CONTRIBUTING.md", "spec/ci.md", "spec/go-test.md", "spec/fuzzing.md"}

// block is a fenced block of a page.
type block struct {
	at       string // page and line
	language string
	marker   string // of the comment above it: long or hours
	text     string
}

var (
	fence  = regexp.MustCompile("^( *)```([a-z]*)$")
	marked = regexp.MustCompile(`^ *<!-- (long|hours)\b.*-->$`)
	typed  = regexp.MustCompile(`^(    |\t)(\$ |reactorspec |go |make |git |bin/)`)
)

// blocks reads the blocks of a page. A command has to stand in one of them.
func blocks(t *testing.T, root, page string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	var open *block
	indent, marker := "", ""
	for i, line := range strings.Split(string(text), "\n") {
		at := fmt.Sprintf("%s:%d", page, i+1)
		found := fence.FindStringSubmatch(line)
		switch {
		case open != nil && found != nil:
			list, open, marker = append(list, *open), nil, ""
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case found != nil:
			indent, open = found[1], &block{at: at, language: found[2], marker: marker}
		case typed.MatchString(line):
			t.Errorf("%s: a command outside of a block, which no test runs: %s", at, line)
		case marked.MatchString(line):
			marker = marked.FindStringSubmatch(line)[1]
		case strings.TrimSpace(line) != "":
			marker = ""
		}
	}
	if open != nil {
		t.Fatalf("%s: the block has no end", open.at)
	}
	return list
}

// release is the tag that the clones stand at: of a major version that needs no other path.
const release = "v0.99.0"

// reader is who follows the pages: a directory that it is in, and an environment.
type reader struct {
	t      *testing.T
	dir    string
	origin string // a repository with the tree as it is, changes and new files included
	env    []string
}

func newReader(t *testing.T) *reader {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, dir: here, origin: filepath.Join(t.TempDir(), "origin"), env: os.Environ()}
	if out, err := r.run("git rev-parse --git-dir"); err != nil {
		t.Skipf("no clone can be made of a tree that is no repository: %s", out)
	}
	r.want(`
		git clone -q --local . "` + r.origin + `"
		git diff --binary HEAD | (cd "` + r.origin + `" && git apply --allow-empty)
		git ls-files -z -o --exclude-standard | xargs -0r cp --parents -t "` + r.origin + `"
		cd "` + r.origin + `"
		git add -A
		git -c user.name=reader -c user.email=reader@example.test commit -q --allow-empty -m "the tree as it is"
		git tag ` + release)
	bin := t.TempDir()
	r.dir = t.TempDir()
	r.env = append(r.env, "GOBIN="+bin, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "GOFLAGS=-buildvcs=true", "GOWORK=off",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+r.origin+".insteadOf", "GIT_CONFIG_VALUE_0=https://"+module)
	return r
}

// run has bash run a script, and goes where the script went.
func (r *reader) run(script string) (string, error) {
	went := filepath.Join(r.t.TempDir(), "went")
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", "trap 'pwd >\""+went+"\"' EXIT\n"+script)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	if dir, failed := os.ReadFile(went); failed == nil {
		r.dir = strings.TrimSpace(string(dir))
	}
	return string(out), err
}

func (r *reader) want(script string) string {
	r.t.Helper()
	out, err := r.run(script)
	if err != nil {
		r.t.Fatalf("%v in\n%s\n%s", err, script, out)
	}
	return out
}

// TestEveryCommandOfReadmeAndItsPages follows the pages in a clean clone, from README's
// first line on.
func TestEveryCommandOfReadmeAndItsPages(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a clone; left out by -short")
	}
	for _, program := range []string{"git", "bash", "make"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	r := newReader(t)
	var snippets []block
	for _, page := range readable {
		for _, b := range blocks(t, r.origin, page) {
			if b.marker == "long" && !*long {
				continue
			}
			switch b.language {
			case "sh", "console":
				t.Run(b.at, func(t *testing.T) {
					r.t = t
					r.follow(b)
				})
			case "go":
				snippets = append(snippets, b)
			case "yaml":
				if err := yaml.Unmarshal([]byte(b.text), new(any)); err != nil {
					t.Errorf("%s: %v", b.at, err)
				}
			case "text":
			default:
				t.Errorf("%s: a block of %q, which no test reads", b.at, b.language)
			}
		}
	}
	r.t = t
	if got := strings.TrimSpace(r.want("reactorspec --version")); got != "reactorspec "+release {
		t.Errorf("at the tag %s the command calls itself %s", release, got)
	}
	t.Run("go", func(t *testing.T) {
		r.t = t
		r.compile(snippets)
	})
	if *long {
		t.Run("latest", func(t *testing.T) {
			r.t = t
			r.want("GOPROXY=\"file://$(go env GOMODCACHE)/cache/download\" GOMODCACHE=\"$PWD/mods\" GOPRIVATE=" + module + " GONOSUMDB='*' GOFLAGS=-modcacherw GOBIN=\"$PWD\" go install " + module + "@latest")
			if got := strings.TrimSpace(r.want("./reactorspec --version")); got != "reactorspec "+release {
				t.Errorf("installed as the latest, the command calls itself %s", got)
			}
		})
	}
}

// follow runs the commands of a block, and compares what a console block shows.
func (r *reader) follow(b block) {
	r.t.Helper()
	switch {
	case b.marker == "hours":
		r.nightly(b)
	case b.language == "sh":
		r.want(b.text)
	default:
		for _, shown := range strings.Split("\n"+b.text, "\n$ ")[1:] {
			command, output, _ := strings.Cut(shown, "\n")
			r.shows(command, output)
		}
	}
}

// compile compiles the snippets of Go in a module that requires this one, where package
// mine is the reader's.
func (r *reader) compile(snippets []block) {
	r.t.Helper()
	dir := r.t.TempDir()
	mod, err := os.ReadFile(filepath.Join(r.origin, "go.mod"))
	if err != nil {
		r.t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(r.origin, "go.sum"))
	if err != nil {
		r.t.Fatal(err)
	}
	files := map[string]string{
		"go.mod": strings.Replace(string(mod), "module "+module, "module example.test/reader", 1) + "\nrequire " + module + " v0.0.0\nreplace " + module + " => " + r.origin + "\n",
		"go.sum": string(sum),
		"mine/mine.go": `package mine

import "github.com/reactorspec/reactorspec/spec/contract"

func NewLoop() (contract.Loop, error)     { panic("the reader's") }
func NewServer() (contract.Server, error) { panic("the reader's") }
`,
	}
	const head = `package %s

import (
	"testing"

	"example.test/reader/mine"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/target"
)

var _ = mine.NewLoop
var _ contract.Loop
var _ suites.Option
var _ target.File

`
	for i, b := range snippets {
		text, name := b.text, fmt.Sprintf("snippet%d", i)
		switch {
		case strings.HasPrefix(text, "package "):
		case strings.HasPrefix(text, "func "):
			text = fmt.Sprintf(head, name) + "var _ testing.T\n" + text
		default:
			text = fmt.Sprintf(head, name) + "func TestSnippet(t *testing.T) {\n" + text + "}\n"
		}
		files[name+"/"+name+"_test.go"] = text
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	vet := exec.Command("go", "vet", "-mod=mod", "./...")
	vet.Dir, vet.Env = dir, append(slices.Clone(r.env), "GOPROXY=off")
	if out, err := vet.CombinedOutput(); err != nil {
		var where bytes.Buffer
		for i, b := range snippets {
			fmt.Fprintf(&where, "snippet%d is %s\n", i, b.at)
		}
		r.t.Errorf("%v\n%s%s", err, out, where.String())
	}
}
