package suites

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/inproc"
	"github.com/reactorspec/reactorspec/suites/observe"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// As describes a value that is judged in this process, as a target file does a
// program: its name, class, dialect and limit, the features that its methods
// cannot show, and the failures that are known.
func As(file target.File) Option { return func(o *Options) { o.As = file } }

// VerifyLoop judges event loops in a Go test. Each clause that a loop can be
// judged by in-process is a subtest named by its ID, as Verify has them; then
// the models of package inproc, drawn by rapid, are subtests of "model". A loop is used up by
// its Run, so newLoop makes another for every check. Every loop that is made is run.
func VerifyLoop(t *testing.T, newLoop func() (contract.Loop, error), opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	v, r, err := loopRunner(context.WithoutCancel(t.Context()), newLoop, o.rerunIn(t))
	if err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	verifyEach(t, r)
	t.Run("model", func(t *testing.T) {
		for _, model := range v.models(o) {
			t.Run(model.Name, rapid.MakeCheck(func(t *rapid.T) { model.Run(t, v.New) }))
		}
	})
}

// SpecsLoop is VerifyLoop for Ginkgo: call it where containers may be declared.
func SpecsLoop(newLoop func() (contract.Loop, error), opts ...Option) {
	o := optionsOf(opts)
	v, r, err := loopRunner(context.Background(), newLoop, o)
	if err != nil {
		panic("reactorspec: " + err.Error())
	}
	r.Specs(func(report.Run) {})
	ginkgo.Describe("reactorspec models of "+r.target.File.Name, func() {
		for _, model := range v.models(o) {
			ginkgo.It(model.Name, func() {
				rapid.Check(ginkgo.GinkgoTB(), func(t *rapid.T) { model.Run(t, v.New) })
			})
		}
	})
}

// loops is the vantage of a run on loops.
type loops struct{ inproc.Vantage }

// loopRunner makes a runner of the clauses that a loop can be judged by.
func loopRunner(ctx context.Context, newLoop inproc.Factory, o Options) (loops, *Runner, error) {
	file := o.As
	if file.Name == "" {
		file.Name = "loop"
	}
	if file.Class == "" {
		file.Class = spec.Reactor
	}
	loop, err := newLoop()
	if err != nil {
		return loops{}, nil, fmt.Errorf("the loop cannot be made: %w", err)
	}
	file.Features = inproc.Offered(loop, file.Features)
	loop.Stop()
	if err := loop.Run(); err != nil {
		return loops{}, nil, fmt.Errorf("a Stop before Run is to make Run return nil at once, but it returned %w", err)
	}
	v := loops{inproc.Vantage{New: newLoop, Features: file.Features, Soak: o.Soak}}
	here := make(map[string]session.Check)
	for _, check := range v.Checks() {
		here[check.Clause] = check
	}
	r, err := newInproc(ctx, target.Target{File: file}, o, here)
	return v, r, err
}

// models are those that the options select.
func (v loops) models(o Options) []inproc.Model {
	var selected []inproc.Model
	for _, model := range v.Models() {
		if !o.narrowed() {
			selected = append(selected, model)
			continue
		}
		for _, family := range o.Families {
			if family == model.Family {
				selected = append(selected, model)
			}
		}
	}
	return selected
}

// newInproc makes a runner that judges with checks of its own, without a target
// to start or to reach.
func newInproc(ctx context.Context, t target.Target, o Options, checks map[string]session.Check) (*Runner, error) {
	if len(o.Clauses) == 0 { // families and levels narrow it further
		for _, clause := range spec.Clauses() {
			if _, ok := checks[clause.ID]; ok && clause.Sees(spec.Inproc) {
				o.Clauses = append(o.Clauses, clause.ID)
			}
		}
	}
	o.Checks = []session.Check{}
	r, err := newRunner(ctx, t, nil, o)
	if err != nil {
		return nil, err
	}
	r.here = inHere{checks: checks, alone: true}
	return r, nil
}

// VerifyServer judges a Go server in its own test: it is started on loopback in
// this process and judged as Verify judges a server that runs already, by the clauses that can be seen from
// the wire, with subtests named by their IDs; those that can be judged by the
// contract's own methods join them. newServer makes a server that was not started. The dialect
// is probe unless As says another.
func VerifyServer(t *testing.T, newServer func() (contract.Server, error), opts ...Option) {
	t.Helper()
	r, stop, err := serverRunner(context.WithoutCancel(t.Context()), newServer, optionsOf(opts).rerunIn(t))
	if err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("reactorspec: %v", err)
		}
	})
	verifyEach(t, r)
}

// SpecsServer is VerifyServer for Ginkgo: call it where containers may be
// declared. The server is started at once and stopped after the last It.
func SpecsServer(newServer func() (contract.Server, error), opts ...Option) {
	r, stop, err := serverRunner(context.Background(), newServer, optionsOf(opts))
	if err != nil {
		panic("reactorspec: " + err.Error())
	}
	r.Specs(func(report.Run) {
		if err := stop(); err != nil {
			ginkgo.Fail("reactorspec: " + err.Error())
		}
	})
}

// stopTime is what a server's Stop gets at the end: as much as LIFE grants.
const stopTime = 5 * time.Second

// serverRunner starts a server and makes a runner that is attached to it.
func serverRunner(ctx context.Context, newServer func() (contract.Server, error), o Options) (*Runner, func() error, error) {
	server, err := newServer()
	if err != nil {
		return nil, nil, fmt.Errorf("the server cannot be made: %w", err)
	}
	addr, err := server.Start("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("the server does not start on 127.0.0.1: %w", err)
	}
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			return fmt.Errorf("the server's Stop reported: %w", err)
		}
		if conn, err := net.Dial(addr.Network(), addr.String()); err == nil {
			conn.Close()
			return errors.New("the server still accepts connections after Stop")
		}
		return nil
	}
	file := o.As
	if file.Name == "" {
		file.Name = "server"
	}
	if file.Dialect == "" {
		file.Dialect = "probe"
	}
	for _, word := range server.Features() {
		file.Features = union(file.Features, []spec.Feature{spec.Feature(word)})
	}
	here := serverChecks(newServer)
	if len(o.Clauses) == 0 {
		for _, clause := range spec.Clauses() {
			if _, ok := here[clause.ID]; ok || clause.Sees(spec.Wire) {
				o.Clauses = append(o.Clauses, clause.ID)
			}
		}
	}
	r, err := NewRunner(ctx, target.Target{File: file, Addr: addr.Network() + "://" + addr.String()}, o)
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	r.here = inHere{checks: here}
	return r, stop, nil
}

// serverChecks are the checks that start servers of their own.
func serverChecks(newServer func() (contract.Server, error)) map[string]session.Check {
	return map[string]session.Check{"LIFE-8": {Clause: "LIFE-8", Run: func(s *session.Session) {
		dir, err := os.MkdirTemp("", "reactorspec-")
		if err != nil {
			s.Inconclusive("no directory for a socket: " + err.Error())
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "server.sock")
		server, err := newServer()
		if err != nil {
			s.Failf(session.Wrong, "a second server cannot be made: "+err.Error(), "a server", err.Error(), "")
		}
		if _, err := server.Start("unix", path); err != nil {
			s.Unseen("the server does not listen on a unix socket: " + err.Error())
		}
		ctx, cancel := context.WithTimeout(s.Context(), stopTime)
		defer cancel()
		conn, err := net.Dial("unix", path)
		if err == nil {
			conn.Close()
		}
		if err := server.Stop(ctx); err != nil {
			s.Failf(session.Wrong, "Stop reported "+err.Error(), "nil", err.Error(), "")
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			s.Failf(session.Wrong, "the socket file is still there after Stop", "no "+path, fmt.Sprint("it exists: ", err == nil), "")
		}
	}}}
}

// inHere are the checks that need no instance of a target, because they make
// what they judge themselves.
type inHere struct {
	checks map[string]session.Check // by clause ID
	alone  bool                     // there is no target beside them
}

// judgeAnywhere brings one clause to its outcome, on the target or in here.
func (r *Runner) judgeAnywhere(clause spec.Clause) report.Result {
	check, here := r.here.checks[clause.ID]
	if !here && !r.here.alone {
		return r.judge(clause)
	}
	result := report.NewResult(clause)
	if r.stopped() {
		return untested(result, "interrupted")
	}
	if r.here.alone {
		r.begin.Do(func() {
			r.canary = observe.StartCanary()
			r.known.class, r.known.features = r.target.File.Class, r.target.File.Features
		})
	} else {
		r.begin.Do(r.start)
	}
	if r.ready != nil {
		return untested(result, neverReady)
	}
	if outcome, reason := r.gateHere(clause, here); outcome != "" {
		result.Outcome, result.Reason = outcome, reason
		return result
	}
	if !r.take(r.lane) {
		return untested(result, "interrupted")
	}
	defer func() { <-r.lane }()
	result.Started = r.announce(clause)
	return r.repeat(clause, result, func() (trial, error) {
		info := r.target.File
		info.Class, info.Features = r.known.class, r.known.features
		return trial{Attempt: check.Attempt(r.ctx, session.Setup{Info: info, Clause: clause, Seed: r.seed,
			Budget: *r.options.Budget, Canary: r.canary})}, nil
	})
}

// gateHere is gate for what is judged in here: a value promises what spec/contract says by
// meeting it, so there is no dialect to ask.
func (r *Runner) gateHere(clause spec.Clause, built bool) (report.Outcome, string) {
	switch {
	case clause.Withdrawn:
		return report.Untested, "withdrawn: " + clause.Sentence
	case !clause.Sees(spec.Inproc) || !built:
		return report.Untested, "it cannot be judged by the methods of spec/contract alone"
	case !clause.Binds(r.known.class):
		return report.Unsupported, fmt.Sprintf("it binds %s; the value is %s", join(clause.Classes), r.known.class)
	}
	for _, feature := range clause.Needs {
		if !slices.Contains(r.known.features, feature) {
			return report.Unsupported, fmt.Sprintf("it needs %s, which is not offered", feature)
		}
	}
	return "", ""
}

func union(a, b []spec.Feature) []spec.Feature {
	all := append([]spec.Feature(nil), a...)
	for _, feature := range b {
		if !slices.Contains(all, feature) {
			all = append(all, feature)
		}
	}
	return all
}
