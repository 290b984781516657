package play

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// Search is how long sequences are drawn, and what becomes of one that fails.
type Search struct {
	Time   time.Duration // for drawing and playing
	Shrink time.Duration // for making a failing sequence shorter
	// Await is the await while shrinking: silence is believed sooner there,
	// because the result is played again with the ordinary one.
	Await time.Duration
	// Replays is how often the shortest sequence has to fail, each time, to be
	// kept instead of the one that was found.
	Replays int
	// Dir is where a sequence is written to; empty: the directory of
	// temporary files.
	Dir string
}

// DefaultSearch fits a run that has forty seconds for everything.
var DefaultSearch = Search{Time: 1500 * time.Millisecond, Shrink: 8 * time.Second, Await: 120 * time.Millisecond, Replays: 3}

// soakTime is how long --soak draws.
const soakTime = 25 * time.Second

// Run draws sequences and plays them until its time is over, and ends the check
// with the first that fails, in its shortest form.
func (search Search) Run(s *session.Session, shape Shape) {
	watch, played := s.Clock(), 0
	steps := shape.Steps()
	for watch.Wall() < search.Time && s.Context().Err() == nil {
		t := transcript.Transcript{Clause: s.Spec.ID, Seed: s.Rand.Uint64()}
		t.Steps = steps.Example(int(t.Seed))
		search.Play(s, t)
		played++
	}
	s.Note("%d random sequences played", played)
}

// Play plays one transcript; if it fails, its shortest form that fails is
// looked for, written to a file, and ends the check.
func (search Search) Play(s *session.Session, t transcript.Transcript) {
	played, failure := play(s, t)
	if failure == nil {
		return
	}
	if shorter, last := search.shortest(s, t, played); last != nil {
		t, failure = shorter, last
		s.Note("the transcript has %d steps and failed in %d of %d replays", len(t.Steps), search.Replays, search.Replays)
	} else {
		s.Note("the transcript is as it was found, of %d steps: no shorter one failed in %d of %d replays", len(t.Steps), search.Replays, search.Replays)
	}
	search.save(s, t, failure)
	s.Fail(failure)
}

// maxConfirmed is how many shorter forms are replayed, the shortest first, until
// one fails in every replay: shortening favours what fails by luck.
const maxConfirmed = 5

// shortest returns a shorter form, and how it failed last in its replays; no
// failure means that none failed in all.
func (search Search) shortest(s *session.Session, t transcript.Transcript, played int) (transcript.Transcript, *session.Failure) {
	forms := search.shorten(s, t, played)
	if len(forms) == 0 && len(t.Steps) == 1 {
		forms = []transcript.Transcript{t}
	}
	for n := 0; n < maxConfirmed && len(forms) > 0; n++ {
		at := len(forms) - 1
		if last := search.confirm(s, forms[at]); last != nil {
			return forms[at], last
		}
		forms = forms[:at*3/4]
	}
	return t, nil
}

// confirm plays the transcript Replays times; nil unless it fails every time.
func (search Search) confirm(s *session.Session, t transcript.Transcript) (last *session.Failure) {
	for range search.Replays {
		if !served(s) {
			return nil // it fails for another reason now
		}
		if _, last = play(s, t); last == nil {
			return nil
		}
	}
	return last
}

// served reports whether the target serves a fresh connection; if it does not,
// no failure says anything about a transcript. What the last playing left behind
// may be on its way still, so it is asked a few times.
func served(s *session.Session) bool {
	for range 5 {
		s.Pause(s.Budget.Poll)
		if s.Trial(s.ServesFresh) == nil {
			return true
		}
		s.Forget()
	}
	return false
}

// FoundOn begins the note of a transcript that failed on a server, whose name follows.
const FoundOn = "found on "

// save writes the transcript and says in the failure how to play it again.
func (search Search) save(s *session.Session, t transcript.Transcript, failure *session.Failure) {
	t.Notes = append(t.Notes, FoundOn+s.Info.Name+": "+failure.Reason)
	lines := make([]string, 0, len(t.Steps))
	for _, step := range t.Steps {
		lines = append(lines, step.String())
	}
	if len(lines) > 24 {
		lines = append(lines[:24:24], fmt.Sprintf("and %d more", len(lines)-24))
	}
	s.Note("the transcript: %s", strings.Join(lines, "; "))
	pattern := "reactorspec-" + strings.ToLower(s.Spec.ID) + "-*.txt"
	f, err := os.CreateTemp(search.Dir, pattern)
	if err == nil {
		_, err = f.Write(t.Append(nil))
		err = errorsFirst(err, f.Close())
		Prune(filepath.Dir(f.Name()), pattern, kept)
	}
	if err != nil {
		s.Note("the transcript could not be written: %v", err)
		return
	}
	why := cmp.Or(failure.Why, s.Spec.Intent)
	failure.Why = strings.TrimPrefix(strings.TrimSuffix(why, ".")+"; the transcript is "+f.Name(), "; ")
	s.Note("play it again: %s", s.Replay(f.Name()))
}

// kept is how many transcripts of a clause a search leaves in a directory.
const kept = 8

// Prune removes the oldest files of a pattern but for the most that may stay, so that
// transcripts do not pile up where each run leaves some. One that cannot be removed is left.
func Prune(dir, pattern string, most int) {
	paths, _ := filepath.Glob(filepath.Join(dir, pattern))
	ages := make(map[string]time.Time)
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			ages[path] = info.ModTime()
		}
	}
	list := slices.SortedFunc(maps.Keys(ages), func(a, b string) int { return ages[b].Compare(ages[a]) })
	for _, path := range list[min(most, len(list)):] {
		_ = os.Remove(path)
	}
}

func errorsFirst(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// shorten looks for the shortest transcript that fails: it leaves out whole
// connections, then ever smaller runs of steps, then makes numbers smaller, as
// long as each result still fails.
//
// rapid's own shrinker works on what was drawn and repeats far more often; here
// each failing repetition may cost an await, and every part of a transcript is
// a transcript.
//
// It returns the forms on its way, the shortest last.
func (search Search) shorten(s *session.Session, t transcript.Transcript, played int) []transcript.Transcript {
	whole := s.Budget.Await
	s.Budget.Await = min(whole, search.Await)
	defer func() { s.Budget.Await = whole }()
	watch := s.Clock()
	return Shorten(t, played, func(candidate transcript.Transcript) bool {
		for range 2 { // what fails by luck alone would not stand the replays
			if !served(s) {
				return false
			}
			if _, failure := play(s, candidate); failure == nil {
				return false
			}
		}
		return true
	}, func() bool { return watch.Wall() < search.Shrink && s.Context().Err() == nil })
}

// Shorten looks for the shortest transcript for which fails holds, as long as there
// is more time. Of t no more than the first steps that were played are needed. It
// returns the forms on its way, the shortest last.
func Shorten(t transcript.Transcript, played int, fails func(transcript.Transcript) bool, more func() bool) []transcript.Transcript {
	h := &shrinker{best: t, fails: fails, more: more}
	h.try(t.Steps[:played])
	h.try(paced(h.best.Steps))
	h.run()
	return h.found
}

// paced has a pause behind every step that ends something, for the server to
// take it in: what failed by a race then fails more often by itself. Pauses that
// do not matter are left out like other steps.
func paced(steps []transcript.Step) []transcript.Step {
	var with []transcript.Step
	for _, step := range steps {
		with = append(with, step)
		switch step.Op {
		case transcript.Fin, transcript.End, transcript.Reset, transcript.Close:
			with = append(with, transcript.Step{Op: transcript.Wait, Size: 3})
		}
	}
	if len(with) > transcript.MaxSteps {
		return steps
	}
	return with
}

// shrinker holds the shortest transcript that fails so far.
type shrinker struct {
	best  transcript.Transcript
	found []transcript.Transcript // every best there was, but the original
	fails func(transcript.Transcript) bool
	more  func() bool // whether there is time
}

// try keeps the steps if they still fail.
func (h *shrinker) try(steps []transcript.Step) bool {
	candidate := h.best
	candidate.Steps = steps
	if !h.more() || len(steps) == 0 || slices.Equal(steps, h.best.Steps) || !h.fails(candidate) {
		return false
	}
	h.best = candidate
	h.found = append(h.found, candidate)
	return true
}

func (h *shrinker) run() {
	for {
		before := slices.Clone(h.best.Steps)
		h.withoutConns()
		h.withoutRuns()
		h.smaller()
		if slices.Equal(before, h.best.Steps) || !h.more() {
			return
		}
	}
}

// withoutConns leaves out halves, quarters, … of the connections.
func (h *shrinker) withoutConns() {
	for part := 2; ; part *= 2 {
		var conns []int
		for _, s := range h.best.Steps {
			if !slices.Contains(conns, s.Conn) {
				conns = append(conns, s.Conn)
			}
		}
		size := max(1, len(conns)/part)
		for out := range slices.Chunk(conns, size) {
			h.try(slices.DeleteFunc(slices.Clone(h.best.Steps), func(s transcript.Step) bool { return slices.Contains(out, s.Conn) }))
		}
		if size == 1 {
			return
		}
	}
}

func (h *shrinker) withoutRuns() {
	for size := len(h.best.Steps) / 2; size > 0; size /= 2 {
		for at := len(h.best.Steps) - size; at >= 0; at -= size {
			h.try(slices.Delete(slices.Clone(h.best.Steps), at, min(at+size, len(h.best.Steps))))
			at = min(at, len(h.best.Steps))
		}
	}
}

// smaller makes sizes and counts smaller, a few tries each.
func (h *shrinker) smaller() {
	for i := range h.best.Steps {
		if h.best.Steps[i].Op.OfNone() {
			continue // a shorter one may be a race
		}
		shrink := func(number func(*transcript.Step) *int) {
			for _, least := range []int{1, 10, 100, 1000} {
				if now := *number(&h.best.Steps[i]); now <= least {
					return
				}
				steps := slices.Clone(h.best.Steps)
				*number(&steps[i]) = least
				if h.try(steps) {
					return
				}
			}
		}
		shrink(func(s *transcript.Step) *int { return &s.Size })
		shrink(func(s *transcript.Step) *int { return &s.Count })
	}
}
