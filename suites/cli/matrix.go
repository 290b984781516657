package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// matrixFlags are the flags of `matrix`, as given.
type matrixFlags struct {
	reports  reportFlags
	clauses  []string
	families []string
	version  string
	seed     string
	noAdvice bool
	quick    bool
	patience float64
	ready    time.Duration
	shard    string
	record   bool
	timeout  time.Duration
}

// stopGrace is how long a child may take to end its target and write its report
// after the first signal.
const stopGrace = 30 * time.Second

// shownComplaint bounds the lines that the console shows of a build that failed.
const shownComplaint = 5

func (p *program) matrixCommand() *cobra.Command {
	var f matrixFlags
	cmd := &cobra.Command{
		Use:   "matrix DIR|FILE…",
		Short: "Judge many targets, each in a process of its own",
		Long: `Judges every target file (*.yaml, *.yml) in the directories, and every file named.
Targets are built first, several at a time, and then judged one after the other, each
in a child process with a time limit of its own. A target whose toolchain is not
installed is skipped, and listed as such. Ctrl-C writes what was judged until then.
The exit code is the worst of all: 2 before 3 before 1.

--record replaces the expected failures in each file with what failed today. A new
failure is added, with its message as the reason; an entry that is no longer broken is
removed. Read the difference before you believe it: write reasons and links yourself.

--shard i/n judges every n-th target from the i-th on; reactorspec merge joins the
JSON reports. --shard auto takes i and n from the job that it runs in:

  Kubernetes  JOB_COMPLETION_INDEX (completionMode: Indexed), REACTORSPEC_SHARDS=n
  Slurm       SLURM_ARRAY_TASK_ID, _COUNT, _MIN and _STEP (sbatch --array)
  GitLab      CI_NODE_INDEX, CI_NODE_TOTAL (parallel: n)
  GitHub      REACTORSPEC_SHARD: ${{ strategy.job-index }}
              REACTORSPEC_SHARDS: ${{ strategy.job-total }}`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("matrix wants a directory of target files, or the files")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := blankless(cmd.Flags(), "clause", "family"); err != nil {
				return err
			}
			if err := f.check(cmd); err != nil {
				return err
			}
			return p.matrix(&f, args)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&f.clauses, "clause", nil, "judge only these clauses, by `ID`")
	flags.StringSliceVar(&f.families, "family", nil, "judge only these families")
	flags.StringVar(&f.version, "spec-version", "", "judge by that `version` of the spec, whatever the target files say: younger clauses do not bind (spec/versions.md)")
	flags.StringVar(&f.seed, "seed", "", "fix payloads and the order of checks by this `number`")
	flags.BoolVar(&f.noAdvice, "no-advice", false, "leave out advice: do not look at clauses that a target neither promised nor was released from")
	flags.BoolVar(&f.record, "record", false, "replace the expected failures in each target file with today's, for review")
	flags.BoolVar(&f.quick, "quick", false, "judge only the clauses that find the most in ten seconds for each target")
	flags.Float64Var(&f.patience, "patience", 1, "wait this many `times` as long for what must come: on a slow machine")
	flags.DurationVar(&f.ready, "ready-timeout", 0, "how long a target may take until it accepts (15s); outranks the target files")
	flags.StringVar(&f.shard, "shard", "", "judge only this part of the targets: `i/n`, or auto")
	flags.DurationVar(&f.timeout, "timeout", runLimit, "give up on a target after this time")
	f.reports.bindMany(cmd)
	return cmd
}

// check finds mistakes before anything is built, and gives an impatient target's time to a patient one.
func (f *matrixFlags) check(cmd *cobra.Command) error {
	switch {
	case f.quick && len(f.clauses) > 0:
		return errors.New("both --quick and --clause: each chooses the clauses: give one of them")
	case f.patience < 1 || f.patience > judging.MostPatience:
		return fmt.Errorf("--patience %v is not between 1 and %d", f.patience, judging.MostPatience)
	case f.record && f.version != "":
		return errors.New("both --record and --spec-version: matrix --record keeps the version of each file: change spec: in the file, or use check --target FILE --spec-version " + f.version + " --record FILE")
	case f.ready < 0:
		return fmt.Errorf("--ready-timeout %v is below 0", f.ready)
	}
	if f.version != "" {
		if err := spec.CheckVersion(f.version); err != nil {
			return fmt.Errorf("--spec-version: %w", err)
		}
	}
	if !cmd.Flags().Changed("timeout") {
		f.timeout = time.Duration(float64(f.timeout) * f.patience)
	}
	return nil
}

func (p *program) matrix(f *matrixFlags, args []string) error {
	if err := f.reports.writable(); err != nil {
		return err
	}
	mine, err := parseShard(f.shard)
	if err != nil {
		return err
	}
	all, err := entrants(args)
	if err != nil {
		return err
	}
	list := part(mine, all)
	if len(list) == 0 {
		return fmt.Errorf("--shard %s: there are only %d targets: use fewer shards", mine, len(all))
	}
	scratch, err := os.MkdirTemp("", "reactorspec-matrix-")
	if err != nil {
		return fmt.Errorf("no temporary directory can be made; TMPDIR is %s: %w", os.TempDir(), err)
	}
	defer os.RemoveAll(scratch)
	signals := ownSignals(p.err)
	defer signals.release()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals.first(cancel)

	out := p.out.screen()
	if f.reports.toStdout() {
		out = p.err
	}
	if mine.total > 0 {
		fmt.Fprintf(out, "shard %s: %d of %d targets\n", mine, len(list), len(all))
	}
	buildAll(ctx, out, list)
	m := p.judgeAll(ctx, out, f, list, scratch)
	if mine.total > 0 {
		m.Shards = []report.Shard{{Index: mine.index, Total: mine.total}}
	}
	p.exit = m.Exit()
	if ctx.Err() != nil {
		p.exit = report.Worse(p.exit, report.ExitUndecided)
	}
	p.reported = true
	return failed(errors.Join(p.unrecorded, f.reports.writeMatrix(m)))
}

// judgeAll judges one target after the other, and says how far it is.
func (p *program) judgeAll(ctx context.Context, out io.Writer, f *matrixFlags, list []*entrant, scratch string) *report.Matrix {
	m := &report.Matrix{}
	skip := func(e *entrant, reason string) {
		m.Skipped = append(m.Skipped, report.Skipped{Target: e.name, Language: e.file.Language, Reason: reason})
		fmt.Fprintf(out, "%s: skipped (%s)\n", report.Clean(e.name), report.Clean(reason))
	}
	began, judged := time.Now(), 0
	for i, e := range list {
		reason := e.skipped
		if ctx.Err() != nil {
			reason = "interrupted before its turn"
		}
		if reason != "" {
			skip(e, reason)
			continue
		}
		line := fmt.Sprintf("judging %s, %d of %d", e.name, i+1, len(list))
		if judged > 0 {
			left := time.Since(began) / time.Duration(judged) * time.Duration(len(list)-i)
			line += fmt.Sprintf("; about %s left", max(left, 10*time.Second).Round(10*time.Second))
		}
		fmt.Fprintln(out, report.Clean(line))
		run := e.run
		if run == nil {
			run = p.child(ctx, f, e, filepath.Join(scratch, fmt.Sprintf("%d.json", i)))
		}
		run.Called, run.Machine = os.Args, report.ThisMachine()
		if run.Problem != nil && run.Problem.Kind == report.Absent {
			skip(e, lastLineOr(run.Target.Stderr, run.Problem.Message))
			continue
		}
		judged++
		m.Runs = append(m.Runs, run)
		fmt.Fprintln(out, report.Clean(run.Verdict.Sentence))
		for _, reason := range run.Verdict.Reasons {
			fmt.Fprintf(out, "  %s\n", report.Clean(reason))
		}
		if lucky := report.Lucky(run); lucky != "" {
			fmt.Fprintf(out, "  %s\n", report.Clean(lucky))
		}
		if e.run != nil { // its build failed, or its file is wrong
			for _, line := range target.Complaint(run.Target.Stderr, shownComplaint) {
				fmt.Fprintf(out, "  | %s\n", report.Clean(line))
			}
		}
		if f.record {
			p.unrecorded = errors.Join(p.unrecorded, e.rerecorded(run, out))
		}
	}
	m.Sort()
	return m
}

// child judges one target in a process of its own, so that no target or check can
// disturb the next: one that hangs is ended, with all that it started.
func (p *program) child(ctx context.Context, f *matrixFlags, e *entrant, result string) *report.Run {
	self, err := ownFile()
	if err != nil {
		return e.lost(report.Harness, err.Error())
	}
	args := []string{"check", "--target", e.path, "--json", result, "--timeout", f.timeout.String()}
	if e.built {
		args = append(args, "--built")
	}
	for _, id := range f.clauses {
		args = append(args, "--clause", id)
	}
	for _, name := range f.families {
		args = append(args, "--family", name)
	}
	if f.version != "" {
		args = append(args, "--spec-version", f.version)
	}
	if f.seed != "" {
		args = append(args, "--seed", f.seed)
	}
	if f.quick {
		args = append(args, "--quick")
	}
	if f.patience > 1 {
		args = append(args, "--patience", strconv.FormatFloat(f.patience, 'g', -1, 64))
	}
	if f.ready > 0 {
		args = append(args, "--ready-timeout", f.ready.String())
	}
	if f.noAdvice {
		args = append(args, "--no-advice")
	}
	limit := f.timeout + stopGrace
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(bounded, self, args...)
	var printed strings.Builder
	cmd.Stderr = &printed
	cmd.SysProcAttr = child()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	err = cmd.Run()
	opened, openErr := os.Open(result)
	if openErr != nil {
		reason, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(printed.String()), "reactorspec: "), "\n")
		switch {
		case ctx.Err() != nil:
			return e.lost(report.Interrupted, "interrupted while it was judged")
		case bounded.Err() != nil:
			reason = fmt.Sprintf("its process did not end within %s and was killed", limit)
		case reason == "":
			reason = fmt.Sprintf("its process left no report: %v", err)
		}
		return e.lost(report.Harness, reason)
	}
	defer opened.Close()
	run, err := report.ReadJSON(opened)
	if err != nil {
		return e.lost(report.Harness, err.Error())
	}
	return run
}

// entrant is a target of a matrix.
type entrant struct {
	path    string
	name    string
	file    target.File
	built   bool        // its build is done
	skipped string      // why it cannot be judged on this machine
	run     *report.Run // of a target that cannot be judged: its file is wrong, or its build failed
}

// lost is the run of a target whose process told nothing.
func (e *entrant) lost(kind report.ProblemKind, reason string) *report.Run {
	run := &report.Run{Tool: Version(), Started: time.Now(), Problem: &report.Problem{Kind: kind, Message: reason},
		Target: report.Target{Name: e.name, Upstream: e.file.Upstream, Version: e.file.Version, Language: e.file.Language,
			Class: e.file.Class, Dialect: e.file.Dialect, Command: e.file.Start}}
	report.Judge(run)
	return run
}

// entrants lists the targets that the arguments name. Their names tell them apart
// in every report, so no two are alike.
func entrants(args []string) ([]*entrant, error) {
	paths, err := targetFiles(args)
	if err != nil {
		return nil, err
	}
	taken := make(map[string]string)
	var list []*entrant
	for _, path := range paths {
		e := &entrant{path: path, name: path}
		if file, err := target.Load(path); err != nil {
			e.run = e.lost(report.Usage, err.Error())
		} else {
			e.file, e.name = file, file.Name
		}
		if other, twice := taken[e.name]; twice {
			return nil, fmt.Errorf("%s and %s both have the name %q: give one of them another", other, path, e.name)
		}
		taken[e.name] = path
		list = append(list, e)
	}
	return list, nil
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
