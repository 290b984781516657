package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/report/live"
	"github.com/reactorspec/reactorspec/suites/target"
)

// runLimit is how long a run may take that names no --timeout: ten times what
// the whole spec takes on a busy machine.
const runLimit = 15 * time.Minute

// checkFlags are the flags of `check`, as given.
type checkFlags struct {
	addr, file, dialect, class string
	pid                        int
	features                   []string
	limit                      int64
	idle, ready                time.Duration
	most                       int
	http                       httpFlags
	memory                     string
	tls                        tlsFlags

	clauses, families, levels []string
	seed                      string
	timeout                   time.Duration
	soak, verbose             bool
	built                     bool // by the matrix, whose child this is

	reports reportFlags
}

func (p *program) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [flags] [-- command …]",
		Short: "Judge a server: one that runs, one to start, or the embedded reference",
		Long: `Judges one server by the spec.

  reactorspec check -- ./server --port {port}    starts the server, on a free port
  reactorspec check --addr tcp://127.0.0.1:7000  judges a server that runs
  reactorspec check --target FILE                takes everything from a target file
  reactorspec check                              judges the embedded reference

In a command, {port} is the port to listen on at 127.0.0.1, {socket} the path of
a Unix socket, {scratch} an empty directory; PORT is in the environment too.

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
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.addr, "addr", "", "server that runs: tcp://host:port or unix:///path")
	flags.IntVar(&f.pid, "pid", 0, "its process, to judge from the process vantage too")
	flags.StringVar(&f.file, "target", "", "target `file` (YAML)")
	flags.StringVar(&f.dialect, "dialect", "", "how to talk to it: "+strings.Join(dialect.Names(), ", ")+", or the path of a dialect `file`; probe if not given")
	f.http.bind(cmd)
	flags.StringVar(&f.class, "class", "", "what it is: "+classes())
	flags.StringSliceVar(&f.features, "features", nil, "what it offers beyond its dialect, comma-separated; for probe, instead of what HELLO says")
	flags.Int64Var(&f.limit, "limit", 0, "its declared limit L of unread output, in `bytes`")
	flags.DurationVar(&f.idle, "idle-timeout", 0, "after how long it closes a silent connection, such as 5s")
	flags.IntVar(&f.most, "max-clients", 0, "how many clients at a time it has room for; no check brings more")
	flags.DurationVar(&f.ready, "ready-timeout", 0, "how long it may take until it accepts (15s)")
	flags.StringVar(&f.memory, "memory", "", "how far its heap may grow before it is collected, such as 4GiB")
	f.tls.bind(flags)
	flags.StringSliceVar(&f.clauses, "clause", nil, "judge only these clauses, by `ID`; comma-separated or repeated")
	flags.StringSliceVar(&f.families, "family", nil, "judge only these families")
	flags.StringSliceVar(&f.levels, "level", nil, "judge only MUST or only SHOULD clauses")
	flags.StringVar(&f.seed, "seed", "", "fix payloads, and shuffle the order of checks, by this `number`")
	flags.DurationVar(&f.timeout, "timeout", runLimit, "give up after this time; 0: never")
	flags.BoolVar(&f.soak, "soak", false, "let checks of chance and of numbers do many times as much: minutes instead of seconds")
	f.reports.bind(cmd)
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list every clause, and show evidence for whatever has some")
	flags.BoolVar(&f.built, "built", false, "the target's build is done")
	_ = flags.MarkHidden("built")
	return cmd
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

func (p *program) check(cmd *cobra.Command, f *checkFlags, command []string) error {
	if err := f.reports.writable(); err != nil {
		return err
	}
	judged, options, err := f.read(cmd, command)
	if err != nil {
		p.reported = true
		run := judging.Unrun(judged, options, &judging.UsageError{Message: err.Error()})
		return errors.Join(err, f.reports.write(&run))
	}
	signals := ownSignals(p.err)
	defer signals.release()
	run := p.judge(signals, judged, options, f)
	p.exit, p.reported = run.Verdict.Exit, true
	return failed(f.reports.write(&run))
}

// read makes a target and options of the flags.
func (f *checkFlags) read(cmd *cobra.Command, command []string) (target.Target, judging.Options, error) {
	o := judging.Options{Timeout: f.timeout, Soak: f.soak, Verbose: f.verbose, Version: Version()}
	judged := target.Target{File: target.File{Name: f.addr, Class: spec.Class(f.class), Limit: f.limit, IdleTimeout: target.Duration(f.idle), MaxClients: f.most, ReadyTimeout: target.Duration(f.ready)}, Addr: f.addr, Pid: f.pid}
	if err := judged.File.Speak(f.dialect, "."); err != nil {
		return judged, o, err
	}
	transport, err := f.tls.transport()
	if err != nil {
		return judged, o, err
	}
	judged.File.TLS = transport
	for _, id := range f.clauses {
		o.Clauses = append(o.Clauses, strings.ToUpper(strings.TrimSpace(id)))
	}
	for _, name := range f.families {
		o.Families = append(o.Families, strings.ToUpper(strings.TrimSpace(name)))
	}
	for _, level := range f.levels {
		o.Levels = append(o.Levels, spec.Level(strings.ToUpper(strings.TrimSpace(level))))
	}
	if f.seed != "" {
		seed, err := judging.ParseSeed(f.seed)
		if err != nil {
			return judged, o, fmt.Errorf("--seed %w", err)
		}
		o.Seed = seed
	}
	if f.timeout < 0 {
		return judged, o, fmt.Errorf("--timeout %s is below 0", f.timeout)
	}
	if f.soak && !cmd.Flags().Changed("timeout") {
		o.Timeout = 0
	}
	if f.idle < 0 {
		return judged, o, fmt.Errorf("--idle-timeout %v is below 0", f.idle)
	}
	if f.ready < 0 {
		return judged, o, fmt.Errorf("--ready-timeout %v is below 0", f.ready)
	}
	if f.memory != "" {
		memory, err := target.ParseBytes(f.memory)
		if err != nil {
			return judged, o, fmt.Errorf("--memory %w", err)
		}
		judged.File.Memory = memory
	}
	if f.most < 0 {
		return judged, o, fmt.Errorf("--max-clients %d is below 0", f.most)
	}
	if f.limit < 0 {
		return judged, o, fmt.Errorf("--limit %d is below 0", f.limit)
	}
	if err := f.attach(cmd, command, &judged); err != nil {
		return judged, o, err
	}
	embedded := f.addr == "" && f.file == "" && len(command) == 0
	o.Rerun = func(clause string, seed uint64) string {
		if embedded {
			line := fmt.Sprintf("%s check --clause %s --seed %#x", called(), clause, seed)
			if f.soak {
				line += " --soak"
			}
			if f.class != "" {
				line += " --class " + f.class
			}
			return line
		}
		return judging.Rerun(called(), judged, clause, seed, f.soak)
	}
	o.Replay = func(file string) string {
		if embedded {
			line := called() + " replay " + judging.Quote(file)
			if f.class != "" {
				line += " --class " + f.class
			}
			return line
		}
		return judging.Replay(called(), judged, file)
	}
	return judged, o, nil
}

// attach decides which of the four ways names the target.
func (f *checkFlags) attach(cmd *cobra.Command, command []string, judged *target.Target) error {
	if f.pid != 0 && f.addr == "" {
		return errors.New("--pid needs --addr")
	}
	if f.pid < 0 {
		return fmt.Errorf("--pid %d is no process", f.pid)
	}
	if f.addr != "" && len(command) > 0 {
		return errors.New("both --addr and a command after --: name one target")
	}
	if cmd.Flags().Changed("features") {
		judged.File.Features = []spec.Feature{}
		for _, word := range f.features {
			if word != "" {
				judged.File.Features = append(judged.File.Features, spec.Feature(word))
			}
		}
	}
	if f.file != "" {
		for _, name := range append([]string{"addr", "dialect", "class", "features", "limit", "idle-timeout", "max-clients", "ready-timeout", "memory", "http-path", "http-method", "http-header", "http-status", "http-echo"}, tlsNames...) {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("both --target and --%s: say it in the target file", name)
			}
		}
		if len(command) > 0 {
			return errors.New("both --target and a command after --: name one target")
		}
		file, err := target.Load(f.file)
		if err != nil {
			return err
		}
		judged.File = file
		if f.built {
			judged.File.Build = nil
		}
		return nil
	}
	asked, err := f.http.read(cmd)
	if err != nil {
		return err
	}
	switch {
	case asked == nil:
	case judged.File.Dialect == "":
		judged.File.Dialect = "http"
		fallthrough
	case judged.File.Dialect == "http":
		judged.File.HTTP = asked
	default:
		return fmt.Errorf("--http-path and its like are for --dialect http, and this one is %s", judged.File.Dialect)
	}
	if judged.File.Dialect == "" {
		judged.File.Dialect = "probe"
	}
	if f.addr != "" {
		return nil
	}
	if len(command) > 0 {
		judged.File.Name, judged.File.Start = command[0], command
		return nil
	}
	if judged.File.Dialect != "probe" {
		return fmt.Errorf("the embedded reference speaks probe, not %s: give --addr, --target, or a command after --", judged.File.Dialect)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	judged.File.Name, judged.File.Language = "reference", "Go"
	judged.File.Start = target.Command{self, "serve", "--listen", "127.0.0.1:{port}"}
	if f.class != "" {
		judged.File.Start = append(judged.File.Start, "--class", f.class)
	}
	return nil
}

// judge judges, and shows it while it goes on.
func (p *program) judge(signals *signals, judged target.Target, o judging.Options, f *checkFlags) report.Run {
	out := p.out
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
	run, _ := r.All() // the run says what kept it from judging
	if run.Problem != nil {
		fmt.Fprintf(p.err, "reactorspec: %s\n", report.Clean(oneLine(run.Problem.Message)))
	}
	_ = printer.Finish(&run) // a reader that went away, such as head, is no failure
	return run
}

func classes() string {
	var words []string
	for _, class := range spec.Classes() {
		words = append(words, string(class))
	}
	return strings.Join(words, ", ")
}
