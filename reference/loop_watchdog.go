package reference

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Stall is a turn of a loop that takes too long: something in it blocked (S11).
type Stall struct {
	Loop    int           // the loop's index
	For     time.Duration // how long the turn had taken when it was found
	Step    string        // handler, task, timer, hook, or turn when it is none of them
	Handler string        // the calls from the loop inwards, the outermost first
	Stack   string        // all of the loop's stack
}

func (s Stall) String() string {
	return fmt.Sprintf("loop %d has been in a %s for %v: %s", s.Loop, s.Step, s.For.Round(time.Millisecond), s.Handler)
}

// Watchdog looks at loops now and then and reports turns that take too long,
// each once, while they still last. It costs a loop nothing but the note of when
// the turn began; the name of the culprit is read off the loop's stack.
type Watchdog struct {
	limit  time.Duration
	loops  []*Loop
	report func(Stall)
	seen   []int64 // the start of the turn reported last, by loop
	stop   chan struct{}
	once   sync.Once
	ended  sync.WaitGroup
}

// minStall is the shortest limit: a looser grip than the machine's own hiccups.
const minStall = 10 * time.Millisecond

// Watch starts a watchdog that reports turns longer than limit (10 ms or more)
// to report, which is called on the watchdog's goroutine. Stop ends it.
func Watch(limit time.Duration, report func(Stall), loops ...*Loop) (*Watchdog, error) {
	if limit < minStall {
		return nil, &OptionError{"StallAfter", limit, fmt.Sprintf("want %v or more", minStall)}
	}
	w := &Watchdog{limit: limit, loops: loops, report: report, seen: make([]int64, len(loops)), stop: make(chan struct{})}
	w.ended.Go(w.run)
	return w, nil
}

// Stop ends the watchdog and waits for it; it may be called more than once, but
// not from report.
func (w *Watchdog) Stop() {
	w.once.Do(func() { close(w.stop) })
	w.ended.Wait()
}

func (w *Watchdog) run() {
	tick := time.NewTicker(w.limit / 2)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			w.look()
		}
	}
}

func (w *Watchdog) look() {
	for i, l := range w.loops {
		began := l.stats.busySince.Load()
		if began == 0 || began == w.seen[i] {
			continue
		}
		took := l.clock.now() - time.Duration(began)
		if took < w.limit {
			continue
		}
		stack := l.stack()
		if l.stats.busySince.Load() != began {
			continue // over before it could be named; the stack is of another turn
		}
		w.seen[i] = began
		l.stats.stalls.Add(1)
		step, handler := culprit(stack)
		w.report(Stall{Loop: l.index, For: took, Step: step, Handler: handler, Stack: stack})
	}
}

// goroutineHeader is how a trace names the calling goroutine, as in
// "goroutine 7 ".
func goroutineHeader() string {
	var buf [64]byte
	trace := buf[:runtime.Stack(buf[:], false)]
	head, _, _ := bytes.Cut(trace, []byte("["))
	return string(head)
}

// maxTrace bounds the trace of all goroutines in which the loop's is looked for.
const maxTrace = 1 << 20

// stack is the loop's stack, "" if it is not to be found.
func (l *Loop) stack() string {
	name := l.goroutine.Load()
	if name == nil {
		return ""
	}
	buf := make([]byte, maxTrace)
	trace := string(buf[:runtime.Stack(buf, true)])
	for one := range strings.SplitSeq(trace, "\n\n") {
		if strings.HasPrefix(one, *name) {
			return one
		}
	}
	return ""
}

// steps are the functions of the loop that call what others wrote.
var steps = []struct{ frame, step string }{
	{").dispatch(", "handler"},
	{").dispatchResumed(", "handler"},
	{").runUntil(", "task"},
	{").runOneShared(", "task"},
	{").fire(", "timer"},
	{").runHooks(", "hook"},
}

// culprit reads off a trace, innermost call first, what the loop called.
func culprit(stack string) (step, handler string) {
	var calls []string // innermost first
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "goroutine ") || strings.HasPrefix(line, "created by ") {
			continue
		}
		line = strings.TrimSpace(line)
		for _, s := range steps {
			if strings.Contains(line, "reference.(*Loop"+s.frame) {
				return s.step, path(calls)
			}
		}
		calls = append(calls, line)
	}
	return "turn", path(calls)
}

// maxPath is how many calls name a culprit: enough to see the handler behind
// the connection that called it.
const maxPath = 6

// path joins the outermost calls, without their arguments and import paths.
func path(calls []string) string {
	var names []string
	for i := len(calls) - 1; i >= 0 && len(names) < maxPath; i-- {
		name := calls[i]
		if j := strings.LastIndexByte(name, '('); j > 0 {
			name = name[:j]
		}
		names = append(names, name[strings.LastIndexByte(name, '/')+1:])
	}
	if len(names) == 0 {
		return "unknown"
	}
	return strings.Join(names, " > ")
}
