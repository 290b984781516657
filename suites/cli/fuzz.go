package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/suites/internal/fuzzing"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/report/live"
	"github.com/reactorspec/reactorspec/suites/target"
)

// fuzzFor is how long it fuzzes that names no --time.
const fuzzFor = 10 * time.Minute

// fuzzFlags are the flags of `fuzz` beside those that say what is fuzzed.
type fuzzFlags struct {
	checkFlags
	time    time.Duration
	corpus  string
	jobs    int
	hostile bool
	blind   bool
}

func (p *program) fuzzCommand() *cobra.Command {
	var f fuzzFlags
	cmd := &cobra.Command{
		Use:   "fuzz [flags] [-- command …]",
		Short: "Look for faults that no check finds: let clients do random things, and judge every byte",
		Long: `Plays random transcripts of what clients do. Steps that showed new behaviour of the
server before come more often. Each transcript is judged: which bytes are due to whom,
and in which order; the server has to stay alive, to come to rest, and to hold no more
than before when all clients are gone; and it fails if a sanitizer, a race detector, a
panic or an assertion prints something.

  reactorspec fuzz --time 10m --corpus DIR -- ./server --port {port}
  reactorspec fuzz --target FILE --hostile        clients send damaged requests: the server
                                                  may answer anything or close, but stays
                                                  alive and serves others byte for byte

A failure is shortened, played again, and written once as a transcript: below
DIR/failures, or below DIR/apart if it fails in fewer than 3 of 10 replays.
reactorspec replay DIR plays them all.

Exit: 0 nothing was found; 1 a failure; 2 usage or configuration; 3 harness error,
interrupted, or only failures that were put into DIR/apart.`,
		Example: "  reactorspec fuzz --time 10m --corpus corpus --dialect resp --class reactor -- redis-server --port {port} --save ''",
		RunE: func(cmd *cobra.Command, args []string) error {
			command, err := afterDash(cmd, args)
			if err != nil {
				return err
			}
			return p.fuzz(cmd, &f, command)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.DurationVar(&f.time, "time", fuzzFor, "for how long")
	flags.StringVar(&f.corpus, "corpus", "", "`directory` of transcripts that showed something new: read, and added to; failures go below it")
	flags.StringVar(&f.seed, "seed", "", "fix the random choices by this `number`")
	flags.IntVar(&f.jobs, "jobs", 1, "how many instances of the server at a time")
	flags.BoolVar(&f.hostile, "hostile", false, "send damaged requests")
	flags.BoolVar(&f.blind, "blind", false, "give no step more weight than others, to see what the weights are worth")
	_ = flags.MarkHidden("blind")
	flags.StringVar(&f.addr, "addr", "", "running server: tcp://host:port or unix:///path")
	f.targetFlags.bind(cmd)
	f.reports.bind(cmd)
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show evidence wherever there is some")
	return cmd
}

func (p *program) fuzz(cmd *cobra.Command, f *fuzzFlags, command []string) error {
	if err := f.reports.writable(); err != nil {
		return err
	}
	judged, o, err := f.options(cmd, command)
	if err != nil {
		return p.unrun(judged, o.Judging, &f.reports, err)
	}
	signals := ownSignals(p.err)
	defer signals.release()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals.first(cancel)
	out := p.out.screen()
	if f.reports.toStdout() {
		out = p.err
	}
	printer := newFuzzPrinter(out, f)
	o.Progress = printer.tell
	o.Judging.Progress = func(step judging.Progress) {
		if step.Note != "" {
			printer.Say("note: %s", step.Note)
		}
	}
	run, err := fuzzing.Run(ctx, judged, o)
	for _, result := range run.Results {
		printer.Done(result)
	}
	if !errors.As(err, new(*judging.UsageError)) {
		_ = printer.Finish(&run) // Main says what standard output did not take
	}
	if run.Problem != nil {
		fmt.Fprintf(p.err, "reactorspec: %s\n", report.Clean(oneLine(run.Problem.Message)))
	}
	p.exit, p.reported = run.Verdict.Exit, true
	return failed(f.reports.write(&run))
}

// options makes a target and options of the flags.
func (f *fuzzFlags) options(cmd *cobra.Command, command []string) (target.Target, fuzzing.Options, error) {
	judged, o, err := f.read(cmd, command)
	fuzz := fuzzing.Options{Time: f.time, Corpus: f.corpus, Jobs: f.jobs, Hostile: f.hostile, Blind: f.blind, Judging: o}
	switch {
	case err != nil:
	case f.time <= 0:
		err = fmt.Errorf("--time %s is not above 0", f.time)
	case f.jobs < 1:
		err = fmt.Errorf("--jobs %d is below 1", f.jobs)
	case f.file != "" && judged.File.Name == "":
		judged.File.Name = f.file
	}
	fuzz.Judging.Rerun = func(string, uint64) string { return "" } // each finding has its own
	return judged, fuzz, err
}

// fuzzPrinter shows how far it has come: a live line on a terminal, and a line now and
// then elsewhere.
type fuzzPrinter struct {
	*report.Printer
	out   io.Writer   // above the live line, if there is one
	lines chan string // the newest text of the live line; nil: there is none
	last  time.Time
}

// plainEvery is how often a line is written where no live line can be drawn.
const plainEvery = 10 * time.Second

func newFuzzPrinter(out io.Writer, f *fuzzFlags) *fuzzPrinter {
	p := &fuzzPrinter{Printer: report.NewPrinter(out, 0, f.verbose, f.reports.json), out: out, last: time.Now()}
	p.Live(func(w io.Writer, _ func(int) string) (io.Writer, func()) {
		p.lines = make(chan string, 1)
		p.lines <- "starting"
		above, stop := live.Line(w, func(width int) string {
			text := <-p.lines
			p.lines <- text
			return text[:min(len(text), max(width, 0))]
		})
		p.out = above
		return above, stop
	})
	return p
}

// tell is called by one goroutine at a time.
func (f *fuzzPrinter) tell(p fuzzing.Progress) {
	if g := p.Found; g != nil {
		fmt.Fprintf(f.out, "found: %s %s\n", g.Clause, report.Clean(g.String()))
	}
	line := fmt.Sprintf("%d transcripts, %.0f a second; corpus %d; %d things seen; %d failures; %s left",
		p.Played, p.Rate, p.Corpus, p.Signs, p.Failures, p.Left.Round(time.Second))
	switch {
	case f.lines != nil:
		<-f.lines
		f.lines <- line
	case time.Since(f.last) > plainEvery:
		fmt.Fprintln(f.out, line)
		f.last = time.Now()
	}
}
