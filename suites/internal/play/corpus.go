package play

import (
	"fmt"
	"io/fs"

	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
	"github.com/reactorspec/reactorspec/testdata/transcripts"
)

// Corpus returns the kept transcripts of a clause by their file names, in the
// order of these. A broken file is a bug of ours, and panics.
func Corpus(clause string) (names []string, kept []transcript.Transcript) {
	files, err := fs.Glob(transcripts.FS, "*.txt")
	if err != nil {
		panic(err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(transcripts.FS, name)
		if err != nil {
			panic(err)
		}
		t, err := transcript.Parse("testdata/transcripts/"+name, text)
		if err != nil {
			panic(err)
		}
		if t.Clause == clause {
			names, kept = append(names, name), append(kept, t)
		}
	}
	return names, kept
}

// Judge is the check of a clause about whatever clients do: the transcripts that
// are kept, then ones that are drawn.
func Judge(s *session.Session, shape Shape) {
	search := DefaultSearch
	if s.Soak() {
		search.Time = soakTime
	}
	search.Kept(s)
	search.Run(s, shape)
}

// Kept plays the kept transcripts of the session's clause that its target can speak.
func (search Search) Kept(s *session.Session) {
	names, kept := Corpus(s.Spec.ID)
	played := 0
	for i, t := range kept {
		if Speaks(s, t) != "" {
			continue
		}
		t.Notes = append(t.Notes, fmt.Sprintf("from testdata/transcripts/%s", names[i]))
		search.Play(s, t)
		played++
	}
	s.Note("%d of %d kept transcripts played", played, len(kept))
}
