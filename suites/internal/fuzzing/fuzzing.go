// Package fuzzing plays random transcripts for as long as it is told. Steps that showed
// new behaviour of the server before come more often. The model of package play judges
// each transcript: which bytes are due to whom, and in which order. A failure is
// shortened, played again, and written down once, however often it is found.
package fuzzing

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// Options say how long, where from and in which of the two modes.
type Options struct {
	Time    time.Duration // for drawing and playing; what was found at its end is still made shorter
	Corpus  string        // the directory that is read and written; "": nothing is kept but failures, as temporary files
	Jobs    int           // instances side by side; 0: one
	Hostile bool          // what is sent is damaged
	Blind   bool          // nothing is weighted, to measure what the weighting is worth
	// Shrink bounds the making shorter of one failure; 0: 15 s.
	Shrink   time.Duration
	Progress func(Progress) // called about once a second, and with every failure, by one goroutine at a time
	Judging  judging.Options
}

// Progress is how far it has come.
type Progress struct {
	Played   int           // transcripts, those that shorten something included
	Rate     float64       // transcripts a second, of the last seconds
	Corpus   int           // transcripts kept because they showed something new
	Signs    int           // different things that the server was seen to do
	Failures int           // different ones
	Left     time.Duration // of Options.Time
	Found    *Finding      // what was found just now; nil otherwise
}

// Finding is one failure, however often it was found.
type Finding struct {
	Clause string
	Reason string
	Times  int
	File   string // the transcript; "" where it could not be written
	Again  string // the command that plays it
	Steps  int
	Failed int  // of the replays
	Of     int  // replays
	Apart  bool // it fails in less than 3 of 10 replays

	kind     string
	claimed  string // what it looked like when it was found
	evidence *report.Evidence
}

// fuzzer is what all workers share.
type fuzzer struct {
	Options
	shape  play.Shape
	clause func(transcript.Transcript) string
	dir    *directory
	target target.Target

	mu      sync.Mutex
	corpus  corpus
	found   []*Finding
	known   map[string]*Finding // by what they looked like when they were found; nil: being looked into
	beyond  int                 // breaches of which nobody knows what they are: there were too many others
	skipped map[string]int      // transcripts that judged nothing, by the wording of the reason
	notes   []string
	played  int
	began   time.Time
	rate    rate
	stop    context.CancelFunc
	stopped error // why it ended before its time
}

// Run fuzzes a target until its time is over or ctx ends, and returns the judged run. The error is
// what kept it from fuzzing at all; the run says so too.
func Run(ctx context.Context, t target.Target, o Options) (report.Run, error) {
	f := &fuzzer{Options: o, target: t, known: map[string]*Finding{}, skipped: map[string]int{}, began: time.Now()}
	if f.Shrink == 0 {
		f.Shrink = 15 * time.Second
	}
	if f.Progress == nil {
		f.Progress = func(Progress) {}
	}
	f.Jobs = max(f.Jobs, 1)
	field, err := f.prepare(ctx)
	if err != nil {
		return judging.Unrun(t, o.Judging, err), err
	}
	if err := field.Begin(); err != nil {
		f.dir.undo()
		return field.Finish(nil), err
	}
	f.shape, f.clause = f.forTarget(field)
	drawing, stop := context.WithCancel(ctx)
	defer stop()
	f.stop = stop
	others := f.helpers(ctx)
	f.began = time.Now()
	var side sync.WaitGroup
	for i, other := range others {
		side.Go(func() { f.worker(other, i+1).run(ctx, drawing) })
	}
	f.worker(field, 0).run(ctx, drawing)
	side.Wait()
	for _, other := range others {
		other.Finish(nil)
	}
	return f.finish(ctx, field), nil
}

// prepare finds the mistakes that need no server.
func (f *fuzzer) prepare(ctx context.Context) (*judging.Field, error) {
	if f.Jobs > 1 && f.target.Addr != "" {
		return nil, &judging.UsageError{Message: "--jobs starts a server for each job, and a server that is already running is only one: leave it out"}
	}
	if len(f.Judging.Clauses) == 0 {
		f.Judging.Clauses = []string{"CONN-22", "PROBE-13", "CONN-12", descriptors.clause, memory.clause, threads.clause, spinning.clause}
	}
	field, err := f.field(f.target)
	if err != nil {
		return nil, err
	}
	page, known := f.target.File.Page()
	if _, promised := page.Promises["CONN-22"]; known && !promised && !f.Hostile {
		return nil, &judging.UsageError{Message: fmt.Sprintf("the %s dialect does not promise CONN-22, so nobody knows which bytes are due: give --hostile, which asks only that the server lives and serves others", f.target.File.Dialect)}
	}
	if f.Corpus == "" {
		return field, nil
	}
	f.dir, err = openDirectory(f.Corpus)
	if err != nil {
		return nil, err
	}
	if err := f.dir.load(&f.corpus, f.target.File.Dialect, f.Hostile); err != nil {
		return nil, err
	}
	return field, nil
}

// playTime is how long one transcript may take, which takes milliseconds on a good day.
const playTime = 15 * time.Second

// field is one on which an interruption ends a try, and not the report.
func (f *fuzzer) field(t target.Target) (*judging.Field, error) {
	o := f.Judging
	o.Timeout = 0
	budget := session.DefaultBudget
	budget.Check = playTime
	o.Budget = &budget
	return judging.OnField(context.Background(), t, o)
}

// helpers are the fields of the other jobs; one that does not begin is left out, and said so.
func (f *fuzzer) helpers(ctx context.Context) (others []*judging.Field) {
	built := f.target
	built.File.Build = nil // the first instance runs what was built, which must not be written meanwhile
	for len(others)+1 < f.Jobs && ctx.Err() == nil {
		field, err := f.field(built)
		if err == nil {
			if err = field.Begin(); err != nil {
				field.Finish(nil)
			}
		}
		if err != nil {
			f.note("instance %d of %d does not start: %v", len(others)+2, f.Jobs, err)
			return others
		}
		others = append(others, field)
	}
	return others
}

// forTarget is what can be drawn for a target that was greeted, and of which clause a
// transcript is.
func (f *fuzzer) forTarget(field *judging.Field) (play.Shape, func(transcript.Transcript) string) {
	var shape play.Shape
	_, _ = field.Try(context.Background(), shapeOf(&shape), spec.Clause{ID: "CONN-22"})
	in := field.Instance()
	shape.Halts = in != nil && in.Owned() && in.Pid() != 0
	page, _ := field.Info().Page()
	_, shape.Short = page.Promises["ACC-4"]
	shape.Short = shape.Short && shape.Halts
	shape.Slow = shape.Unread >= 1<<20
	if f.Hostile {
		shape.Spoils = transcript.Spoils()
		shape.Conns = max(1, min(shape.Conns, 4))
	}
	return shape, func(t transcript.Transcript) string {
		_, whatever := page.Promises["CONN-22"]
		switch {
		case t.Frames():
			return "PROBE-13"
		case whatever:
			return "CONN-22"
		}
		return "CONN-12" // to go on serving is what every server promises
	}
}

// note keeps what the reader of the report should know.
func (f *fuzzer) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// end stops all workers for a reason that is no interruption.
func (f *fuzzer) end(why error) {
	f.mu.Lock()
	if f.stopped == nil {
		f.stopped = why
	}
	f.mu.Unlock()
	f.stop()
}

// tell says how far it has come; mu is held.
func (f *fuzzer) tell(found *Finding) {
	f.Progress(Progress{Played: f.played, Rate: f.rate.now(f.played), Corpus: len(f.corpus.entries), Signs: f.corpus.signs(), Failures: len(f.found),
		Left: max(0, f.Time-time.Since(f.began)), Found: found})
}

// finish makes the run's results of what was found.
func (f *fuzzer) finish(ctx context.Context, field *judging.Field) report.Run {
	took := time.Since(f.began)
	field.Note("%d transcripts were played in %s, %.0f a second; the corpus holds %d; the server was seen to do %d different things",
		f.played, took.Round(100*time.Millisecond), float64(f.played)/took.Seconds(), len(f.corpus.entries), f.corpus.signs())
	for _, note := range f.notes {
		field.Note("%s", note)
	}
	for reason, n := range f.skipped {
		field.Note("%d transcripts judged nothing: %s", n, reason)
	}
	if f.beyond > 0 {
		field.Note("%d more transcripts failed in other ways than the %d that are told, and were not looked into: mend what was found, and fuzz again", f.beyond, len(f.found))
	}
	if f.stopped == nil && ctx.Err() == nil && len(f.found) == 0 && f.played <= sum(f.skipped) {
		f.stopped = &hindrance{report.Harness, fmt.Sprintf("none of %d transcripts judged anything: the notes say why", f.played), ""}
	}
	var problem *hindrance
	switch {
	case errors.As(f.stopped, &problem):
		field.Hinder(problem.kind, problem.message, problem.stderr)
	case f.stopped != nil:
		field.Note("%v", f.stopped)
	case ctx.Err() != nil:
		field.Hinder(report.Interrupted, fmt.Sprintf("interrupted after %d transcripts", f.played), "")
	}
	return field.Finish(f.results())
}

// hindrance is why it ended before its time where that is no failure of the server.
type hindrance struct {
	kind            report.ProblemKind
	message, stderr string
}

func (h *hindrance) Error() string { return h.message }

// results are one for each clause that was broken, and one for that which was kept.
func (f *fuzzer) results() []report.Result {
	var results []report.Result
	for _, id := range f.Judging.Clauses {
		clause, known := spec.Lookup(id)
		if !known {
			continue
		}
		result := report.NewResult(clause)
		for _, found := range f.found {
			if found.Clause == id {
				found.addTo(&result)
			}
		}
		switch {
		case result.Outcome != "":
		case f.played > sum(f.skipped) && id == f.clause(transcript.Transcript{Steps: []transcript.Step{{Op: transcript.Open, Frames: f.shape.Frames}}}):
			result.Outcome = report.Pass
		default:
			continue
		}
		results = append(results, result)
	}
	return results
}

func sum(counts map[string]int) (n int) {
	for _, m := range counts {
		n += m
	}
	return n
}

// addTo tells a finding in its clause's result: the first that is no matter of chance
// is the reason, the others are notes.
func (g *Finding) addTo(result *report.Result) {
	outcome := report.Fail
	if g.Apart {
		outcome = report.Inconclusive
	}
	if result.Outcome == "" || result.Outcome == report.Inconclusive && outcome == report.Fail {
		var notes []string
		if result.Evidence != nil {
			notes = result.Evidence.Notes
		}
		result.Outcome, result.Reason, result.Evidence = outcome, g.Reason, g.evidence
		if g.Apart {
			result.Reason = fmt.Sprintf("kept apart, as it %s: %s", g.replayed(), g.Reason)
		}
		result.Evidence.Notes = append(result.Evidence.Notes, notes...)
		result.Evidence.Rerun = g.Again
	}
	result.Evidence.Notes = append(result.Evidence.Notes, g.String())
}

// String is the finding in one line.
func (g *Finding) String() string {
	line := fmt.Sprintf("found %d times, %s", g.Times, g.replayed())
	if g.Apart {
		line += " and is kept apart"
	}
	line += fmt.Sprintf(": %s; %d steps", g.Reason, g.Steps)
	if g.Again != "" {
		line += "; " + g.Again
	}
	return line
}

// replayed says what came of its replays.
func (g *Finding) replayed() string {
	if g.Of == 0 {
		return "was not played again"
	}
	return fmt.Sprintf("failed again in %d of %d replays", g.Failed, g.Of)
}

// worker is one instance of the target and who plays on it.
type worker struct {
	*fuzzer
	field            *judging.Field
	random           *rand.Rand
	plays, shortened int   // playings, and those that made shorter what is kept
	heard            int64 // bytes that the instance had printed, up to the end of a line
	quiet            watch // what it holds at rest
	recent           []transcript.Transcript
	lately           []transcript.Transcript // the last that broke nothing, deadlyLate at most
	aside            []failing               // failed while something else was looked for
	loaded           string                  // the file of the transcript that is played, where an earlier run wrote it
	panicking        bool                    // the transcript before asked for a panic, which may be told late
	lengths          []int                   // less one, that are still to be sent
	came             int                     // clients that the instance has had
	failed           int                     // in a row
	barren           int                     // in a row, that judged nothing
}

func (f *fuzzer) worker(field *judging.Field, n int) *worker {
	return &worker{fuzzer: f, field: field, random: rand.New(rand.NewPCG(field.Seed(), f.Judging.Seed+uint64(n)))}
}
