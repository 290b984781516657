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

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/inproc"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// VerifyServer judges a Go server in its own test: it is started on loopback in
// this process and judged as Verify judges a server that runs already, by the
// clauses that can be seen from the wire, with subtests named by their IDs; those that
// can be judged by the contract's own methods join them. A server that meets
// contract.Looper is judged by its loops too: the subtest "loop" is VerifyLoop on
// what its NewLoop makes. newServer makes a server that was not started.
//
// The dialect is probe unless As says another. Options speak of both halves: a
// clause that both judge is selected in both, and one that is expected to fail in one
// half only fails sometimes.
func VerifyServer(t *testing.T, newServer func() (contract.Server, error), opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	s, err := newServerRunner(context.WithoutCancel(t.Context()), newServer, o.rerunIn(t))
	if err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("reactorspec: %v", err)
		}
	})
	verifyEach(t, s.Runner)
	if half, some := s.ofLoops(o); some {
		t.Run("loop", func(t *testing.T) { VerifyLoop(t, s.newLoop, With(half)) })
	}
}

// SpecsServer is VerifyServer for Ginkgo: call it where containers may be
// declared. The server is started at once and stopped after the last It that
// needs it; its loops have containers of their own, as SpecsLoop declares them.
func SpecsServer(newServer func() (contract.Server, error), opts ...Option) {
	o := optionsOf(opts)
	s, err := newServerRunner(context.Background(), newServer, o)
	if err != nil {
		panic("reactorspec: " + err.Error())
	}
	s.Specs(func(report.Run) {
		if err := s.stop(); err != nil {
			ginkgo.Fail("reactorspec: " + err.Error())
		}
	})
	if half, some := s.ofLoops(o); some {
		SpecsLoop(s.newLoop, With(half))
	}
}

// ofLoops are a server's options for its loops, and whether there are any and
// something is selected that they are judged by.
func (s *serverRunner) ofLoops(o Options) (half Options, some bool) {
	if s.newLoop == nil {
		return o, false
	}
	half = o
	half.As = s.target.File
	half.As.Name += " loop"
	half.As.Dialect = "" // a loop speaks none
	selected, err := o.selected()
	if err != nil {
		return o, false // the server's half has said so
	}
	if !o.narrowed() {
		return half, true
	}
	half.Clauses = nil
	for _, check := range (inproc.Vantage{}).Checks() {
		if slices.ContainsFunc(selected, func(clause spec.Clause) bool { return clause.ID == check.Clause }) {
			half.Clauses = append(half.Clauses, check.Clause)
		}
	}
	return half, len(half.Clauses) > 0
}

// stopTime is what a server's Stop gets at the end: as much as LIFE grants.
const stopTime = 5 * time.Second

// serverRunner is a server that runs in this process, and the runner attached to it.
type serverRunner struct {
	*Runner
	server  contract.Server
	addr    net.Addr
	newLoop inproc.Factory // nil when it does not show its loops
}

// newServerRunner starts a server and attaches a runner to it.
func newServerRunner(ctx context.Context, newServer func() (contract.Server, error), o Options) (*serverRunner, error) {
	server, err := newServer()
	if err != nil {
		return nil, fmt.Errorf("the server cannot be made: %w", err)
	}
	s := &serverRunner{server: server}
	if looper, ok := server.(contract.Looper); ok {
		s.newLoop = looper.NewLoop
	}
	if s.addr, err = server.Start("tcp4", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("the server does not start on 127.0.0.1: %w", err)
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
	if s.Runner, err = NewRunner(ctx, target.Target{File: file, Addr: s.addr.Network() + "://" + s.addr.String()}, o); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.here = inHere{checks: here}
	return s, nil
}

// stop stops the server, and says what Stop left.
func (s *serverRunner) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := s.server.Stop(ctx); err != nil {
		return fmt.Errorf("the server's Stop reported: %w", err)
	}
	if conn, err := net.Dial(s.addr.Network(), s.addr.String()); err == nil {
		conn.Close()
		return errors.New("the server still accepts connections after Stop")
	}
	return nil
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
			s.Untested("the server does not listen on a unix socket: " + err.Error())
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
