package cli_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

var whole = flag.Bool("whole", false, "judge what `init` writes by the whole spec, not by the clauses of a beginning")

// beginning are clauses that an adapter is wrong in before any loop is.
const beginning = "SIGN-1,SIGN-2,SIGN-3,SIGN-4,SIGN-5,SIGN-6,PROBE-1,PROBE-2,PROBE-3,PROBE-4,PROBE-6,PROBE-7,PROBE-8,PROBE-9,PROBE-11," +
	"CONN-1,CONN-2,CONN-3,CONN-6,CONN-8,CONN-10,CONN-11"

func TestInitWritesConformantAdapters(t *testing.T) {
	for _, c := range []struct {
		language  string
		tools     []string
		installed bool // by .ci/install
	}{
		{"go", []string{"go"}, true},
		{"c", []string{"cc"}, true},
		{"cpp", []string{"c++"}, false},
		{"python", []string{"python3"}, true},
		{"node", []string{"node"}, true},
		{"java", []string{"javac", "java"}, false},
		{"rust", []string{"cargo"}, false},
	} {
		t.Run(c.language, func(t *testing.T) {
			if !c.installed && !*whole {
				t.Skip("CI installs no toolchain for it, and its libraries take a minute to build: make starters judges it")
			}
			for _, tool := range c.tools {
				if _, err := exec.LookPath(tool); err != nil {
					if c.installed && os.Getenv("CI") != "" {
						t.Fatalf("%s is missing: .ci/install installs it", tool)
					}
					t.Skipf("%s is not installed", tool)
				}
			}
			dir := t.TempDir()
			o := reactorspec(t, nil, "init", "--lang", c.language, dir)
			if o.exit != report.ExitConformant || !strings.HasSuffix(o.out, "check --target "+dir+"/reactorspec.yaml\n") {
				t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
			}
			if c.language == "rust" {
				keepCrates(t, dir)
			}
			run := runWorkflow(t, dir, ".github/workflows/reactorspec.yml")
			t.Logf("%d clauses, %s; judged in %.1f s", len(run.Results), run.Verdict.Word, run.Took.Seconds())
			if run.Verdict.Word != report.Conformant {
				t.Errorf("the adapter is %s", run.Verdict.Word)
			}
		})
	}
}

// keepCrates has cargo build where earlier runs built: tokio takes a minute.
func keepCrates(t *testing.T, dir string) {
	t.Helper()
	kept, err := filepath.Abs("../../out/starters/rust")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(kept, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(kept, filepath.Join(dir, "target")); err != nil {
		t.Fatal(err)
	}
	fetch := exec.Command("cargo", "fetch")
	fetch.Dir = dir
	if out, err := fetch.CombinedOutput(); err != nil {
		t.Skipf("crates.io cannot be reached: %v\n%s", err, out)
	}
}

// runWorkflow does the step of a workflow that judges, from the root of the
// repository, and returns what it wrote.
func runWorkflow(t *testing.T, root, path string) *report.Run {
	t.Helper()
	step := checkStep(t, filepath.Join(root, path))
	if !*whole {
		step += " --clause " + beginning
	}
	cmd := exec.Command("bash", "-c", step)
	cmd.Dir = root
	summary := filepath.Join(t.TempDir(), "summary.md")
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(built)+":"+os.Getenv("PATH"), "GITHUB_STEP_SUMMARY="+summary)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", step, err, out)
	}
	for _, name := range []string{summary, filepath.Join(root, "reactorspec.xml"), filepath.Join(root, "reactorspec.html")} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	return readRun(t, filepath.Join(root, "reactorspec.json"))
}

// checkStep is the one step of a workflow that calls `check`.
func checkStep(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Name string
		On   map[string]any
		Jobs map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	job := workflow.Jobs["check"]
	var steps []string
	for _, step := range job.Steps {
		if strings.HasPrefix(step.Run, "reactorspec check") {
			steps = append(steps, step.Run)
		}
	}
	if len(steps) != 1 || job.RunsOn == "" || len(workflow.On) == 0 || strings.ContainsAny(steps[0], "{}") {
		t.Fatalf("steps %q in\n%s", steps, text)
	}
	return steps[0]
}

func TestInitWithoutAnAdapter(t *testing.T) {
	dir := t.TempDir()
	o := reactorspec(t, []string{serverVariable + "=good"}, "init", "--dialect", "echo", "--class", "multi-reactor", dir, "--", self(t))
	if o.exit != report.ExitConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	o = reactorspec(t, []string{serverVariable + "=good"}, "check", "--target", filepath.Join(dir, "reactorspec.yaml"), "--clause", "CONN-1,ACC-1")
	if o.exit != report.ExitConformant || !strings.Contains(o.out, "class multi-reactor") {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed: its HTTP server is not judged")
	}
	dir = t.TempDir()
	o = reactorspec(t, nil, "init", "--http", dir, "--", "python3", "-m", "http.server", "--bind", "127.0.0.1", "{port}")
	if o.exit != report.ExitConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	o = reactorspec(t, nil, "check", "--target", filepath.Join(dir, "reactorspec.yaml"), "--clause", "CONN-2,LOOP-1")
	if o.exit != report.ExitConformant || !strings.Contains(o.out, "2 of 2 selected clauses judged") {
		t.Errorf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
}

// A command that is not given yet is filled in by hand; the rest stands.
func TestInitWithoutACommand(t *testing.T) {
	for _, args := range [][]string{{"--http"}, {"--dialect", "http"}, {"--dialect", "resp"}, {"--dialect", "probe"}} {
		dir := filepath.Join(t.TempDir(), "yes: a name") // which YAML would take for a key
		o := reactorspec(t, nil, append(append([]string{"init"}, args...), dir)...)
		if o.exit != report.ExitConformant || !strings.Contains(o.out, "say in it how the server is started") {
			t.Errorf("%q: exit %d\n%s%s", args, o.exit, o.out, o.errors)
		}
		file, err := target.Load(filepath.Join(dir, "reactorspec.yaml"))
		if err != nil || file.Name != "yes: a name" || !slices.Contains(file.Start, "{port}") || (file.HTTP != nil) != (file.Dialect == "http") {
			t.Errorf("%q: %+v, %v", args, file, err)
		}
		checkStep(t, filepath.Join(dir, ".github/workflows/reactorspec.yml"))
	}
}

func TestInitWritesOverNothing(t *testing.T) {
	fresh := t.TempDir()
	if o := reactorspec(t, nil, "init", "--lang", "rust", fresh); o.exit != report.ExitConformant {
		t.Fatalf("exit %d\n%s%s", o.exit, o.out, o.errors)
	}
	files := filesBelow(t, fresh)
	if want := []string{".github/workflows/reactorspec.yml", "Cargo.toml", "reactorspec.yaml", "src/main.rs"}; !slices.Equal(files, want) {
		t.Errorf("wrote %q, want %q", files, want)
	}
	for _, name := range files {
		dir := t.TempDir()
		there := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(there), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := reactorspec(t, nil, "init", "--lang", "rust", dir)
		if o.exit != report.ExitUsage || !strings.Contains(o.errors, there+": exists already") {
			t.Errorf("%s: exit %d: %s", name, o.exit, o.errors)
		}
		text, err := os.ReadFile(there)
		if left := filesBelow(t, dir); err != nil || string(text) != "mine" || len(left) != 1 {
			t.Errorf("%s: %q, %v; there are %q", name, text, err, left)
		}
	}
}

func filesBelow(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// GitHub looks for workflows below the root of the repository alone.
func TestInitInsideARepository(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	for below, name := range map[string]string{".": "reactorspec.yml", "conformance": "reactorspec-conformance.yml", "a/b c": "reactorspec-a-b c.yml"} {
		o := reactorspec(t, nil, "init", "--http", filepath.Join(root, below))
		if o.exit != report.ExitConformant {
			t.Errorf("%s: exit %d\n%s%s", below, o.exit, o.out, o.errors)
		}
		step := checkStep(t, filepath.Join(root, ".github/workflows", name))
		words, err := exec.Command("bash", "-c", "printf '%s\n' "+step).Output()
		if want := "--target\n" + filepath.Join(below, "reactorspec.yaml") + "\n"; err != nil || !strings.Contains(string(words), want) {
			t.Errorf("%s: %v, %s", below, err, words)
		}
	}
}

func TestInitMistakes(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--lang", "go"}, "one directory"},
		{[]string{"--lang", "go", "a", "b"}, "one directory"},
		{[]string{"a"}, "one of --lang, --http and --dialect"},
		{[]string{"--lang", "go", "--http", "a"}, "one of --lang, --http and --dialect"},
		{[]string{"--lang", "cobol", "a"}, "go, c, cpp, python"},
		{[]string{"--dialect", "semaphore", "a"}, "semaphore"},
		{[]string{"--http", "--class", "fast", "a"}, "fast"},
		{[]string{"--lang", "go", "a", "--", "./server"}, "--lang brings a command"},
		{[]string{"--lang", "go", "--class", "reactor", "a"}, "--lang brings a command"},
		{[]string{"--http", "a", "--"}, "no command"},
		{[]string{"--http", "/dev/null/a"}, "/dev/null"},
	} {
		o := reactorspec(t, nil, append([]string{"init"}, c.args...)...)
		if o.exit != report.ExitUsage || !strings.Contains(o.errors, c.says) || o.out != "" {
			t.Errorf("%q: exit %d, out %q, %s", c.args, o.exit, o.out, o.errors)
		}
		if left := filesBelow(t, o.dir); len(left) != 0 {
			t.Errorf("%q: wrote %q", c.args, left)
		}
	}
}
