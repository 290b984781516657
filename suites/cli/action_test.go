package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/reactorspec/reactorspec/suites/report"
)

// action is what of action.yml a runner acts on.
type action struct {
	Inputs  map[string]struct{ Default string }
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Name, If, Shell, Run, Uses string
			Env, With                      map[string]string
		}
	}
}

// job is one use of the action, as a runner would make it: its run steps, executed by
// bash, and the expressions in it, of the few kinds that it has.
type job struct {
	t       *testing.T
	workdir string // the checkout
	temp    string // RUNNER_TEMP
	summary string // GITHUB_STEP_SUMMARY
	values  map[string]string
	cache   map[string]string // what was saved, by its key: the directory
	printed string
	exit    int
}

// condition is what a step's if may ask of a value.
var condition = regexp.MustCompile(`^([a-z_.-]+) != ''$`)

// goes reports whether a step runs, by its if.
func (j *job) goes(text string) bool {
	whatever := false
	for _, one := range strings.Split(text, " && ") {
		switch name := condition.FindStringSubmatch(one); {
		case one == "always()", one == "!cancelled()":
			whatever = true
		case one == "":
		case name == nil:
			j.t.Errorf("a condition that no test knows: %s", one)
		case j.values[name[1]] == "":
			return false
		}
	}
	return whatever || j.exit == 0
}

var expression = regexp.MustCompile(`\$\{\{ *([a-z_.-]+) *\}\}`)

func (j *job) fill(text string) string {
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		name := expression.FindStringSubmatch(found)[1]
		value, known := j.values[name]
		if !known {
			j.t.Errorf("nothing says what %s is", found)
		}
		return value
	})
}

// acting runs the action with those inputs; server is the mode of the test's server,
// releases where archives are found, "" nowhere. cache may be nil.
func acting(t *testing.T, workdir, server, releases string, inputs, cache map[string]string) *job {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	j := &job{t: t, workdir: workdir, temp: temp, cache: cache, summary: filepath.Join(temp, "summary"), values: map[string]string{
		"github.action_path": root, "runner.temp": temp, "github.run_id": strconv.Itoa(len(cache)), "github.run_attempt": "1",
		"steps.fuzz.outputs.exit": "", // where it is left out
	}}
	for name, input := range a.Inputs {
		j.values["inputs."+name] = input.Default
	}
	for name, value := range inputs {
		if _, known := a.Inputs[name]; !known {
			t.Errorf("the action has no input %s", name)
		}
		j.values["inputs."+name] = value
	}
	for _, step := range a.Runs.Steps {
		if !j.goes(step.If) {
			continue
		}
		if step.Run == "" {
			j.use(step.Uses, step.With)
			continue
		}
		output := filepath.Join(temp, step.ID+".output")
		script := filepath.Join(temp, step.ID+".sh")
		for path, content := range map[string]string{output: "", script: step.Run} {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
		cmd.Dir = workdir
		cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_OUTPUT="+output, "GITHUB_STEP_SUMMARY="+j.summary, serverVariable+"="+server)
		for name, value := range step.Env {
			if value = j.fill(value); name == "RELEASES" {
				value = releases
			}
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		out, _ := cmd.CombinedOutput()
		j.printed += string(out)
		if j.exit == 0 {
			j.exit = cmd.ProcessState.ExitCode()
		}
		written, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(written)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			j.values["steps."+step.ID+".outputs."+name] = value
		}
	}
	if j.exit == 2 {
		return j
	}
	for name, output := range a.Outputs {
		if j.fill(output.Value) == "" && name != "fuzz-exit" {
			t.Errorf("the output %s is empty\n%s", name, j.printed)
		}
	}
	return j
}

// use does what another action does that this one uses.
func (j *job) use(action string, with map[string]string) {
	j.t.Helper()
	name, _, _ := strings.Cut(action, "@")
	path := j.fill(with["path"])
	if !filepath.IsAbs(path) {
		j.t.Errorf("%s has the path %q", action, path)
	}
	switch key := j.fill(with["key"]); name {
	case "actions/upload-artifact":
	case "actions/cache/restore": // the key itself, or the newest one that begins as another is
		found := ""
		for saved := range j.cache {
			if strings.HasPrefix(saved, j.fill(with["restore-keys"])) && saved > found {
				found = saved
			}
		}
		if found != "" {
			if err := os.CopyFS(path, os.DirFS(j.cache[found])); err != nil {
				j.t.Error(err)
			}
		}
	case "actions/cache/save":
		if _, taken := j.cache[key]; taken || j.cache == nil || strings.Contains(key, ",") || len(key) > 512 {
			j.t.Errorf("nothing can be saved by the key %q", key)
			return
		}
		j.cache[key] = path
	default:
		j.t.Errorf("an action that no test knows: %s", action)
	}
}

// archive is the command packed as a release has it. It is made once, beside the command.
var archive = sync.OnceValues(func() (string, error) {
	path := built + ".tar.gz"
	out, err := exec.Command("tar", "-I", "gzip -1", "-cf", path, "-C", filepath.Dir(built), "reactorspec").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tar: %w\n%s", err, out)
	}
	return path, nil
})

// released makes the archives of a release, as the action downloads them.
func released(t *testing.T) string {
	t.Helper()
	packed, err := archive()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, at := range []string{"latest/download", "download/v0.2.0"} {
		if err := os.MkdirAll(filepath.Join(dir, at), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, arch := range []string{"amd64", "arm64"} {
			if err := os.Symlink(packed, filepath.Join(dir, at, "reactorspec_linux_"+arch+".tar.gz")); err != nil {
				t.Fatal(err)
			}
		}
	}
	return "file://" + dir
}

// The action leaves a summary, JUnit, badge and page, and ends as the judging does.
func TestTheActionJudges(t *testing.T) {
	t.Parallel() // it waits more than it works
	needs(t, "bash", "curl", "tar")
	releases := released(t)
	for server, want := range map[string]int{"good": report.ExitConformant, "clings": report.ExitNotConformant} {
		j := acting(t, t.TempDir(), server, releases, map[string]string{"start": self(t) + " {port}", "dialect": "echo", "class": "thread-per-connection", "clauses": "CONN-1,CONN-8", "version": "v0.2.0"}, nil)
		if j.exit != want || j.values["steps.judge.outputs.exit"] != strconv.Itoa(want) || !strings.Contains(j.printed, "downloaded "+releases+"/download/v0.2.0/") {
			t.Errorf("%s: exit %d, want %d\n%s", server, j.exit, want, j.printed)
		}
		if verdict := j.values["steps.judge.outputs.verdict"]; (verdict == "conformant") != (want == 0) || verdict == "" {
			t.Errorf("%s: verdict %q", server, verdict)
		}
		for _, file := range []string{j.summary, "run.json", "junit.xml", "index.html", "badge.svg"} {
			if !filepath.IsAbs(file) {
				file = filepath.Join(j.values["steps.judge.outputs.reports"], file)
			}
			if text, err := os.ReadFile(file); err != nil || len(text) == 0 {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// Recorded by one job, the file is what the next one judges by.
func TestTheActionRecords(t *testing.T) {
	t.Parallel() // it waits more than it works
	needs(t, "bash", "curl", "tar")
	releases, checkout := released(t), t.TempDir()
	inputs := map[string]string{"start": "exec " + self(t) + " {port}", "dialect": "echo", "class": "thread-per-connection", "clauses": "CONN-1,CONN-8", "record": "conformance.yaml", "flags": "--patience 2 --seed 7"}
	first := acting(t, checkout, "clings", releases, inputs, nil)
	if _, err := os.Stat(filepath.Join(first.values["steps.judge.outputs.reports"], "conformance.yaml")); err != nil || first.exit != 0 || !strings.Contains(first.printed, "was recorded: take it") {
		t.Fatalf("exit %d, %v\n%s", first.exit, err, first.printed)
	}
	for server, want := range map[string]int{"clings": 0, "garbles": 1} {
		if j := acting(t, checkout, server, releases, inputs, nil); j.exit != want {
			t.Errorf("%s: exit %d, want %d\n%s", server, j.exit, want, j.printed)
		}
	}
}

// What fuzzing finds is in the job's summary and among the reports, and fails the job; the
// corpus goes from one job to the next, and what was found does not.
func TestTheActionFuzzes(t *testing.T) {
	needs(t, "bash", "curl", "tar", "sha256sum")
	releases, cache := released(t), map[string]string{}
	inputs := map[string]string{"start": self(t) + " {port}", "dialect": "echo", "class": "thread-per-connection", "clauses": "CONN-8", "fuzz": "0.05", "fuzz-flags": "--seed 7"}
	first := acting(t, t.TempDir(), "good", releases, inputs, cache)
	if first.exit != 0 || first.values["steps.fuzz.outputs.exit"] != "0" || len(cache) != 1 {
		t.Fatalf("exit %d, cache %v\n%s", first.exit, cache, first.printed)
	}
	second := acting(t, t.TempDir(), "cuts", releases, inputs, cache)
	reports, corpus := second.values["steps.judge.outputs.reports"], filepath.Join(second.temp, second.values["steps.judge.outputs.corpus"])
	if second.exit != report.ExitNotConformant || second.values["steps.judge.outputs.exit"] != "0" || len(cache) != 2 {
		t.Fatalf("exit %d, cache %v\n%s", second.exit, cache, second.printed)
	}
	kept := texts(t, filepath.Join(first.temp, first.values["steps.judge.outputs.corpus"]))
	came := 0
	for _, file := range kept { // what shows nothing new beside the rest goes
		if _, err := os.Stat(filepath.Join(corpus, filepath.Base(file))); err == nil {
			came++
		}
	}
	if came < len(kept)/2 || came == 0 {
		t.Errorf("%d of the %d transcripts of the first run's corpus are in the second's", came, len(kept))
	}
	found := texts(t, filepath.Join(reports, "failures"))
	if len(found) == 0 || len(texts(t, filepath.Join(corpus, "failures"))) > 0 {
		t.Errorf("%d transcripts are among the reports, and those of the corpus: %v", len(found), texts(t, filepath.Join(corpus, "failures")))
	}
	summary, err := os.ReadFile(second.summary)
	if err != nil || !strings.Contains(string(summary), "## Fuzzed for 0.05 minutes") || !strings.Contains(string(summary), "reactorspec replay failures/conn-22-") {
		t.Errorf("%v, summary:\n%s", err, summary)
	}
	for _, name := range []string{"fuzz.json", "fuzz.xml", "fuzz.html"} {
		if _, err := os.Stat(filepath.Join(reports, name)); err != nil {
			t.Error(err)
		}
	}
	inputs["fuzz"] = "ten"
	if o := acting(t, t.TempDir(), "good", releases, inputs, cache); o.exit != report.ExitUsage || !strings.Contains(o.printed, "fuzz is ten: give a number of minutes") {
		t.Errorf("exit %d\n%s", o.exit, o.printed)
	}
}

// Where there is no release the command is built; where nothing is named to be
// judged, the job says so.
func TestTheActionBuilds(t *testing.T) {
	needs(t, "bash", "curl", "go")
	j := acting(t, t.TempDir(), "good", "file:///no/such/place", nil, nil)
	if j.exit != 2 || !strings.Contains(j.printed, "building the command from source") || !strings.Contains(j.printed, "needs target, or start") {
		t.Errorf("exit %d\n%s", j.exit, j.printed)
	}
}

// The workflows of README and spec/ci.md give the action inputs that it has.
func TestTheWorkflowsOfReadme(t *testing.T) {
	read := func(name string, into any) string {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err == nil && into != nil {
			err = yaml.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var a action
	read("action.yml", &a)
	type step struct {
		Uses, Run string
		With      map[string]any
	}
	used := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read("README.md", nil)+read("spec/ci.md", nil), -1) {
		text := block[1]
		if at := strings.Index(text, "      - "); at >= 0 { // the steps alone
			text = text[at:]
		}
		var steps []step
		if err := yaml.Unmarshal([]byte(text), &steps); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
		for _, step := range steps {
			if !strings.HasPrefix(step.Uses, "reactorspec/reactorspec@") {
				continue
			}
			used++
			for input := range step.With {
				if _, known := a.Inputs[input]; !known {
					t.Errorf("the action has no input %s:\n%s", input, text)
				}
			}
			if start, _ := step.With["start"].(string); !strings.Contains(start, "{port}") {
				t.Errorf("start is %v", step.With["start"])
			}
		}
	}
	if used != 5 {
		t.Errorf("%d workflows of README and spec/ci.md use the action, want 5", used)
	}
}

// needs skips a test on a machine that lacks a program.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
}
