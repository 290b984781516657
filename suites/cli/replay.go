package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/fuzzing"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// command is the value of --against that has none of its own: a command
// follows --, or the address is the next word.
const command = "--"

func (p *program) replayCommand() *cobra.Command {
	var f checkFlags
	var against string
	cmd := &cobra.Command{
		Use:   "replay FILE|FOLDER [--against ADDR | --against -- command …]",
		Short: "Play a transcript on a server, and judge what comes back",
		Long: `Plays a transcript on one server. Failures of CONN-22 and of fuzz leave transcripts behind.
From a folder that fuzz filled it plays all transcripts except those in apart. One that says
on which server it was found is played twenty times, or until it fails: some fail now and then.

  reactorspec replay found.txt --against -- ./server --port {port}
  reactorspec replay found.txt --against tcp://127.0.0.1:7000
  reactorspec replay found.txt --target FILE
  reactorspec replay corpus --target FILE         all in a folder
  reactorspec replay found.txt                    on the embedded reference

Exit: 0 every connection got what it was owed; 1 one did not; 2 usage, or the server's
dialect cannot speak it; 3 harness error or inconclusive.`,
		Example: "  reactorspec replay found.txt --dialect resp --class reactor --against -- redis-server --port {port} --save ''",
		RunE: func(cmd *cobra.Command, args []string) error {
			file, rest, err := replayArguments(cmd, args, &f, against)
			if err != nil {
				return err
			}
			return p.replay(cmd, &f, file, rest)
		},
	}
	cmd.SetFlagErrorFunc(unknownFlag)
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&against, "against", "", "running server: tcp://host:port or unix:///path; or a command after --")
	flags.Lookup("against").NoOptDefVal = command
	f.targetFlags.bind(cmd)
	flags.DurationVar(&f.timeout, "timeout", runLimit, "give up after this time; 0: never")
	f.bindPatience(flags)
	f.reports.bind(cmd)
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show what was sent and received, even if all is right")
	return cmd
}

// replayArguments sorts out the words: the file, perhaps an address behind
// --against, and the command behind --.
func replayArguments(cmd *cobra.Command, args []string, f *checkFlags, against string) (file string, rest []string, err error) {
	dash := cmd.ArgsLenAtDash()
	words := args
	if dash >= 0 {
		words, rest = args[:dash], args[dash:]
	}
	if against == command && dash < 0 && len(words) == 2 {
		f.addr, words = words[1], words[:1]
	} else if against != command {
		f.addr = against
	}
	switch {
	case len(words) == 0:
		return "", nil, errors.New("no transcript: name its file")
	case len(words) > 1:
		return "", nil, fmt.Errorf("unknown argument %q: put the server's command after --", words[1])
	case against == command && f.addr == "" && len(rest) == 0, dash >= 0 && len(rest) == 0:
		return "", nil, errors.New("--against names neither an address nor a command after --")
	}
	return words[0], rest, nil
}

// replay judges the clauses of the transcripts by these alone.
func (p *program) replay(cmd *cobra.Command, f *checkFlags, path string, rest []string) error {
	if err := f.reports.writable(); err != nil {
		return err
	}
	files, err := transcriptsAt(path)
	if err != nil {
		return err
	}
	judged, o, err := f.read(cmd, rest)
	if err != nil {
		return err
	}
	of := map[string][]recorded{} // by clause
	for _, file := range files {
		t, err := transcript.Load(file)
		if err != nil {
			return err
		}
		if clause, known := spec.Lookup(t.Clause); !known || clause.Withdrawn {
			return fmt.Errorf("%s: its clause %q is not in the spec", file, t.Clause)
		}
		if err := speakable(t, judged, file); err != nil {
			return err
		}
		of[t.Clause] = append(of[t.Clause], recorded{file, t})
	}
	o.Clauses = slices.Sorted(maps.Keys(of))
	o.Rerun = func(string, uint64) string { return o.Replay(path) }
	budget, all := session.DefaultBudget, time.Duration(0)
	for _, list := range of {
		all += time.Duration(len(list)) * perTranscript
		for _, one := range list {
			all += time.Duration(fuzzing.Repeats(one.Clause)) * perRepeat
		}
	}
	budget.Check = max(budget.Check, all)
	o.Budget = &budget
	for _, clause := range o.Clauses {
		o.Checks = append(o.Checks, session.Check{Clause: clause, Run: func(s *session.Session) { playAll(s, of[clause]) }})
	}
	signals := ownSignals(p.err)
	defer signals.release()
	run := p.judge(signals, judged, o, f)
	p.exit, p.reported = run.Verdict.Exit, true
	return failed(errors.Join(p.unsaid, f.reports.write(&run)))
}

// perTranscript is how long each of many transcripts may take, and perRepeat each playing of
// one that shows only after many.
const (
	perTranscript = 5 * time.Second
	perRepeat     = 200 * time.Millisecond
)

// recorded is a transcript and its file.
type recorded struct {
	file string
	transcript.Transcript
}

// replayTimes is how often a transcript is played that failed on some server: fuzz takes
// it for a failure if it does so in three of ten, and so it is missed once in a thousand times.
const replayTimes = 20

// fails plays the transcript; nil if it fails in none of its times.
func (r recorded) fails(s *session.Session, listens bool) (failure *session.Failure) {
	times := 1
	if fuzzing.Repeats(r.Clause) == 1 && slices.ContainsFunc(r.Notes, func(note string) bool { return strings.HasPrefix(note, play.FoundOn) }) {
		times = replayTimes
	}
	for n := 0; n < times && failure == nil; n++ {
		failure = s.Trial(func() { fuzzing.Judge(s, r.Transcript, listens) })
	}
	return failure
}

// playAll plays one transcript after the other; a failure names its file.
func playAll(s *session.Session, all []recorded) {
	skipped := 0
	for i, one := range all {
		if why := play.Speaks(s, one.Transcript); why != "" && len(all) > 1 {
			s.Note("%s is left out: %s", one.file, why)
			skipped++
			continue
		}
		failure := one.fails(s, i == len(all)-1)
		if failure == nil {
			continue
		}
		if len(all) > 1 {
			failure.Reason = one.file + ": " + failure.Reason
			s.Note("play it alone: %s", s.Replay(one.file))
		}
		s.Fail(failure)
	}
	if skipped > 0 {
		s.Untested(fmt.Sprintf("%d of %d transcripts cannot be played on this target; the others were, and nothing failed", skipped, len(all)))
	}
	if len(all) > 1 {
		s.Note("%d transcripts played", len(all))
	}
}

// transcriptsAt lists a transcript, or all in a folder but those that fuzz keeps apart.
func transcriptsAt(path string) (files []string, err error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return []string{path}, nil // whoever loads it says what is wrong
	}
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == fuzzing.Apart && file != root:
			return fs.SkipDir
		case !entry.IsDir() && filepath.Ext(file) == ".txt":
			files = append(files, file)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: holds no transcript, a file whose name ends in .txt", path)
	}
	return files, err
}

// speakable finds out before anything is started whether the target's dialect
// has the transcript's conversations and promises its clause.
func speakable(t transcript.Transcript, judged target.Target, file string) error {
	name := judged.File.Dialect
	if t.Frames() && name != "probe" {
		return &judging.UsageError{Message: fmt.Sprintf("%s has PROBE conversations, which the %s dialect does not know", file, name)}
	}
	page, known := judged.File.Page()
	if !known {
		return nil // whoever starts the target says so
	}
	if _, promised := page.Promises[t.Clause]; !promised {
		return &judging.UsageError{Message: fmt.Sprintf("%s is about %s, which the %s dialect does not promise", file, t.Clause, name)}
	}
	return nil
}
