package fuzzing

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// Bounds of what is held in memory, however long it runs.
const (
	mostEntries = 2000
	mostSigns   = 1 << 18
)

// crossing is how many steps a transcript should have for its connections to cross.
const crossing = 24

// corpus is the transcripts that showed something new, and all that was ever seen.
type corpus struct {
	entries []*entry
	seen    map[uint32]struct{}
	waiting []stored // were kept by an earlier run, and are played first
}

// stored is a transcript that an earlier run kept.
type stored struct {
	transcript.Transcript
	file string // "" if fuzz did not write it: somebody's own is left as it is
}

// entry is a kept transcript.
type entry struct {
	steps  []transcript.Step
	file   string // "" if it stands in none, or in one of somebody's own
	took   time.Duration
	tried  int // transcripts made of it
	yields int // of those, how many showed something new
}

func (c *corpus) signs() int { return len(c.seen) }

// fresh returns the signs that nobody saw before, and remembers them.
func (c *corpus) fresh(signs []uint32) (news []uint32) {
	if c.seen == nil {
		c.seen = map[uint32]struct{}{}
	}
	for _, sign := range signs {
		if _, known := c.seen[sign]; !known && len(c.seen) < mostSigns {
			c.seen[sign] = struct{}{}
			news = append(news, sign)
		}
	}
	return news
}

// keep adds a transcript; of too many, the one goes that was tried most for what it yields.
func (c *corpus) keep(kept *entry) (gone *entry) {
	if len(c.entries) == mostEntries {
		worst := slices.MinFunc(c.entries, func(a, b *entry) int {
			switch {
			case a.worth() < b.worth():
				return -1
			case a.worth() > b.worth():
				return 1
			}
			return 0
		})
		c.entries = slices.DeleteFunc(c.entries, func(e *entry) bool { return e == worst })
		gone = worst
	}
	c.entries = append(c.entries, kept)
	return gone
}

// worth is how likely an entry is to be drawn: more where it led to something new
// before, less the more often it led to nothing, and least where it is long, or takes long.
func (e *entry) worth() float64 {
	return (1 + 6*float64(e.yields)) / (1 + float64(e.tried)/20) / (1 + float64(len(e.steps))/40) / (1 + e.took.Seconds()*100)
}

// pick draws an entry by its worth; nil where there are none.
func (c *corpus) pick(r *rand.Rand) *entry {
	total := 0.0
	for _, e := range c.entries {
		total += e.worth()
	}
	at := r.Float64() * total
	for _, e := range c.entries {
		if at -= e.worth(); at <= 0 {
			return e
		}
	}
	return nil
}

// next makes the next transcript: a kept one of an earlier run, one made of an entry, or
// a new one.
func (w *worker) next() (t transcript.Transcript, from *entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loaded = ""
	if n := len(w.corpus.waiting); n > 0 {
		first := w.corpus.waiting[n-1]
		w.corpus.waiting = w.corpus.waiting[:n-1]
		t, w.loaded = first.Transcript, first.file
		t.Steps = w.shape.Within(t.Steps)
	}
	for len(t.Steps) == 0 {
		t.Seed, from = w.random.Uint64(), nil
		drawn := w.shape.Within(w.shape.Steps().Example(int(w.random.Uint32())))
		if !w.Blind && w.random.IntN(5) > 1 {
			from = w.corpus.pick(w.random)
		}
		if from == nil {
			t.Steps = w.hastened(drawn)
			continue
		}
		// Most faults show where connections cross, and what is kept is short: several
		// are brought together, or with one that is new, before something is changed.
		t.Steps = from.steps
		for len(t.Steps) < crossing && w.random.IntN(6) > 0 {
			beside := drawn
			if w.random.IntN(3) > 0 {
				beside = w.corpus.pick(w.random).steps
			}
			t.Steps = w.shape.Interleave(w.random, t.Steps, beside)
		}
		if w.random.IntN(4) > 0 {
			t.Steps = w.shape.Mutate(w.random, t.Steps, drawn)
		}
		t.Steps = w.hastened(t.Steps)
	}
	if from != nil {
		t.Steps = w.swept(t.Steps)
		from.tried++
	}
	t.Notes = nil
	t.Clause = w.clause(t)
	return t, from
}

// hastened is a transcript without what only takes time, as a rule.
func (w *worker) hastened(steps []transcript.Step) []transcript.Step {
	switch n := w.random.IntN(80); {
	case n < 60:
		return w.shape.Hasten(steps, true)
	case n < 79:
		return w.shape.Hasten(steps, false)
	}
	return steps
}

// swept has some of the requests be of lengths that were not sent yet, each once before any
// is again: a fault may show at one length of thousands.
func (w *worker) swept(steps []transcript.Step) []transcript.Step {
	steps = slices.Clone(steps)
	for i := range steps {
		s := &steps[i]
		if s.Op != transcript.Send && s.Op != transcript.Ask || w.random.IntN(3) > 0 {
			continue
		}
		if len(w.lengths) == 0 {
			w.lengths = w.random.Perm(min(w.shape.Most, longestSwept))
		}
		s.Size, w.lengths = 1+w.lengths[0], w.lengths[1:]
		s.Count = min(s.Count, 1)
	}
	return w.shape.Within(steps)
}

// longestSwept is the length up to which each is sent, in bytes.
const longestSwept = 4096

// directory is where a corpus is kept: the transcripts themselves, failures below
// "failures", and below "apart" those that are a matter of chance.
type directory struct {
	path string
	made bool // by this run
}

const (
	failuresIn = "failures"
	// Apart is where those are that fail by chance.
	Apart = "apart"
)

// openDirectory makes the directory, if need be, and sees that it can be written.
func openDirectory(path string) (*directory, error) {
	_, missing := os.Stat(path)
	err := os.MkdirAll(path, 0o777)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(path, ".reactorspec.*"); err == nil {
			_ = probe.Close()
			err = os.Remove(probe.Name())
		}
	}
	if err != nil {
		return nil, &judging.UsageError{Message: fmt.Sprintf("--corpus %s: cannot be written: %v", path, cause(err))}
	}
	return &directory{path: path, made: missing != nil}, nil
}

// undo removes a directory that was made, if nothing came to be in it.
func (d *directory) undo() {
	if d != nil && d.made {
		_ = os.Remove(d.path)
	}
}

// forget removes a transcript that shows nothing new any more.
func (d *directory) forget(file string) {
	if d != nil && file != "" {
		_ = os.Remove(file)
	}
}

func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// load reads what an earlier run kept, in the order of the files.
func (d *directory) load(c *corpus, dialect string, hostile bool) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return &judging.UsageError{Message: fmt.Sprintf("--corpus %s: cannot be read: %v", d.path, cause(err))}
	}
	for _, one := range entries {
		if one.IsDir() || filepath.Ext(one.Name()) != ".txt" {
			continue
		}
		file := filepath.Join(d.path, one.Name())
		t, err := transcript.Load(file)
		switch {
		case err != nil:
			return &judging.UsageError{Message: "--corpus: " + err.Error()}
		case t.Frames() && dialect != "probe":
			return &judging.UsageError{Message: fmt.Sprintf("--corpus: %s has PROBE conversations, which the %s dialect does not know: give each dialect a corpus of its own", file, dialect)}
		case t.Hostile() && !hostile:
			return &judging.UsageError{Message: fmt.Sprintf("--corpus: %s is of --hostile: give each mode a corpus of its own", file)}
		}
		kept := stored{Transcript: t}
		if one.Name() == nameOf(t) {
			kept.file = file
		}
		c.waiting = append(c.waiting, kept)
	}
	slices.Reverse(c.waiting) // they are taken from the end
	return nil
}

// nameOf is the name of a transcript's file, by what is played.
func nameOf(t transcript.Transcript) string {
	played := sha256.Sum256(transcript.Transcript{Clause: t.Clause, Seed: t.Seed, Steps: t.Steps}.Append(nil))
	return fmt.Sprintf("%s-%x.txt", strings.ToLower(t.Clause), played[:6])
}

// write stores a transcript whole or not at all, and returns its file.
func (d *directory) write(below string, t transcript.Transcript) (string, error) {
	text := t.Append(nil)
	if d == nil { // a temporary one
		pattern := "reactorspec-" + strings.ToLower(t.Clause) + "-*.txt"
		f, err := os.CreateTemp("", pattern)
		if err != nil {
			return "", err
		}
		err = filled(f, text)
		play.Prune(os.TempDir(), pattern, mostFindings) // all of this run's stay
		return f.Name(), err
	}
	folder := filepath.Join(d.path, below)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	path := filepath.Join(folder, nameOf(t))
	f, err := os.CreateTemp(folder, ".reactorspec.*")
	if err != nil {
		return "", err
	}
	if err := filled(f, text); err != nil {
		return "", err
	}
	if err := errors.Join(os.Chmod(f.Name(), 0o644), os.Rename(f.Name(), path)); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return path, nil
}

// filled writes all of a new file and closes it; what could not be written whole is removed.
func filled(f *os.File, text []byte) error {
	_, err := f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// minimised is the shortest form of steps that still shows the news, and how long it took;
// took is how long t did.
func (w *worker) minimised(t transcript.Transcript, took time.Duration, news []uint32, again func(transcript.Transcript) (attempt, bool)) ([]transcript.Step, time.Duration) {
	tries := 24
	forms := play.Shorten(t, len(t.Steps), func(candidate transcript.Transcript) bool {
		tries--
		tried, kept := again(candidate)
		kept = kept && !slices.ContainsFunc(news, func(sign uint32) bool { return !slices.Contains(tried.Signs, sign) })
		if kept {
			took = tried.took
		}
		return kept
	}, func() bool { return tries > 0 })
	best := t.Steps
	for _, form := range forms {
		if len(form.Steps) <= len(best) {
			best = form.Steps
		}
	}
	return best, took
}
