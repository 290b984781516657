package fuzzing

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// breach is what is wrong with one playing.
type breach struct {
	kind   string // wire, death, output, or the name of what does not come back
	clause string
	reason string
}

const (
	mostFindings = 20                     // that are looked into; more are counted only
	replays      = 10                     // of what was found, and
	enough       = 3                      // of them have to fail for it to be no matter of chance
	shrinkAwait  = 120 * time.Millisecond // silence is believed so soon while something is made shorter
	tries        = 3                      // forms that are replayed, the shortest first
)

var (
	where  = regexp.MustCompile(` \(at .*\)$`)
	quoted = regexp.MustCompile(`"[^"]*"…?`)
	digits = regexp.MustCompile(`(0x[0-9a-f]+|[0-9]+)([.,][0-9]+)*`)
	units  = regexp.MustCompile(`#(ns|µs|ms|s|m)\b`)
)

// wording is a text without what changes from one time to the next.
func wording(text string) string {
	text = quoted.ReplaceAllString(where.ReplaceAllString(text, ""), "#")
	return units.ReplaceAllString(digits.ReplaceAllString(text, "#"), "#")
}

// looks is what a breach looks like when it is found: equal ones are one failure.
func (b *breach) looks() string { return b.kind + " " + b.clause + " " + wording(b.reason) }

// essence is what a breach is, once its transcript is short: what was due is left out, and
// so is whether the connection ended by FIN or RST, and what stays are the operations.
func (b *breach) essence(t transcript.Transcript) string {
	reason, _, _ := strings.Cut(wording(b.reason), " instead of ")
	reason = strings.NewReplacer("reset the connection", "closed the connection").Replace(reason)
	var ops []string
	for _, s := range t.Steps {
		if op := string(s.Op) + s.Verb; s.Op != transcript.Wait && !slices.Contains(ops, op) {
			ops = append(ops, op)
		}
	}
	slices.Sort(ops)
	return strings.Join(append(ops, b.kind, b.clause, reason), " ")
}

// claim takes note of a breach and reports whether nobody has looked into one like it.
func (f *fuzzer) claim(b *breach) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, seen := f.known[b.looks()]
	if known != nil {
		known.Times++
	}
	if seen {
		return false
	}
	if len(f.known) >= 10*mostFindings || len(f.found) >= mostFindings {
		f.beyond++
		return false
	}
	f.known[b.looks()] = nil
	return true
}

// failing is a transcript that failed, and how.
type failing struct {
	transcript.Transcript
	attempt
}

// mostAside bounds how many wait to be looked into.
const mostAside = 2 * mostFindings

// setAside keeps what failed while something else was looked for.
func (w *worker) setAside(t transcript.Transcript, a attempt) {
	if a.breach != nil && len(w.aside) < mostAside {
		w.aside = append(w.aside, failing{t, a})
	}
}

// lookAside looks into what was set aside, and into what fails meanwhile.
func (w *worker) lookAside(ctx context.Context) {
	for len(w.aside) > 0 && ctx.Err() == nil {
		first := w.aside[0]
		w.aside = w.aside[1:]
		w.lookInto(ctx, first.Transcript, first.attempt)
	}
}

// lookInto looks into one failing transcript, unless one like it is known: it makes it
// shorter, replays it, and writes it down.
func (w *worker) lookInto(ctx context.Context, t transcript.Transcript, a attempt) {
	if !w.claim(a.breach) {
		return
	}
	if !w.served(ctx) {
		w.wedged()
	}
	g := &Finding{Clause: a.breach.clause, Reason: a.breach.reason, Times: 1, Steps: len(t.Steps), kind: a.breach.kind, claimed: a.breach.looks()}
	clause, _ := spec.Lookup(g.Clause)
	g.evidence = a.Evidence(clause)
	if a.breach.kind == "death" && ctx.Err() == nil {
		if earlier := w.culprit(ctx, t, a.lately, g); earlier != nil {
			t, a.Steps = *earlier, len(earlier.Steps)
		}
	}
	short, last := w.shortest(ctx, t, a, g)
	if g.Apart && g.Failed == 0 {
		short, last = w.before(ctx, t, a, g)
	}
	if last.breach != nil {
		g.Reason, g.evidence = last.breach.reason, last.Evidence(clause)
		a.breach = last.breach
	}
	w.report(short, a.breach, g)
}

// deadlyLate is how many transcripts a server may live through while it is dying: a process
// that prints the stacks of its threads serves others meanwhile.
const deadlyLate = 4

// culprit is one of the transcripts that were played before t, and ends the server again and
// again; nil where t, in which the death was seen, does so itself, or none does.
func (w *worker) culprit(ctx context.Context, t transcript.Transcript, earlier []transcript.Transcript, g *Finding) *transcript.Transcript {
	if w.replays(ctx, t, "death", g); g.Failed >= enough {
		return nil
	}
	for _, suspect := range slices.Backward(earlier) {
		if w.replays(ctx, suspect, "death", g); g.Failed >= enough {
			return &suspect
		}
	}
	return nil
}

// report adds a finding, unless its short form shows that it is one that is known.
func (w *worker) report(t transcript.Transcript, b *breach, g *Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := []string{b.essence(t), b.looks(), g.claimed}
	for _, key := range keys {
		if known := w.known[key]; known != nil {
			known.Times += g.Times
			for _, key := range keys {
				w.known[key] = known
			}
			return
		}
	}
	for _, key := range keys {
		w.known[key] = g
	}
	if g.evidence == nil {
		g.evidence = &report.Evidence{}
	}
	g.Steps = len(t.Steps)
	t.Notes = []string{fmt.Sprintf("%s%s: %s", play.FoundOn, w.target.File.Name, g.Reason)}
	below := failuresIn
	if g.Apart {
		below = Apart
		t.Notes = append(t.Notes, fmt.Sprintf("kept apart: it %s", g.replayed()))
	}
	file, err := w.dir.write(below, t)
	if err != nil {
		var steps []string
		for _, step := range t.Steps {
			steps = append(steps, step.String())
		}
		w.notes = append(w.notes, fmt.Sprintf("a transcript could not be written (%v), here it is, of clause %s with seed %#x: %s", cause(err), t.Clause, t.Seed, strings.Join(steps, "; ")))
		w.stopped = &hindrance{report.Harness, fmt.Sprintf("the transcript of a failure cannot be written: %v", err), ""}
		w.stop()
	} else {
		g.File, g.Again = file, w.again(file)
	}
	w.found = append(w.found, g)
	w.tell(g)
}

// again words the command that plays a file on the target.
func (f *fuzzer) again(file string) string {
	if f.Judging.Replay != nil {
		return f.Judging.Replay(file)
	}
	return judging.Replay("reactorspec", f.target, file)
}

// shortest looks for the shortest form that fails in its replays, and how it failed
// last; it fills in how often. Where none fails often enough it is a matter of chance, and
// the transcript stays as it was found.
func (w *worker) shortest(ctx context.Context, t transcript.Transcript, a attempt, g *Finding) (transcript.Transcript, attempt) {
	until := time.Now().Add(w.Shrink)
	await := shrinkAwait
	if a.breach.kind != "wire" {
		await = 0
	}
	w.field.Await = await
	forms := play.Shorten(t, min(max(a.Steps, 1), len(t.Steps)), func(candidate transcript.Transcript) bool {
		for range 2 { // what fails by luck alone would not stand the replays
			if again, ok := w.once(ctx, candidate, a.breach.kind); !ok || again.breach == nil {
				return false
			}
		}
		return true
	}, func() bool { return time.Now().Before(until) && ctx.Err() == nil && w.served(ctx) })
	w.field.Await = 0
	if !w.served(ctx) { // whatever is played on it now fails
		w.wedged()
		return t, attempt{}
	}
	var last attempt
	form := standing(t, forms, g, func(form transcript.Transcript) {
		last = w.replays(ctx, form, a.breach.kind, g)
	})
	if g.Apart {
		last = attempt{}
	}
	return form, last
}

// standing is the shortest form that fails often enough in its replays, which fill in how
// often it does: t, or one of the forms that it was shortened to, the shortest last. Where
// there is none it is a matter of chance: t stays as it was found, and is kept apart, unless
// there was no time to play it again.
func standing(t transcript.Transcript, forms []transcript.Transcript, g *Finding, replay func(transcript.Transcript)) transcript.Transcript {
	for n := 0; n < tries && len(forms) > 0; n++ {
		form := forms[len(forms)-1]
		if replay(form); g.Failed >= enough {
			g.Apart = false
			return form
		}
		forms = forms[:len(forms)*3/4]
	}
	replay(t)
	g.Apart = g.Failed < enough && g.Of > 0
	return t
}

// once plays a form, and reports whether what it shows is of that kind, or nothing.
func (w *worker) once(ctx context.Context, t transcript.Transcript, kind string) (attempt, bool) {
	again, err := w.play(ctx, t)
	if err != nil || again.Cancelled || again.skip != "" {
		return again, false
	}
	if again.breach != nil && again.breach.kind != kind {
		w.setAside(t, again)
		return again, false
	}
	return again, true
}

// replays plays a form until it has failed often enough, or cannot any more, and fills in
// how often.
func (w *worker) replays(ctx context.Context, t transcript.Transcript, kind string, g *Finding) (last attempt) {
	g.replay(ctx, func() bool {
		again, ok := w.once(ctx, t, kind)
		if ok = ok && again.breach != nil; ok {
			last = again
		}
		return ok
	})
	return last
}

// replay counts in how many replays it fails, until that is often enough, or cannot be any more.
func (g *Finding) replay(ctx context.Context, fails func() bool) {
	g.Failed, g.Of = 0, 0
	for g.Failed < enough && g.Failed+replays-g.Of >= enough && ctx.Err() == nil {
		g.Of++
		if fails() {
			g.Failed++
		}
	}
}
