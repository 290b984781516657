package fuzzing

import (
	"context"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// What fails in no replay by itself may need what came before it: what the transcripts before
// left in the server, or the thousands of clients that it had had.

const (
	// aged is how many clients an instance has had, at least, for that to be a reason.
	aged = 500
	// looksBefore bounds the looking for it.
	looksBefore = time.Minute
	// firstLooks is how often a form is tried before it is given up.
	firstLooks = 2
)

// before looks for a form that fails in its replays: the transcript behind the last ones that
// were played before it, or behind a crowd of as many clients as the instance had had.
// Without one the transcript stays apart.
func (w *worker) before(ctx context.Context, t transcript.Transcript, a attempt, g *Finding) (transcript.Transcript, attempt) {
	ctx, stop := context.WithTimeout(ctx, looksBefore)
	defer stop()
	l := &looking{w: w, a: a, g: g}
	alone, played := *g, t
	played.Steps = t.Steps[:min(max(a.Steps, 1), len(t.Steps))]
	if form, ok := l.behindOthers(ctx, played); ok {
		return form, l.last
	}
	if form, ok := l.behindCrowd(ctx, played); ok {
		return form, l.last
	}
	g.Failed, g.Of = alone.Failed, alone.Of // of the transcript, which stays as it was found
	return t, attempt{}
}

// looking is one looking for what has to come before a transcript.
type looking struct {
	w    *worker
	a    attempt // that failed
	g    *Finding
	last attempt // the last replay that failed
}

// fails reports whether a form fails in one of some plays, each on a new instance.
func (l *looking) fails(ctx context.Context, form transcript.Transcript, plays int) bool {
	for n := 0; n < plays && ctx.Err() == nil; n++ {
		l.w.renew()
		if again, ok := l.w.once(ctx, form, l.a.breach.kind); ok && again.breach != nil {
			l.last = again
			return true
		}
	}
	return false
}

// stands fills in in how many replays a form fails, and reports whether that is enough.
func (l *looking) stands(ctx context.Context, form transcript.Transcript) bool {
	l.g.replay(ctx, func() bool { return l.fails(ctx, form, 1) })
	if l.g.Failed >= enough {
		l.g.Apart = false
	}
	return !l.g.Apart
}

// behindOthers tries it behind the last transcript, the last two, and so on.
func (l *looking) behindOthers(ctx context.Context, t transcript.Transcript) (transcript.Transcript, bool) {
	for n := 1; n <= len(l.a.lately); n++ {
		form, fits := joined(append(slices.Clone(l.a.lately[len(l.a.lately)-n:]), t))
		if !fits || !l.fails(ctx, form, firstLooks) {
			continue
		}
		forms := play.Shorten(form, len(form.Steps), func(candidate transcript.Transcript) bool { return l.fails(ctx, candidate, 1) },
			func() bool { return ctx.Err() == nil })
		for _, short := range []transcript.Transcript{lastOf(forms, form), form} {
			if l.stands(ctx, short) {
				return short, true
			}
		}
	}
	return t, false
}

func lastOf(forms []transcript.Transcript, otherwise transcript.Transcript) transcript.Transcript {
	if len(forms) == 0 {
		return otherwise
	}
	return forms[len(forms)-1]
}

// joined is one transcript of several, one after the other, each with connections of its own,
// which are ended as the player ends them.
func joined(parts []transcript.Transcript) (all transcript.Transcript, fits bool) {
	last := parts[len(parts)-1]
	all = transcript.Transcript{Clause: last.Clause, Seed: last.Seed}
	first := 0 // of the part's connections, less one
	for i, part := range parts {
		open, most := map[int]bool{}, 0
		for _, s := range part.Steps {
			if s.Conn > 0 {
				s.Conn += first
				most = max(most, s.Conn)
			}
			switch s.Op {
			case transcript.Open, transcript.Dial:
				open[s.Conn] = true
			case transcript.End, transcript.Close, transcript.Reset:
				delete(open, s.Conn)
			}
			all.Steps = append(all.Steps, s)
		}
		for n := first + 1; n <= most && i < len(parts)-1; n++ {
			if open[n] {
				all.Steps = append(all.Steps, transcript.Step{Conn: n, Op: transcript.Push}, transcript.Step{Conn: n, Op: transcript.End})
			}
		}
		if i < len(parts)-1 { // the one that the player brings in behind each
			all.Steps = append(all.Steps, transcript.Step{Op: transcript.Crowd, Size: 1})
		}
		first = max(first, most)
	}
	_, err := transcript.Parse("joined", all.Append(nil)) // whoever replays it has to read it
	return all, err == nil
}

// behindCrowd tries a crowd alone, and it with the transcript behind it, and then how many
// clients it takes, about.
func (l *looking) behindCrowd(ctx context.Context, t transcript.Transcript) (transcript.Transcript, bool) {
	most := min(l.a.came+l.a.came/8, transcript.MaxCrowd)
	for _, behind := range [][]transcript.Step{nil, t.Steps} {
		form := func(clients int) transcript.Transcript {
			crowd := transcript.Step{Op: transcript.Crowd, Size: clients}
			return transcript.Transcript{Clause: t.Clause, Seed: t.Seed, Steps: append([]transcript.Step{crowd}, behind...)}
		}
		if most < aged || !l.fails(ctx, form(most), firstLooks) {
			continue
		}
		plenty, tooFew := most, 0
		for plenty-tooFew > plenty/10 && ctx.Err() == nil {
			if half := (plenty + tooFew) / 2; l.fails(ctx, form(half), 1) {
				plenty = half
			} else {
				tooFew = half
			}
		}
		for _, clients := range []int{plenty, most} { // what fails by luck alone does not stand the replays
			if l.stands(ctx, form(clients)) {
				return form(clients), true
			}
		}
	}
	return t, false
}
