package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/reactorspec/reactorspec"

// ours lists the packages of this module, each with what it imports of ours,
// without the module's path; this one is main.
func ours(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	short := func(path string) (string, bool) {
		if path == module {
			return "main", true
		}
		return strings.CutPrefix(path, module+"/")
	}
	imports := make(map[string][]string)
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name, _ := short(p.ImportPath)
		imports[name] = []string{}
		for _, path := range p.Imports {
			if dep, ok := short(path); ok {
				imports[name] = append(imports[name], dep)
			}
		}
	}
	if len(imports) < 10 {
		t.Fatalf("go list names %d packages of this module: the test sees nothing", len(imports))
	}
	return imports
}

// reached is everything that a package imports, also through others.
func reached(imports map[string][]string, from string) map[string]bool {
	all := make(map[string]bool)
	var visit func(name string)
	visit = func(name string) {
		for _, dep := range imports[name] {
			if !all[dep] {
				all[dep] = true
				visit(dep)
			}
		}
	}
	visit(from)
	return all
}

// TestArrows keeps data flowing one way: spec knows nobody, the reference
// knows the contracts alone, and the suites know the reference only through a
// socket. The pages of the spec are read by nobody who runs.
func TestArrows(t *testing.T) {
	imports := ours(t)
	below := func(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }
	for from := range imports {
		for dep := range reached(imports, from) {
			right := true
			switch {
			case dep == "spec/markdown":
				right = false
			case below(from, "spec"):
				right = below(dep, "spec")
			case below(from, "reference"):
				right = dep == "spec/contract" || dep == "spec/probe" || below(dep, "reference")
			case below(from, "suites"):
				right = !below(dep, "reference") && !below(dep, "fuzz")
			}
			if !right {
				t.Errorf("%s imports %s", from, dep)
			}
		}
	}
}

// TestThePicture compares the picture of the packages in CONTRIBUTING.md with what
// they import.
func TestThePicture(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)\n## The packages\n.*?\n```text\n(.*?)```\n").FindStringSubmatch(string(text))
	if found == nil {
		t.Fatal("CONTRIBUTING.md has no block of text below `## The packages`")
	}
	if want := picture(ours(t)); found[1] != want {
		t.Errorf("the picture in CONTRIBUTING.md is not what the packages import; it is to be\n%s", want)
	}
}

// forUsers are the importable packages of the suites that keep what they promise.
var forUsers = []string{"suites", "suites/specs", "suites/target", "suites/report", "suites/dialect"}

// TestPromises: every other package of the suites is internal, a command, or says in its
// comment that it promises nothing.
func TestPromises(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Name}} {{.ImportPath}} {{.Dir}} {{join .GoFiles \" \"}}", "./suites/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		path := strings.TrimPrefix(words[1], module+"/")
		if words[0] == "main" || strings.Contains(path, "/internal/") || slices.Contains(forUsers, path) {
			continue
		}
		said := false
		for _, name := range words[3:] {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(words[2], name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			comment := strings.Join(strings.Fields(file.Doc.Text()), " ")
			said = said || strings.Contains(strings.ToLower(comment), "there is no compatibility promise")
		}
		if !said {
			t.Errorf("the comment of package %s does not say that there is no compatibility promise", path)
		}
	}
}

// picture draws the packages, whoever imports above what is imported, each with the
// arrows that no other arrows stand for. The small servers of proof are left out: they
// stand by themselves, and there are more of them every week.
func picture(imports map[string][]string) string {
	height := make(map[string]int) // of the longest way down
	var measure func(name string) int
	measure = func(name string) int {
		if h, known := height[name]; known {
			return h
		}
		for _, dep := range imports[name] {
			height[name] = max(height[name], 1+measure(dep))
		}
		return height[name]
	}
	names := slices.SortedFunc(maps.Keys(imports), strings.Compare)
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "suites/proof/servers/") })
	width := 0
	for _, name := range names {
		measure(name)
		width = max(width, len(name))
	}
	slices.SortStableFunc(names, func(a, b string) int { return height[b] - height[a] })
	var b strings.Builder
	for _, name := range names {
		var arrows []string
		for _, dep := range imports[name] {
			if !slices.ContainsFunc(imports[name], func(other string) bool { return reached(imports, other)[dep] }) {
				arrows = append(arrows, dep)
			}
		}
		line := fmt.Sprintf("%-*s  → %s", width, name, strings.Join(arrows, ", "))
		if len(arrows) == 0 {
			line = name
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
