package suites

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// instance is a running target and the meter of its run delay. It belongs to
// whoever holds the lane (the shared one) or launched it (a study's).
type instance struct {
	*target.Instance
	meter *session.Meter
	hello map[string]string // what it said at the start; nil: not asked
}

func (r *Runner) launch() (*instance, error) {
	started, err := r.target.Launch(r.ctx)
	if err != nil {
		return nil, err
	}
	return &instance{Instance: started, meter: session.StartMeter(started.Tree())}, nil
}

func (in *instance) stop() {
	in.meter.Close()
	in.Stop()
}

// died says how the target's process ended, or nothing while it runs.
func (in *instance) died() string {
	err := in.Alive()
	if err == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if exit, waited := in.Wait(ctx); waited == nil {
		return "the server " + exit.String()
	}
	return "the server is gone: " + err.Error()
}

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

// start builds, launches and greets the shared instance. It runs once.
func (r *Runner) start() {
	r.canary = observe.StartCanary()
	if err := r.target.Build(r.ctx); err != nil {
		r.unready(err)
		return
	}
	in, err := r.launch()
	if err != nil {
		r.unready(err)
		return
	}
	r.mu.Lock()
	r.address, r.pid = in.Addr().Network()+"://"+in.Addr().String(), in.Pid()
	r.mu.Unlock()
	r.lane <- struct{}{}
	defer func() { <-r.lane }()
	r.shared = in
	r.known.process = in.Tree() != nil
	if err := r.greet(in); err != nil {
		r.unready(err)
	}
}

// unready notes why nothing can be judged.
func (r *Runner) unready(err error) {
	r.ready = err
	if r.stopped() {
		r.interrupted()
		return
	}
	problem := report.Problem{Kind: report.Start, Message: err.Error()}
	stderr := ""
	var launch *target.LaunchError
	switch {
	case errors.As(err, &launch):
		stderr = launch.Stderr
		if errors.Is(err, target.ErrNotFound) || errors.Is(err, target.ErrAddress) {
			problem.Kind = report.Usage
		}
	case errors.As(err, new(*ungreeted)):
	default:
		problem.Kind = report.Harness
	}
	if r.shared != nil && stderr == "" {
		stderr = r.shared.Stderr()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem, r.stderr = &problem, stderr
}

// ungreeted is a target that accepts connections but does not serve them.
type ungreeted struct{ message string }

func (e *ungreeted) Error() string { return e.message }

// greet has the first words with a target: one exchange in its dialect, and in
// the probe dialect a random unknown verb, which proves that it can say
// unsupported, and HELLO, whose nonce proves that it is the one that was started.
func (r *Runner) greet(in *instance) error {
	file := r.target.File
	r.known.class, r.known.features, r.known.limit, r.known.idle = file.Class, file.Features, file.Limit, file.IdleTimeout
	if file.Greeting > 0 {
		return nil // a greeting that does not come whole is CONN-21's business; the file says the rest
	}
	if a := r.aside(in, func(s *session.Session) { s.ServesFresh() }); a.Failure != nil || a.HarnessError != "" || a.Inconclusive != "" {
		if r.stopped() {
			return r.ctx.Err()
		}
		why := a.HarnessError + a.Inconclusive
		if a.Failure != nil {
			why = strings.TrimPrefix(a.Failure.Reason, "a fresh connection is not served: ") + " (got " + a.Failure.Got + ")"
		}
		if died := in.dying(); died != "" {
			why = died
		}
		return &ungreeted{fmt.Sprintf("the target accepts connections at %s but does not serve the first request in the %s dialect: %s; check --dialect, and that it is this server", in.Addr(), file.Dialect, why)}
	}
	if file.Dialect != "probe" {
		return nil
	}
	var unknown probe.Reply
	verb := "X" + rand.Text()[:12]
	asked := r.aside(in, func(s *session.Session) {
		p := s.Probe()
		unknown = p.Call(verb)
		if reply := p.Call("HELLO"); reply.Status == probe.OK {
			in.hello = session.Fields(reply)
		}
		p.Conn().Close()
	})
	switch {
	case asked.Failure != nil:
		r.known.distrust = "the target's PROBE conversation does not answer: " + asked.Failure.Reason
	case asked.HarnessError != "":
		return errors.New(asked.HarnessError)
	case unknown.Status != probe.Unsupported:
		r.known.distrust = fmt.Sprintf("the target answers %s to %s, a verb that nobody knows, so what it says of its features proves nothing", unknown.Status, verb)
	}
	if r.known.distrust != "" {
		r.note("%s; clauses that need features are untested", r.known.distrust)
	}
	if in.hello == nil {
		return nil
	}
	if nonce := in.hello["nonce"]; in.Owned() && nonce != "" && nonce != "-" && nonce != in.Nonce {
		return &ungreeted{fmt.Sprintf("another server answers at %s: its nonce is %s, not the one given to the target; stop it", in.Addr(), report.Clean(nonce))}
	}
	r.adopt(in.hello)
	return nil
}

// adopt takes what HELLO says where the target file is silent; the file wins,
// and disagreement is reported.
func (r *Runner) adopt(hello map[string]string) {
	file := r.target.File
	class := spec.Class(hello["class"])
	switch {
	case file.Class == "" && slices.Contains(spec.Classes(), class):
		r.known.class = class
	case file.Class != "" && class != "" && file.Class != class:
		r.note("the target file says class %s, HELLO says %s: the file wins", file.Class, report.Clean(string(class)))
	}
	var offered []spec.Feature
	for _, word := range strings.Split(hello["features"], ",") {
		if feature := spec.Feature(word); slices.Contains(spec.Features(), feature) && !slices.Contains(offered, feature) {
			offered = append(offered, feature)
		}
	}
	if file.Features == nil {
		r.known.features = offered
	} else if left, right := difference(file.Features, offered), difference(offered, file.Features); len(left)+len(right) > 0 {
		r.note("the target file and HELLO disagree about features (only the file: %s; only HELLO: %s): the file wins", orNone(left), orNone(right))
	}
	limit, err := strconv.ParseInt(hello["limit"], 10, 64)
	switch {
	case err != nil || limit < 0:
	case file.Limit == 0:
		r.known.limit = limit
	case limit != file.Limit:
		r.note("the target file says limit %d, HELLO says %d: the file wins", file.Limit, limit)
	}
	nanoseconds, err := strconv.ParseInt(hello["idle-timeout"], 10, 64)
	switch idle := target.Duration(nanoseconds); {
	case err != nil || idle <= 0: // a server need not say it
	case file.IdleTimeout == 0:
		r.known.idle = idle
	case idle != file.IdleTimeout:
		r.note("the target file says idle_timeout %v, HELLO says %v: the file wins", time.Duration(file.IdleTimeout), time.Duration(idle))
	}
}

func difference(a, b []spec.Feature) []spec.Feature {
	var only []spec.Feature
	for _, feature := range a {
		if !slices.Contains(b, feature) {
			only = append(only, feature)
		}
	}
	return only
}

func orNone(features []spec.Feature) string {
	if len(features) == 0 {
		return "none"
	}
	return join(features)
}

// aside runs a few words with an instance outside any clause, up to three times
// where a stalled machine made it late.
func (r *Runner) aside(in *instance, words func(s *session.Session)) session.Attempt {
	check := session.Check{Run: words}
	for n := 1; ; n++ {
		a := check.Attempt(r.ctx, r.setup(in, spec.Clause{ID: "greeting"}))
		late := a.Failure != nil && a.Failure.Kind == session.Late && !a.Steady()
		if !late || n == maxAttempts || r.stopped() {
			return a
		}
	}
}

// setup is what an attempt at a clause on that instance gets to see.
func (r *Runner) setup(in *instance, clause spec.Clause) session.Setup {
	info := r.target.File
	info.Class, info.Features, info.Limit, info.IdleTimeout = r.known.class, r.known.features, r.known.limit, r.known.idle
	return session.Setup{Target: in.Instance, Info: info, Dialect: r.dialect, Clause: clause, Seed: r.seed,
		Budget: *r.options.Budget, Canary: r.canary, Meter: in.meter, Hello: maps.Clone(in.hello),
		Soak: r.options.Soak, Replay: r.replay}
}

// sharedInstance returns the instance of ordinary checks, started anew if the
// last one is spent. The caller holds the lane.
func (r *Runner) sharedInstance() (*instance, error) {
	if r.gone != "" {
		return nil, errors.New(r.gone)
	}
	if r.shared != nil {
		died := r.shared.died()
		if died == "" || r.attached() {
			return r.shared, nil
		}
		r.mu.Lock()
		if r.problem == nil {
			r.problem, r.stderr = &report.Problem{Kind: report.Start, Message: "the target died outside a check: " + died}, r.shared.Stderr()
		}
		r.mu.Unlock()
		r.shared.stop()
		r.shared = nil
	}
	in, err := r.launch()
	if err != nil {
		if !r.stopped() {
			r.gone = "the target could not be started again: " + err.Error()
			r.mu.Lock()
			if r.problem == nil {
				r.problem = &report.Problem{Kind: report.Start, Message: r.gone}
			}
			r.mu.Unlock()
		}
		return nil, err
	}
	r.shared = in
	return in, nil
}

// spent replaces the shared instance before the next check: after a failure
// nobody knows what state it is in. The caller holds the lane.
func (r *Runner) spent(after string) {
	if r.shared == nil {
		return
	}
	if !r.attached() {
		r.shared.stop()
		r.shared = nil
		return
	}
	a := r.aside(r.shared, func(s *session.Session) { s.ServesFresh() })
	if a.Failure != nil && !r.stopped() {
		r.gone = fmt.Sprintf("the target does not serve any more since %s was judged", after)
	}
}
