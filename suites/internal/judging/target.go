package judging

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// targetGround is the ground of a server behind a socket: one shared instance for
// ordinary checks, which is started anew when one of them breaks it, and an instance
// of its own for each check that does with it as it likes. On an attached target
// there is only the one that runs already.
type targetGround struct {
	target  target.Target
	dialect dialect.Dialect
	journal *journal

	setup   session.Setup // of the run
	greeted bool          // the first instance was, so that the others are not asked for more than to serve; nobody writes it once begun

	// shared belongs to whoever has the shared turn; nil when it must be started first.
	shared *instance

	mu   sync.Mutex
	gone error // why no instance can be had any more
}

// instance is a running target and the meter of its run delay. It belongs to
// whoever has the shared turn (the shared one), or launched it.
type instance struct {
	*target.Instance
	meter *session.Meter
	hello map[string]string // what it said at the start; nil: not asked
	mute  string            // why it does not serve since it was started; "": it does, or was not asked
}

func (g *targetGround) attached() bool { return g.target.Addr != "" }

// begin builds, launches and greets the shared instance.
func (g *targetGround) begin(ctx context.Context, setup session.Setup, known *facts) error {
	known.attached, g.setup = g.attached(), setup
	if err := g.target.Build(ctx); err != nil {
		return g.unready(ctx, err)
	}
	in, err := g.launch(ctx)
	if err != nil {
		return g.unready(ctx, err)
	}
	g.journal.at(in.Addr().Network()+"://"+in.Addr().String(), in.Pid())
	g.shared = in
	known.process = in.Tree() != nil
	if err := g.greet(ctx, in, setup, known); err != nil {
		return g.unready(ctx, err)
	}
	if known.info.Class == "" && known.process && known.info.Greeting == 0 {
		known.looks = g.look(ctx, in, setup)
	}
	g.greeted = true
	known.dialect = g.dialect
	known.info.Features = declared(known.info.Features, g.target.File)
	return nil
}

// unready notes why nothing can be judged, and returns it.
func (g *targetGround) unready(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err // the end of the run is said by the run
	}
	kind, stderr := report.Start, ""
	var launch *target.LaunchError
	var refused *ungreeted
	switch {
	case errors.As(err, &launch):
		stderr = launch.Stderr
		switch {
		case errors.Is(err, target.ErrUnsupported):
			kind = report.Absent
		case errors.Is(err, target.ErrNotFound), errors.Is(err, target.ErrAddress), errors.Is(err, target.ErrPid), errors.Is(err, target.ErrTLS), errors.Is(err, target.ErrUser), errors.Is(err, target.ErrScratch), errors.Is(err, target.ErrSystem):
			kind = report.Usage
		case errors.Is(err, target.ErrUnreachable), errors.Is(err, target.ErrProc):
			kind = report.Harness // whom nobody reaches nobody has judged
		}
	case errors.As(err, &refused):
		if refused.untrusted {
			kind = report.Usage
		}
	default:
		kind = report.Harness
	}
	if g.shared != nil && stderr == "" {
		stderr = g.shared.Stderr()
	}
	g.journal.hindered(kind, err.Error(), stderr)
	return err
}

// try tries on the shared instance or, where the check may do with it as it likes,
// on one of its own.
func (g *targetGround) try(ctx context.Context, s step, setup session.Setup) (trial, error) {
	s.check = opened(s.check)
	if (s.check.Study || s.check.Own || s.own) && !g.attached() {
		return g.onOwn(ctx, s, setup)
	}
	return g.onShared(ctx, s, setup)
}

// onShared tries on the shared instance, which must serve a fresh connection
// afterwards; if it does not, this check is what broke it.
func (g *targetGround) onShared(ctx context.Context, s step, setup session.Setup) (trial, error) {
	in, err := g.sharedInstance(ctx)
	if err != nil {
		return trial{}, err
	}
	tried := trial{Attempt: s.check.Attempt(ctx, g.on(in, setup))}
	g.aftermath(ctx, in, setup, &tried)
	switch {
	case tried.Failure != nil || tried.died != "":
		tried.ended, tried.stderr = tried.died, in.Stderr()
		g.spent(ctx, setup)
	case !g.attached() && in.crowded(ctx):
		g.spent(ctx, setup)
	}
	return tried, nil
}

// onOwn tries on an instance of the check's own.
func (g *targetGround) onOwn(ctx context.Context, s step, setup session.Setup) (trial, error) {
	in, err := g.launch(ctx)
	if err != nil {
		if g.whyGone() != nil {
			err = &goneError{err}
		}
		return trial{}, err
	}
	defer in.stop()
	if in.mute != "" && ctx.Err() == nil && in.dying() == "" { // a set-up that failed, which says nothing about the clause
		return trial{Attempt: session.Attempt{Inconclusive: "an instance of the target for this check accepts connections and does not serve them, as the first one did: " + in.mute}, stderr: in.Stderr()}, nil
	}
	tried := trial{Attempt: s.check.Attempt(ctx, g.on(in, setup))}
	if !s.check.Study && !s.check.Own { // it may not end the server, and was written to be followed by others
		g.aftermath(ctx, in, setup, &tried)
	}
	if tried.Failure != nil {
		tried.ended, tried.stderr = in.dying(), in.Stderr()
	}
	return tried, nil
}

// opened is the check with the sanity exchange that every check opens with:
// what follows then says something about the clause.
func opened(check session.Check) session.Check {
	inner := check.Run
	check.Run = func(s *session.Session) {
		s.ServesFresh()
		inner(s)
	}
	return check
}

// on is what an attempt on that instance gets to see.
func (g *targetGround) on(in *instance, setup session.Setup) session.Setup {
	setup.Target, setup.Dialect, setup.Meter, setup.Hello = in.Instance, g.dialect, in.meter, maps.Clone(in.hello)
	return setup
}

// aftermath finds out whether the shared instance outlived the check, and
// charges the check if it did not.
func (g *targetGround) aftermath(ctx context.Context, in *instance, setup session.Setup, tried *trial) {
	if tried.Cancelled {
		return
	}
	if tried.Failure == nil && tried.HarnessError == "" && in.died() == "" {
		after := g.aside(ctx, in, setup, func(s *session.Session) { s.ServesFresh() })
		if after.Cancelled || after.Failure == nil {
			return
		}
		tried.Failure = after.Failure
		tried.Failure.Reason = "once the check was over, " + after.Failure.Reason
		tried.Failure.Conn = 0 // its number is another attempt's
		tried.Source = after.Source
		tried.Events = append(tried.Events, after.Events...)
		tried.Stalled, tried.Took = tried.Stalled+after.Stalled, tried.Took+after.Took
		if tried.died = in.dying(); tried.died != "" {
			tried.Failure = nil
		}
	} else {
		tried.died = in.dying()
	}
	if tried.died != "" && tried.Failure == nil {
		tried.Failure = &session.Failure{Reason: "the check ended the server: " + tried.died,
			Want: "the server goes on", Got: tried.died}
	}
}

// sharedInstance returns the instance of ordinary checks, started anew if the
// last one is spent.
func (g *targetGround) sharedInstance(ctx context.Context) (*instance, error) {
	if gone := g.whyGone(); gone != nil {
		return nil, &goneError{gone}
	}
	if g.shared != nil {
		died := g.shared.died()
		if died == "" || g.attached() {
			return g.shared, nil
		}
		g.journal.hindered(report.Start, "the target died outside a check: "+died, g.shared.Stderr())
		g.shared.stop()
		g.shared = nil
	}
	in, err := g.launch(ctx)
	if err != nil {
		if ctx.Err() == nil {
			gone := fmt.Errorf("the target could not be started again: %w", err)
			g.lost(gone)
			g.journal.hindered(report.Start, gone.Error(), "")
			err = &goneError{err}
		}
		return nil, err
	}
	g.shared = in
	return in, nil
}

// spent replaces the shared instance before the next check: after a failure
// nobody knows what state it is in.
func (g *targetGround) spent(ctx context.Context, setup session.Setup) {
	if g.shared == nil {
		return
	}
	if !g.attached() {
		g.shared.stop()
		g.shared = nil
		return
	}
	a := g.aside(ctx, g.shared, setup, func(s *session.Session) { s.ServesFresh() })
	if a.Failure != nil && ctx.Err() == nil {
		g.lost(fmt.Errorf("the target does not serve any more since %s was judged", setup.Clause.ID))
	}
}

// lost notes that no instance can be had any more; checks on instances of their
// own find out beside the others.
func (g *targetGround) lost(gone error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = gone
}

func (g *targetGround) whyGone() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gone
}

// end stops the shared instance.
func (g *targetGround) end() {
	if g.shared != nil {
		g.shared.stop()
		g.shared = nil
	}
}

func (g *targetGround) launch(ctx context.Context) (*instance, error) {
	started, err := g.target.Launch(ctx)
	if err != nil {
		return nil, err
	}
	in := &instance{Instance: started, meter: session.StartMeter(started.Tree())}
	if g.greeted && g.target.File.Greeting == 0 {
		if a, _ := g.serving(ctx, in, g.setup); a.Failure != nil {
			in.mute = strings.TrimPrefix(a.Failure.Reason, "a fresh connection is not served: ") + " (got " + a.Failure.Got + ")"
		}
	}
	return in, nil
}

func (in *instance) stop() {
	in.meter.Close()
	in.Stop()
}

// crowded reports whether many threads of a target with no clients run or stand in line
// for a processor, however often one looks. Nothing is blamed for that here: clauses about
// rest are judged on other instances, and this one may not keep those from running.
func (in *instance) crowded(ctx context.Context) bool {
	const looks, pause = 3, 50 * time.Millisecond
	tree := in.Tree()
	if tree == nil {
		return false
	}
	for n := 1; ; n++ {
		if running, err := tree.Runnable(); err != nil || !observe.Crowds(running) {
			return false
		}
		if n == looks {
			return true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

// died says how the target's process ended, or nothing while it runs.
func (in *instance) died() string {
	err := in.Alive()
	if err == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastThread)
	defer cancel()
	if exit, waited := in.Wait(ctx); waited == nil {
		return "the server " + exit.String()
	}
	return "the server is gone: " + err.Error()
}

// lastThread is how long a process whose first thread has ended may take until its last
// one has: only then is its status known, and on a busy machine each has to have a turn.
const lastThread = 10 * time.Second

// lastBreath is how long a process may take from its sockets' end to its own.
const lastBreath = 100 * time.Millisecond

// dying is died for a server whose sockets were seen to end: its process may
// need a moment.
func (in *instance) dying() string {
	ctx, cancel := context.WithTimeout(context.Background(), lastBreath)
	defer cancel()
	if in.Pid() != 0 {
		_, _ = in.Wait(ctx)
	}
	return in.died()
}
