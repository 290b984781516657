package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// matrixFlags are the flags of `matrix`, as given.
type matrixFlags struct {
	reports  reportFlags
	clauses  []string
	families []string
	timeout  time.Duration
}

// stopGrace is how long a child may take to end its target and write its report
// after the first signal.
const stopGrace = 30 * time.Second

func (p *program) matrixCommand() *cobra.Command {
	var f matrixFlags
	cmd := &cobra.Command{
		Use:   "matrix DIR|FILE…",
		Short: "Judge many targets, each in a process of its own",
		Long: `Judges every target file (*.yaml, *.yml) of the directories and every file named, one
after the other, each in a child process. The exit code is the worst of theirs:
2 before 3 before 1.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("matrix wants a directory of target files, or the files")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return p.matrix(&f, args) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.clauses, "clause", nil, "judge only these clauses, by `ID`")
	flags.StringSliceVar(&f.families, "family", nil, "judge only these families")
	flags.DurationVar(&f.timeout, "timeout", runLimit, "give up on a target after this time")
	flags.StringVar(&f.reports.json, "json", "", "write all runs as JSON to this `file`; - is standard output")
	flags.StringVar(&f.reports.html, "html", "", "write the matrix as an HTML page to this `file`")
	flags.StringVar(&f.reports.junit, "junit", "", "write all runs as JUnit XML to this `file`")
	return cmd
}

func (p *program) matrix(f *matrixFlags, args []string) error {
	if err := f.reports.writable(); err != nil {
		return err
	}
	files, err := targetFiles(args)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "reactorspec-matrix-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(scratch)
	signals := ownSignals(p.err)
	defer signals.release()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals.first(cancel)

	out := p.out
	if f.reports.toStdout() {
		out = p.err
	}
	var runs []*report.Run
	for i, file := range files {
		run := p.child(ctx, f, file, filepath.Join(scratch, fmt.Sprintf("%d.json", i)))
		fmt.Fprintf(out, "%s\n", run.Verdict.Sentence)
		for _, reason := range run.Verdict.Reasons {
			fmt.Fprintf(out, "  %s\n", report.Clean(reason))
		}
		p.exit = worse(p.exit, run.Verdict.Exit)
		runs = append(runs, run)
		if ctx.Err() != nil {
			p.exit = worse(p.exit, report.ExitUndecided)
			break
		}
	}
	p.reported = true
	return failed(f.reports.writeMatrix(runs))
}

// targetFiles lists the target files that the arguments name.
func targetFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, err
		}
		found := false
		for _, entry := range entries {
			if ext := filepath.Ext(entry.Name()); !entry.IsDir() && (ext == ".yaml" || ext == ".yml") {
				files, found = append(files, filepath.Join(arg, entry.Name())), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no target file (*.yaml) in %s", arg)
		}
	}
	return files, nil
}

// child judges one target in a process of its own, so that no target or check can disturb the next.
func (p *program) child(ctx context.Context, f *matrixFlags, file, result string) *report.Run {
	self, err := os.Executable()
	if err != nil {
		return lost(file, err.Error())
	}
	args := []string{"check", "--target", file, "--json", result, "--timeout", f.timeout.String()}
	for _, id := range f.clauses {
		args = append(args, "--clause", id)
	}
	for _, name := range f.families {
		args = append(args, "--family", name)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	var printed strings.Builder
	cmd.Stderr = &printed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	err = cmd.Run()
	opened, openErr := os.Open(result)
	if openErr != nil {
		reason := strings.TrimPrefix(oneLine(printed.String()), "reactorspec: ")
		if reason == "" {
			reason = fmt.Sprintf("its process left no report: %v", err)
		}
		return lost(file, reason)
	}
	defer opened.Close()
	run, err := report.ReadJSON(opened)
	if err != nil {
		return lost(file, err.Error())
	}
	return run
}

// lost is the run of a target whose process told nothing.
func lost(file, reason string) *report.Run {
	run := &report.Run{Tool: Version(), Target: report.Target{Name: file}, Problem: &report.Problem{Kind: report.Harness, Message: reason}}
	if _, err := target.Load(file); err != nil {
		run.Problem = &report.Problem{Kind: report.Usage, Message: err.Error()}
	}
	report.Judge(run)
	return run
}

// worse orders exit codes: a mistake in what was asked for outranks a harness
// that failed, which outranks a target that breaks a clause.
func worse(a, b int) int {
	order := []int{report.ExitConformant, report.ExitNotConformant, report.ExitUndecided, report.ExitUsage}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}
