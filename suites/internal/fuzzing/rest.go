package fuzzing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// held is something that a server at rest holds no more of than before.
type held struct {
	name, clause string
	count        func(*observe.Tree) (int, error)
	spare        int // more than before that is no growth: pools, logs, caches
	// repeats is how often one transcript is played to see that it is the one, and
	// least how much it leaves behind then; 0: it cannot be told so.
	repeats, least int
	rounds         int // of so many playings, in each of which it has to grow: a heap grows at first, and then keeps its size
}

const (
	burns = 5 // one part of so many of a core is too much for a server at rest
	// window is how long the processor time of a server at rest is looked at, and
	// workedOff how long it may go on with what it was given.
	window    = 200 * time.Millisecond
	workedOff = 15 * time.Second
	// givenBack is how long it may keep what ended; see RES-1.
	givenBack = 10 * time.Second
	// seen is how soon what is given back is gone while a culprit is looked for.
	seen = time.Second
	// hunt bounds the looking for the transcript that leaves something behind.
	hunt = 30 * time.Second
)

var (
	descriptors = held{name: "sockets", clause: "RES-1", count: (*observe.Tree).SocketFDs, spare: 8, repeats: 20, least: 10, rounds: 1}
	files       = held{name: "descriptors", clause: "RES-1", count: (*observe.Tree).FDs, spare: 40, repeats: 60, least: 30, rounds: 1}
	threads     = held{name: "threads", clause: "RES-8", count: func(t *observe.Tree) (int, error) { list, err := t.Threads(); return len(list), err }, spare: 100, repeats: 150, least: 75, rounds: 1}
	processes   = held{name: "processes", clause: "RES-1", count: func(t *observe.Tree) (int, error) { list, err := t.Processes(); return len(list), err }, spare: 8, repeats: 20, least: 10, rounds: 1}
	memory      = held{name: "MiB of memory", clause: "RES-3", count: mebibytes, spare: 512, repeats: 60, least: 24, rounds: 3}
	spinning    = held{name: "processor time", clause: "LOOP-1", rounds: 1}
	kept        = []held{descriptors, files, threads, processes, memory}
)

func mebibytes(t *observe.Tree) (int, error) {
	n, err := t.Memory()
	return int(n >> 20), err
}

// watch is what an instance held when it was at rest first, and what has grown since.
type watch struct {
	before map[string]int
	grown  map[string]bool
}

// rest leaves the server alone, and sees that it uses no processor time then, and holds
// no more than when it was at rest before. What grows once may be a pool that fills up.
func (w *worker) rest(ctx context.Context) {
	in := w.field.Instance()
	if in == nil || in.Tree() == nil || in.Alive() != nil || ctx.Err() != nil {
		return
	}
	tree := in.Tree()
	if used, burning := burning(ctx, tree, workedOff); burning {
		w.remains(ctx, spinning, fmt.Sprintf("the server does not come to rest: without a client it uses %d %% of a core", used))
		return
	}
	if w.quiet.before == nil {
		w.quiet = watch{before: map[string]int{}, grown: map[string]bool{}}
		for _, h := range kept {
			if n, err := h.count(tree); err == nil {
				w.quiet.before[h.name] = n
			}
		}
		return
	}
	for _, h := range kept {
		before, known := w.quiet.before[h.name]
		spare := h.spare
		if h.name == memory.name {
			spare = max(spare, int(w.field.Info().Memory>>20))
		}
		now, err := h.count(tree)
		if err != nil || !known || now <= before+spare || fallsTo(ctx, tree, h, before+spare, givenBack) {
			continue
		}
		if !w.quiet.grown[h.name] {
			w.quiet.grown[h.name], w.quiet.before[h.name] = true, now
			return // the others are looked at next time: a socket that stays is a descriptor too
		}
		w.remains(ctx, h, fmt.Sprintf("%d more %s than before are there when all clients are gone, for the second time", now-before, h.name))
		return
	}
}

// burning reports whether a server without clients goes on using the processor, and how
// many hundredths of a core: it may have to work off what it was given first. On a busy
// machine one that spins may get next to nothing of a window, so what it uses is held
// against the part of the window in which its threads did not wait for a core.
func burning(ctx context.Context, tree *observe.Tree, limit time.Duration) (percent int, still bool) {
	for began := time.Now(); ; {
		used, free, err := usedOf(ctx, tree)
		if err != nil || used*burns < free {
			return 0, false
		}
		if over := time.Since(began) - limit; over > limit {
			return 0, false // it gets too little of a core to be told
		} else if over > 0 && used*burns > window {
			return int(100 * used / window), true
		}
	}
}

// usedOf is the processor time that the tree uses in a window, and how much of the window its
// most delayed thread did not wait for a core.
func usedOf(ctx context.Context, tree *observe.Tree) (used, free time.Duration, err error) {
	began := time.Now()
	delays, err := tree.Delays()
	if err != nil {
		return 0, 0, err
	}
	before, err := tree.CPU()
	if err != nil {
		return 0, 0, err
	}
	if !pause(ctx, window) {
		return 0, 0, ctx.Err()
	}
	after, err := tree.CPU()
	if err != nil {
		return 0, 0, err
	}
	waited := time.Duration(0)
	later, err := tree.Delays()
	for thread, delay := range later {
		waited = max(waited, delay-delays[thread])
	}
	return after - before, max(time.Since(began)-waited, 0), err
}

// fallsTo waits until no more than so much is held.
func fallsTo(ctx context.Context, tree *observe.Tree, h held, most int, limit time.Duration) bool {
	for began := time.Now(); ; {
		n, err := h.count(tree)
		if err != nil || n <= most {
			return true
		}
		if time.Since(began) > limit || !pause(ctx, 20*time.Millisecond) {
			return false
		}
	}
}

// pause waits for d and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// remains looks for the transcript that leaves something behind among those of late, and
// writes it down.
func (w *worker) remains(ctx context.Context, h held, reason string) {
	suspects := w.recent
	b := &breach{kind: h.name, clause: h.clause, reason: reason}
	defer func() {
		w.renew()
		w.quiet, w.recent = watch{}, nil // also where it goes on: what stayed behind is told
	}()
	if !w.claim(b) || len(suspects) == 0 {
		return
	}
	g := &Finding{Clause: h.clause, Reason: reason, Times: 1, kind: h.name, claimed: b.looks(), evidence: &report.Evidence{Want: "no more than before", Got: reason}}
	until := time.Now().Add(hunt)
	more := func() bool { return ctx.Err() == nil && time.Now().Before(until) }
	again := func(t transcript.Transcript) bool {
		return w.leaves(ctx, h, []transcript.Transcript{t}, h.repeats, h.least)
	}
	t := suspects[len(suspects)-1]
	g.Apart = true
	for g.Apart && len(suspects) > 0 && more() {
		at, one := w.suspect(ctx, h, suspects, more)
		if !one {
			break
		}
		t, suspects = suspects[at], slices.Delete(slices.Clone(suspects), at, at+1)
		if !again(t) { // it left something once, by luck
			continue
		}
		t = standing(t, play.Shorten(t, len(t.Steps), again, more), g, func(form transcript.Transcript) {
			g.replay(ctx, func() bool { return again(form) })
		})
		g.Apart = g.Failed < enough
	}
	if g.Apart {
		g.Reason += "; no transcript was found that does it alone"
	} else if h.repeats > 0 {
		g.Reason = fmt.Sprintf("%s that belong to no client stay behind, each time that a transcript is played", h.name)
		if g.Failed < g.Of {
			g.Reason = fmt.Sprintf("%s that belong to no client stay behind in %d of %d plays of a transcript", h.name, g.Failed, g.Of)
		}
	}
	t.Clause = h.clause
	w.report(t, b, g)
}

// suspect is the place of a transcript that left something behind just now, and whether there
// was time to find a single one. What leaves something behind is drawn often, as a rule: a few
// of the last show it, and all of them take long on a busy machine.
func (w *worker) suspect(ctx context.Context, h held, all []transcript.Transcript, more func() bool) (at int, one bool) {
	from, to := 0, len(all)
	for n := 1; n < len(all)/2 && more(); n *= 4 {
		if w.leaves(ctx, h, all[len(all)-n:], 1, 1) {
			from = len(all) - n
			break
		}
	}
	for to-from > 1 && more() {
		if half := from + (to-from)/2; w.leaves(ctx, h, all[from:half], 1, 1) {
			to = half
		} else {
			from = half
		}
	}
	return from, to-from == 1
}

// leaves plays transcripts so many times on a new instance and reports whether at least so
// much is left behind.
func (w *worker) leaves(ctx context.Context, h held, all []transcript.Transcript, times, least int) bool {
	w.renew()
	for range 2 { // what is opened once is not lost
		if a, err := w.play(ctx, all[0]); err != nil || a.breach != nil || a.Cancelled {
			return false
		}
	}
	in := w.field.Instance()
	if in == nil || in.Tree() == nil {
		return false
	}
	for range h.rounds {
		before := 0
		if h.count != nil {
			var err error
			if before, err = h.count(in.Tree()); err != nil {
				return false
			}
		}
		for range max(times, 1) {
			for _, t := range all {
				if a, err := w.play(ctx, t); err != nil || a.breach != nil || a.Cancelled || w.field.Instance() != in {
					return false
				}
			}
		}
		if h.count == nil {
			_, still := burning(ctx, in.Tree(), 2*time.Second)
			return still
		}
		if fallsTo(ctx, in.Tree(), h, before+least-1, seen) {
			return false
		}
	}
	return true
}

// Judge is the check of a transcript's clause by that transcript alone: what the
// connections are owed, or what is left behind when it is played again and again. listens:
// it waits a moment for what the server may print.
func Judge(s *session.Session, t transcript.Transcript, listens bool) {
	if why := play.Speaks(s, t); why != "" {
		s.Untested("the transcript cannot be played on this target: " + why)
	}
	_, printed := s.Target.Printed(0)
	switch t.Clause {
	case spinning.clause:
		play.Play(s, t)
		if used, still := burning(s.Context(), s.Tree(), 3*time.Second); still {
			s.Failf(session.Wrong, "the server does not come to rest once all clients are gone", "less than a fifth of a core", fmt.Sprintf("%d %%", used), "")
		}
	case descriptors.clause, threads.clause, memory.clause:
		stays(s, t)
	default:
		play.Play(s, t)
	}
	var line string
	told := func() bool {
		text, _ := s.Target.Printed(printed)
		line = alarm(text, contained(t))
		return line != ""
	}
	if alarmed := told(); !alarmed && listens && s.Target.Owned() {
		_, _ = s.Holds(20*s.Budget.Poll, told)
	}
	if line != "" {
		s.Failf(session.Wrong, "the server printed: "+line, "no report of a fault inside it", line, "")
	}
}

// Repeats is how often Judge plays a transcript of that clause: what is left behind shows only
// if it is left behind each time.
func Repeats(clause string) (plays int) {
	for _, h := range kept {
		if h.clause == clause {
			plays += 1 + h.rounds*h.repeats
		}
	}
	return max(plays, 1)
}

// stays fails the check if what is held grows with the playings of the transcript.
func stays(s *session.Session, t transcript.Transcript) {
	tree := s.Tree()
	play.Play(s, t)
	for _, h := range kept {
		if h.clause != t.Clause {
			continue
		}
		before, now, grew := 0, 0, 0
		for ; grew < h.rounds; grew++ {
			var err error
			if before, err = h.count(tree); err != nil {
				s.Untested(fmt.Sprintf("the server's %s cannot be counted: %v", h.name, err))
			}
			for range h.repeats {
				play.Play(s, t)
			}
			if _, fell := s.Holds(givenBack, func() bool { now, err = h.count(tree); return err != nil || now < before+h.least }); fell {
				break
			}
		}
		if grew == h.rounds {
			s.Failf(session.Wrong, fmt.Sprintf("%d more %s are there after the transcript was played %d times%s", now-before, h.name, h.repeats, inTurn(h.rounds)),
				fmt.Sprintf("less than %d more", h.least), fmt.Sprint(now), "a path on which a connection ends does not give back what it held")
		}
	}
}

// inTurn says that it was so in each of several rounds.
func inTurn(rounds int) string {
	if rounds == 1 {
		return ""
	}
	return fmt.Sprintf(", in each of %d rounds", rounds)
}
