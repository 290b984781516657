package cli

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
)

// starters are servers that speak the target contract, each in a folder with its
// target file. The files are named one by one, so that nothing that was built beside
// them is embedded; below testdata no Go tool takes them for packages of ours.
//
//go:embed testdata/starter/workflow.yml testdata/starter/*/reactorspec.yaml
//go:embed testdata/starter/go/main.go testdata/starter/c/server.c testdata/starter/cpp/server.cpp
//go:embed testdata/starter/python/server.py testdata/starter/node/server.js testdata/starter/java/Server.java
//go:embed testdata/starter/rust/Cargo.toml testdata/starter/rust/src/main.rs
var starters embed.FS

const (
	startersRoot   = "testdata/starter"
	targetFileName = "reactorspec.yaml"
	workflowsPath  = ".github/workflows"
)

// languages are those that have a starter.
func languages() []string { return []string{"go", "c", "cpp", "python", "node", "java", "rust"} }

// initFlags are the flags of `init`, as given.
type initFlags struct {
	lang, dialect, class string
	http                 bool
}

func (p *program) initCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init {--lang LANG | --http | --dialect NAME} DIR [-- command …]",
		Short: "Write an adapter, a target file and a CI workflow to begin with",
		Long: `Writes into DIR what it takes to have a server judged.

  reactorspec init --lang python DIR                       an adapter to build on: a small conformant server
  reactorspec init --http DIR -- ./server --port {port}    an HTTP server: no adapter
  reactorspec init --dialect resp DIR -- ./server {port}   a server that speaks a dialect: no adapter

With each come a target file, reactorspec.yaml, and a workflow for GitHub. The workflow
goes where GitHub looks for it: below the root of the repository that DIR is in, or
below DIR if it is in none. The command is run in DIR; {port} is the port to listen on
at 127.0.0.1. Files that exist are not overwritten.

Exit: 0 written; 2 usage, a file exists already, or DIR cannot be written.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash < 0 {
				dash = len(args)
			}
			if dash != 1 {
				return errors.New("init wants one directory to write into; a server's command comes after --")
			}
			if cmd.ArgsLenAtDash() >= 0 && len(args) == dash {
				return errors.New("no command after --")
			}
			return p.begin(args[0], f, args[dash:])
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.lang, "lang", "", "an adapter in this `language`: "+strings.Join(languages(), ", "))
	flags.BoolVar(&f.http, "http", false, "the server speaks HTTP: a GET of / is answered 200")
	flags.StringVar(&f.dialect, "dialect", "", "the server speaks this: "+strings.Join(dialect.Names(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("dialect", cobra.FixedCompletions(dialect.Names(), cobra.ShellCompDirectiveNoFileComp)) // no file, as elsewhere
	flags.StringVar(&f.class, "class", "", "what the server is, without --lang: "+classes())
	return cmd
}

// check finds flags and words that do not go together.
func (f *initFlags) check(command []string) error {
	chosen := 0
	for _, given := range []bool{f.lang != "", f.http, f.dialect != ""} {
		if given {
			chosen++
		}
	}
	switch {
	case chosen != 1:
		return errors.New("init wants one of --lang, --http and --dialect")
	case f.lang != "" && !slices.Contains(languages(), f.lang):
		return fmt.Errorf("--lang: unknown %q: use one of %s", f.lang, strings.Join(languages(), ", "))
	case f.lang != "" && (len(command) > 0 || f.class != ""):
		return errors.New("--lang brings a command and a class: both are in its target file")
	case f.dialect != "" && !slices.Contains(dialect.Names(), f.dialect):
		return fmt.Errorf("--dialect: unknown %q: %s", f.dialect, dialect.Choices(f.dialect))
	case f.class != "" && !slices.Contains(spec.Classes(), spec.Class(f.class)):
		return fmt.Errorf("--class: unknown %q: use one of %s", f.class, classes())
	}
	return nil
}

// begin writes all files, or none where one is there already.
func (p *program) begin(dir string, f initFlags, command []string) error {
	if err := f.check(command); err != nil {
		return err
	}
	files, err := f.files(dir, command)
	if err != nil {
		return err
	}
	var there []string
	for _, file := range files {
		if _, err := os.Lstat(file.path); err == nil {
			there = append(there, file.path)
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("%s: exists already, and nothing was written: move it away, or name another directory", strings.Join(there, ", "))
	}
	for _, file := range files {
		if err := file.write(); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "wrote %s\n", file.path) // a full output is no reason to leave half of them out
	}
	next := ""
	if f.lang == "" && len(command) == 0 {
		next = "say in it how the server is started, then "
	}
	_, err = fmt.Fprintf(p.out, "next: %s%s check --target %s\n", next, called(), judging.Quote(filepath.Join(dir, targetFileName)))
	return failed(err)
}

// written is a file to write.
type written struct {
	path string
	text []byte
}

func (w written) write() error {
	if err := os.MkdirAll(filepath.Dir(w.path), 0o777); err != nil {
		return err
	}
	file, err := os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // and the user's umask
	if err != nil {
		return err
	}
	_, err = file.Write(w.text)
	return errors.Join(err, file.Close())
}

func (f *initFlags) files(dir string, command []string) ([]written, error) {
	var files []written
	if f.lang == "" {
		text, err := f.targetFile(dir, command)
		if err != nil {
			return nil, err
		}
		files = append(files, written{filepath.Join(dir, targetFileName), text})
	} else {
		root := startersRoot + "/" + f.lang
		err := fs.WalkDir(starters, root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := starters.ReadFile(name)
			files = append(files, written{filepath.Join(dir, strings.TrimPrefix(name, root)), text})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	workflow, err := workflow(dir)
	return append(files, workflow), err
}

// targetFile is that of a server which needs no adapter.
func (f *initFlags) targetFile(dir string, command []string) ([]byte, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(whole)
	if len(command) == 0 {
		command = []string{"./server", "--port", "{port}"}
	} else {
		name = filepath.Base(command[0])
	}
	var b strings.Builder
	b.WriteString(`# What reactorspec judges, and how it is built and started; the keys are those of
# https://github.com/reactorspec/reactorspec/blob/main/spec/target-file.md.
# {port} is the port to listen on at 127.0.0.1; PORT in the environment is the same.
`)
	line := func(key string, value any) {
		text, failure := yaml.MarshalWithOptions(value, yaml.Flow(true))
		err = cmp.Or(err, failure)
		fmt.Fprintf(&b, "%s: %s\n", key, strings.TrimSpace(string(text)))
	}
	line("name", name)
	if f.class != "" {
		line("class", f.class)
	} else {
		fmt.Fprintf(&b, "# class: reactor # one of %s; without it, only what binds every class is judged\n", classes())
	}
	speaks := cmp.Or(f.dialect, "http")
	line("dialect", speaks)
	if speaks == "http" {
		b.WriteString("http: {path: /} # GET, answered 200; spec/target-file.md has method, headers, status and echo\n")
	}
	b.WriteString("# build: make # runs once, before the first start\n")
	line("start", command)
	return []byte(b.String()), err
}

// workflow is for GitHub, which looks for it below the root of the repository alone.
func workflow(dir string) (written, error) {
	root, below, err := repository(dir)
	if err != nil {
		return written{}, err
	}
	text, err := starters.ReadFile(startersRoot + "/workflow.yml")
	if err != nil {
		return written{}, err
	}
	name := "reactorspec.yml"
	if below != "." {
		name = "reactorspec-" + strings.ReplaceAll(below, "/", "-") + ".yml" // beside those of other targets
	}
	filled := strings.NewReplacer("{target}", judging.Quote(filepath.Join(below, targetFileName)), "{version}", released()).Replace(string(text))
	return written{filepath.Join(root, workflowsPath, name), []byte(filled)}, nil
}

// repository is the root of the git repository that dir is in, and where dir is
// below it; dir itself where it is in none. dir need not be there yet.
func repository(dir string) (root, below string, err error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	for at := whole; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			below, err := filepath.Rel(at, whole)
			return filepath.Join(dir, strings.Repeat("../", depth(below))), filepath.ToSlash(below), err
		}
		if at == filepath.Dir(at) {
			return dir, ".", nil
		}
	}
}

func depth(below string) int {
	if below == "." {
		return 0
	}
	return strings.Count(filepath.ToSlash(below), "/") + 1
}

// released is this command's version where one can ask a module proxy for it.
func released() string {
	version := strings.TrimPrefix(Version(), "reactorspec ")
	if !strings.HasPrefix(version, "v") || strings.ContainsAny(version, "+-") { // changed since, or of no tag
		return "latest"
	}
	return version
}
