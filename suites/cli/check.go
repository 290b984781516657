package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/report/live"
	"github.com/reactorspec/reactorspec/suites/target"
)

// checkFlags are the flags of `check`, as given.
type checkFlags struct {
	targetFlags
	judgingFlags
	record  string
	reports reportFlags
}

func (p *program) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [flags] [-- command …]",
		Short: "Judge a server: one that is already running, one that it starts, or the embedded reference",
		Long: `Judges one server by the spec.

  reactorspec check -- ./server --port {port}    starts the server on a free port, and judges it
  reactorspec check --addr tcp://127.0.0.1:7000  judges a server that is already running
  reactorspec check --target FILE                takes everything from a target file
  reactorspec check                              judges the embedded reference

In a command, {port} is the port to listen on at 127.0.0.1, {socket} is the path of
a Unix socket, and {scratch} is an empty directory. PORT is in the environment too.

--record FILE writes a target file in which today's failures are expected, and exits 0.
From then on check --target FILE exits 0 until something gets worse.

Exit: 0 conformant; 1 not conformant; 2 usage or configuration; 3 harness error,
interrupted, or a MUST that stays inconclusive.`,
		Example: "  reactorspec check --dialect resp --class reactor -- redis-server --port {port} --save ''",
		RunE: func(cmd *cobra.Command, args []string) error {
			command, err := afterDash(cmd, args)
			if err != nil {
				return err
			}
			return p.check(cmd, &f, command)
		},
	}
	cmd.SetFlagErrorFunc(unknownFlag)
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.addr, "addr", "", "running server: tcp://host:port or unix:///path")
	f.targetFlags.bind(cmd)
	f.judgingFlags.bind(cmd)
	flags.StringVar(&f.record, "record", "", "write a target `file` with all that was given, and with today's failures as expected ones")
	f.reports.bind(cmd)
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list every clause, and show evidence wherever there is some")
	return cmd
}

// unknownFlag explains a flag that may be the server's, before -- or without one.
func unknownFlag(cmd *cobra.Command, err error) error {
	if text := err.Error(); strings.HasPrefix(text, "unknown flag") || strings.HasPrefix(text, "unknown shorthand") {
		return fmt.Errorf("%w; a flag of the server's goes with its command, after --: %s [flags] -- ./server [its flags]; see `%s --help`", err, cmd.CommandPath(), cmd.CommandPath())
	}
	return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
}

// afterDash returns the words after --; words before it are mistakes.
func afterDash(cmd *cobra.Command, args []string) ([]string, error) {
	dash := cmd.ArgsLenAtDash()
	if dash < 0 {
		dash = len(args)
	}
	if dash > 0 {
		return nil, fmt.Errorf("unknown argument %q: put the server's command after --", args[0])
	}
	if cmd.ArgsLenAtDash() >= 0 && len(args) == 0 {
		return nil, errors.New("no command after --")
	}
	return args, nil
}

// unrun writes the reports of what was not begun, and returns why.
func (p *program) unrun(judged target.Target, o judging.Options, reports *reportFlags, err error) error {
	p.reported = true
	why := error(&judging.UsageError{Message: err.Error()})
	if errors.As(err, new(*failure)) {
		why = err
	}
	run := judging.Unrun(judged, o, why)
	return errors.Join(err, reports.write(&run))
}

func (p *program) check(cmd *cobra.Command, f *checkFlags, command []string) error {
	if err := f.reports.writable(); err != nil {
		return err
	}
	judged, options, err := f.read(cmd, command)
	if err == nil {
		err = f.recordable(command)
	}
	if err != nil {
		return p.unrun(judged, options, &f.reports, err)
	}
	signals := ownSignals(p.err)
	defer signals.release()
	run := p.judge(signals, judged, options, f)
	p.exit, p.reported = run.Verdict.Exit, true
	return failed(errors.Join(p.unsaid, p.unrecorded, f.reports.write(&run)))
}

// read makes a target and options of the flags.
func (f *checkFlags) read(cmd *cobra.Command, command []string) (target.Target, judging.Options, error) {
	o, err := f.options(cmd)
	judged, wrong := f.targetFlags.read(cmd, command)
	if err != nil || wrong != nil {
		return judged, o, cmp.Or(err, wrong)
	}
	if f.embedded(command) {
		f.rerunEmbedded(&o)
		return judged, o, nil
	}
	o.Rerun = func(clause string, seed uint64) string { return judging.Rerun(called(), judged, clause, seed, o) }
	o.Replay = func(file string) string { return judging.Replay(called(), judged, file) }
	return judged, o, nil
}

// rerunEmbedded words the commands that judge the embedded reference again.
func (f *checkFlags) rerunEmbedded(o *judging.Options) {
	class := ""
	if f.class != "" {
		class = " --class " + f.class
	}
	how := *o
	o.Rerun = func(clause string, seed uint64) string {
		return strings.Join(judging.RerunWords(called(), clause, seed, how), " ") + class
	}
	o.Replay = func(file string) string { return called() + " replay " + judging.Quote(file) + class }
}

// judge judges, and shows it while it goes on.
func (p *program) judge(signals *signals, judged target.Target, o judging.Options, f *checkFlags) report.Run {
	out := p.out.screen()
	if f.reports.toStdout() {
		out = p.err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals.first(cancel)
	var printer *report.Printer
	o.Progress = func(step judging.Progress) {
		switch {
		case step.Note != "":
			printer.Say("note: %s", step.Note)
		case step.Result != nil:
			printer.Done(*step.Result)
		default:
			printer.Start(step.Clause.ID)
		}
	}
	r, err := judging.OnTarget(ctx, judged, o)
	if err != nil {
		run := judging.Unrun(judged, o, err)
		fmt.Fprintf(p.err, "reactorspec: %s\n", report.Clean(oneLine(err.Error())))
		return run
	}
	printer = report.NewPrinter(out, len(r.Clauses()), f.verbose, f.reports.json).Live(live.Line)
	run, _ := r.All()                        // the run says what kept it from judging
	if run.Problem != nil && !sameOutput() { // the summary says it as well
		fmt.Fprintf(p.err, "reactorspec: %s\n", report.Clean(oneLine(run.Problem.Message)))
	}
	if f.record != "" {
		p.unrecorded = f.recorded(&run, judged, o.Promise, out)
	}
	if err := printer.Finish(&run); err != nil {
		p.unsaid = fmt.Errorf("%w; the reports are written all the same", err)
	}
	return run
}

// sameOutput reports whether standard output and standard error go to one place, a
// terminal for example, where whatever is said on both is said twice.
func sameOutput() bool {
	out, err := os.Stdout.Stat()
	other, wrong := os.Stderr.Stat()
	return err == nil && wrong == nil && os.SameFile(out, other)
}

// reason is an error without the names of the call and the file that it came from.
func reason(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
