package fuzzing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

const (
	// restAfter and restEvery are after how many transcripts, and how long, the server is
	// left alone to see whether it comes to rest.
	restAfter = 400
	// minimising: one playing of so many, at most, makes shorter what is kept.
	minimising = 5
	firstRest  = 100 // it is what later ones are held against
	restEvery  = 15 * time.Second
	// inARow is how many transcripts may fail, or judge nothing, one after the other.
	inARow       = 10
	barrenInARow = 50
	// lookEvery is after how many transcripts the kernel is asked for the states of
	// sockets and the number of threads.
	lookEvery = 16
)

// shapeOf is a check that finds out what can be drawn.
func shapeOf(shape *play.Shape) session.Check {
	return session.Check{Clause: "CONN-22", Run: func(s *session.Session) {
		found := play.ShapeFor(s)
		if s.Dialect.Name() == "probe" {
			found.Frames, found.Verbs = true, transcript.Verbs()
		}
		if s.Declared() {
			found.Conns = max(1, min(found.Conns, s.Room(found.Conns+1)-1)) // one is for a fresh connection
		}
		*shape = found
	}}
}

// attempt is one playing of a transcript.
type attempt struct {
	judging.Trial
	play.Playing
	breach *breach // nil: nothing is wrong
	came   int     // clients that the instance had had before
	took   time.Duration
	lately []transcript.Transcript // what was played before, the last of it
	skip   string                  // why nothing was judged
}

// play plays a transcript on the instance, which is renewed where something is wrong.
// The error is why no instance can be had.
func (w *worker) play(ctx context.Context, t transcript.Transcript) (a attempt, err error) {
	var played atomic.Pointer[play.Playing]
	if w.field.Instance() == nil {
		w.came = 0
	}
	a.came = w.came
	w.came += t.Clients() + 1
	clause, _ := spec.Lookup(t.Clause)
	began := time.Now()
	a.Trial, err = w.field.Try(ctx, session.Check{Clause: t.Clause, Run: func(s *session.Session) {
		if why := play.Speaks(s, t); why != "" {
			s.Untested(why)
		}
		tried := play.Try(s, t)
		played.Store(&tried)
		if tried.Failure != nil {
			s.Fail(tried.Failure)
		}
	}}, clause)
	if err != nil {
		return a, err
	}
	a.took = time.Since(began)
	if tried := played.Load(); tried != nil {
		a.Playing = *tried
	} else {
		a.Steps = len(t.Steps)
	}
	w.plays++
	w.mu.Lock()
	w.played++
	w.mu.Unlock()
	if a.Cancelled {
		return a, nil
	}
	said, alarmed := w.listen(a.Died != "", contained(t) || w.panicking)
	w.panicking = contained(t)
	a.Signs = append(a.Signs, said...)
	late := a.Trial.Failure != nil && a.Trial.Failure.Kind == session.Late && !a.Steady()
	switch {
	case a.Died != "":
		a.breach = &breach{kind: "death", clause: t.Clause, reason: strings.TrimSuffix("the transcript ended the server: "+a.Died+": "+alarmed, ": ")}
	case alarmed != "":
		a.breach = &breach{kind: "output", clause: t.Clause, reason: "the server printed: " + alarmed}
	case late:
		a.skip = "it was late while the machine stalled"
	case a.Trial.Failure != nil:
		a.breach = &breach{kind: "wire", clause: t.Clause, reason: a.Trial.Failure.Reason}
	case a.HarnessError != "":
		a.skip, _, _ = strings.Cut(a.HarnessError, "\n")
	default:
		a.skip = a.Untested + a.Inconclusive
	}
	if a.breach != nil {
		a.lately = slices.Clone(w.lately)
	} else {
		w.lately = append(w.lately[max(0, len(w.lately)-deadlyLate+1):], t)
	}
	if a.breach != nil || late {
		w.renew()
	}
	return a, nil
}

// renew has the next transcript played on a new instance, where the server is ours to start.
func (w *worker) renew() {
	w.field.Renew()
	if w.field.Instance() == nil {
		w.heard, w.quiet, w.recent, w.panicking = 0, watch{}, nil, false
	}
}

// served reports whether a server that cannot be started anew still serves: if not, each
// transcript fails, and none shows why.
func (w *worker) served(ctx context.Context) bool {
	if w.field.Instance() == nil {
		return true // the next one does
	}
	clause, _ := spec.Lookup("CONN-12")
	tried, err := w.field.Try(ctx, session.Check{Clause: clause.ID, Run: func(s *session.Session) { s.ServesFresh() }}, clause)
	return err == nil && tried.Failure == nil && !tried.Cancelled
}

// wedged ends it: nothing more can be learnt of such a server.
func (w *worker) wedged() {
	w.end(errors.New("ended early: the server serves nobody any more, and is not ours to start: start it again, and mend what was found"))
}

// listen reads what the server printed since: signs of new lines, and the first that
// tells of a fault inside it. What a dead one printed may still be on its way. panicked:
// it was asked for a panic, which it tells.
func (w *worker) listen(dead, panicked bool) (signs []uint32, alarmed string) {
	in := w.field.Instance()
	if in == nil {
		return nil, ""
	}
	wait := time.NewTicker(5 * time.Millisecond)
	defer wait.Stop()
	var text []byte
	for n := 0; ; n++ {
		printed, total := in.Printed(w.heard)
		w.heard, text = total, append(text, printed...)
		if alarmed = alarm(text, panicked); alarmed != "" || !dead || n == 20 {
			break
		}
		<-wait.C
	}
	if !dead && alarmed == "" { // the end of a line that was begun is read with its beginning
		whole := bytes.LastIndexByte(text, '\n') + 1
		if rest := len(text) - whole; rest < mostHeldBack {
			w.heard, text = w.heard-int64(rest), text[:whole]
		}
	}
	for line := range bytes.Lines(text) {
		signs = append(signs, play.Sign("printed", wording(string(line[:min(len(line), 80)]))))
	}
	return signs, alarmed
}

// mostHeldBack bounds the beginning of a line that is read again, in bytes.
const mostHeldBack = 4 << 10

// look asks the kernel for the states of the server's sockets and the number of its threads.
func (w *worker) look(tree *observe.Tree) (signs []uint32) {
	sockets, err := tree.Sockets()
	if err != nil {
		return nil
	}
	states := map[string]int{}
	for _, s := range sockets {
		states[s.State]++
	}
	for state, n := range states {
		signs = append(signs, play.Sign("sockets", state, fmt.Sprint(magnitude(n))))
	}
	if list, err := tree.Threads(); err == nil {
		signs = append(signs, play.Sign("threads", fmt.Sprint(magnitude(len(list)))))
	}
	return signs
}

func magnitude(n int) (m int) {
	for ; n > 0; n /= 2 {
		m++
	}
	return m
}

// run draws and plays until the time is over, or drawing ends; ctx ends all of it.
func (w *worker) run(ctx, drawing context.Context) {
	rested, told, next := time.Now(), time.Now(), firstRest
	for n := 1; drawing.Err() == nil && time.Since(w.began) < w.Time; n++ {
		t, from := w.next()
		a, err := w.play(drawing, t)
		if err != nil {
			w.unstartable(drawing, err)
			return
		}
		if a.Cancelled {
			return
		}
		w.judge(ctx, t, a, from, n)
		w.lookAside(ctx)
		if w.plays >= next || time.Since(rested) > restEvery {
			w.rest(ctx)
			rested, next = time.Now(), w.plays+restAfter
		}
		if time.Since(told) > time.Second {
			w.mu.Lock()
			w.tell(nil)
			w.mu.Unlock()
			told = time.Now()
		}
	}
	if drawing.Err() != nil {
		return
	}
	w.rest(ctx)
	// What has grown once may be a pool: what was played last is played again, to see.
	if len(w.quiet.grown) > 0 {
		for began, again := time.Now(), w.recent; time.Since(began) < restEvery && len(again) > 0; again = again[1:] {
			a, err := w.play(drawing, again[0])
			if err != nil || a.Cancelled {
				return
			}
			if a.breach != nil {
				w.lookInto(ctx, again[0], a)
				w.lookAside(ctx)
				return
			}
		}
		w.rest(ctx)
	}
}

// judge does what the playing of a transcript asks for.
func (w *worker) judge(ctx context.Context, t transcript.Transcript, a attempt, from *entry, n int) {
	switch {
	case a.breach != nil:
		w.barren = 0
		if w.failed++; w.failed >= inARow {
			w.end(fmt.Errorf("ended early: %d transcripts in a row failed; mend what was found, and fuzz again", w.failed))
		}
		w.lookInto(ctx, t, a)
		return
	case a.skip != "":
		w.mu.Lock()
		w.skipped[wording(a.skip)]++
		w.mu.Unlock()
		if a.Hung { // who is busy with nothing is slow too
			w.recent = append(w.recent, t)
			w.rest(ctx)
			w.renew()
		}
		if w.barren++; w.barren >= barrenInARow {
			w.end(&hindrance{report.Harness, fmt.Sprintf("%d transcripts in a row judged nothing: %s", w.barren, a.skip), ""})
		}
		return
	}
	w.failed, w.barren = 0, 0
	w.recent = append(w.recent, t)
	if len(w.recent) > 2*restAfter {
		w.recent = w.recent[restAfter:]
	}
	if in := w.field.Instance(); n%lookEvery == 0 && in != nil && in.Tree() != nil {
		a.Signs = append(a.Signs, w.look(in.Tree())...)
	}
	w.learn(ctx, t, a, from)
}

// learn keeps a transcript that showed something new, in a short form.
func (w *worker) learn(ctx context.Context, t transcript.Transcript, a attempt, from *entry) {
	w.mu.Lock()
	news := w.corpus.fresh(a.Signs)
	if len(news) > 0 && from != nil {
		from.yields++
	}
	w.mu.Unlock()
	if w.Blind {
		return
	}
	if len(news) == 0 {
		w.dir.forget(w.loaded) // what it showed once, others before it show as well
		return
	}
	if len(t.Steps) > 6 && minimising*w.shortened < w.plays {
		before := w.plays
		defer func() { w.shortened += w.plays - before }()
		t.Steps, a.took = w.minimised(t, a.took, news, func(candidate transcript.Transcript) (attempt, bool) {
			again, err := w.play(ctx, candidate)
			w.setAside(candidate, again)
			return again, err == nil && again.breach == nil && again.skip == "" && !again.Cancelled
		})
	}
	kept := &entry{steps: t.Steps, took: a.took}
	if w.dir != nil {
		var err error
		if kept.file, err = w.dir.write("", t); err != nil {
			w.end(&hindrance{report.Harness, fmt.Sprintf("--corpus %s: cannot be written any more: %v", w.dir.path, cause(err)), ""})
		} else if w.loaded != kept.file {
			w.dir.forget(w.loaded) // it is kept in a shorter form
		}
	}
	w.mu.Lock()
	gone := w.corpus.keep(kept)
	w.mu.Unlock()
	if gone != nil {
		w.dir.forget(gone.file)
	}
}

// unstartable ends it where the server cannot be started again.
func (w *worker) unstartable(ctx context.Context, err error) {
	if ctx.Err() == nil {
		w.end(&hindrance{report.Start, "the target could not be started again: " + err.Error(), ""})
	}
}

// rate counts transcripts a second over the last seconds.
type rate struct {
	at     time.Time
	played int
	last   float64
}

func (r *rate) now(played int) float64 {
	if took := time.Since(r.at); took > time.Second {
		if !r.at.IsZero() {
			r.last = float64(played-r.played) / took.Seconds()
		}
		r.at, r.played = time.Now(), played
	}
	return r.last
}
