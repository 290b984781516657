// Package cli is the command: check, serve, list, explain, matrix, diff, merge, reproduce, replay, fuzz, bench, dialect, doc, init, version.
// It decides exit codes and owns the signals; all judging is package judging's.
//
// It is importable for the command's main file alone: there is no compatibility promise.
package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
)

// Embedded is the server that the command carries with it, judged when no other
// is named. suites never imports it; main hands it over.
type Embedded struct {
	// Command binds the flags of `serve` and returns what runs it until ctx ends.
	Command func(fs *flag.FlagSet) func(ctx context.Context) error
}

// program is one invocation of the command.
type program struct {
	embedded   Embedded
	out        *output
	err        io.Writer
	exit       int   // set by a command that ran; usage errors are returned instead
	unsaid     error // why standard output did not take everything
	unrecorded error // why no target file was written that was asked for
	reported   bool  // the reports were written, or tried to be
}

// Main runs the command and returns its exit code: 0 conformant, 1 not, 2 usage
// or configuration, 3 harness error or a MUST that stays inconclusive.
func Main(args []string, embedded Embedded) int {
	p := &program{embedded: embedded, out: &output{to: os.Stdout}, err: os.Stderr}
	root := p.root()
	root.SetArgs(args)
	root.SetOut(p.out)
	root.SetErr(p.err)
	err := root.Execute()
	if lost := p.out.failure(); lost != nil && (err == nil || errors.Is(err, lost)) {
		err = failed(cmp.Or(err, lost)) // whoever wrote may not have looked: help and version do not
	} else if err != nil {
		err = p.reportMistake(root, args, err)
	}
	if err == nil {
		return p.exit
	}
	fmt.Fprintf(p.err, "reactorspec: %s\n", report.Clean(oneLine(err.Error())))
	if errors.As(err, new(*failure)) {
		return report.ExitUndecided
	}
	return report.ExitUsage
}

// failure is an error that is no mistake of the user: exit 3.
type failure struct{ cause error }

func (f *failure) Error() string { return f.cause.Error() }
func (f *failure) Unwrap() error { return f.cause }

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "reactorspec",
		Short:         "Judges event-driven servers by a numbered specification",
		Long:          "reactorspec judges a server, in any language, by a numbered specification of event-driven servers:\nit says which clauses the server keeps and which it breaks, with evidence.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.Version = strings.TrimPrefix(Version(), "reactorspec ")
	root.SetVersionTemplate("reactorspec {{.Version}}\n")
	root.AddCommand(p.checkCommand(), p.serveCommand(), p.listCommand(), p.explainCommand(), p.matrixCommand(),
		p.diffCommand(), p.mergeCommand(), p.reproduceCommand(), p.replayCommand(), p.fuzzCommand(), p.benchCommand(), p.dialectCommand(), p.docCommand(), p.initCommand(), p.versionCommand(), p.manCommand())
	completeValues(root)
	return root
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown command or argument %q; see `%s --help`", args[0], cmd.CommandPath())
	}
	return nil
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the command's version, and the versions of the spec that it knows", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			versions := spec.Versions()
			frozen := versions[:len(versions)-1]
			_, err := fmt.Fprintf(p.out, "%s\nspec %s, being written; frozen: %s\n", Version(), spec.Writing, strings.Join(frozen, ", "))
			return failed(err)
		},
	}
}

// Version names the command and the version it was built from.
func Version() string {
	version := "(devel)"
	info, found := debug.ReadBuildInfo()
	if found && info.Main.Version != "" {
		version = info.Main.Version
	}
	if found && version == "(devel)" {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				version += " " + setting.Value[:min(12, len(setting.Value))]
			}
		}
	}
	return "reactorspec " + version
}

// failed wraps an error that is no usage error; nil stays nil.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &failure{err}
}

// called is how this program was called, in words that work when pasted: by its name
// alone where the shell finds it by that. Below `go run` its binary is gone once it ends.
func called() string {
	self, err := os.Executable()
	if err == nil && strings.Contains(self, string(filepath.Separator)+"go-build") {
		return "go run ."
	}
	if name := filepath.Base(os.Args[0]); err == nil && name != os.Args[0] && found(name, self) {
		return judging.Quote(name)
	}
	return judging.Quote(os.Args[0])
}

// found reports whether a shell that is given a program's name runs the file self.
func found(name, self string) bool {
	path, err := exec.LookPath(name)
	if err != nil {
		return false
	}
	one, err := os.Stat(path)
	other, wrong := os.Stat(self)
	return err == nil && wrong == nil && os.SameFile(one, other)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
