package judging

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/inproc"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/target"
)

// Server is a Go server that runs in this process, and the run that judges it: from
// the wire like one that runs already, and by the contract's own methods.
type Server struct {
	*Run
	NewLoop inproc.Factory // nil when it does not show its loops

	server contract.Server
	addr   net.Addr
}

// OnServer starts a server on loopback and checks what is asked for of it. Whoever
// gets a Server stops it, after its run.
func OnServer(ctx context.Context, newServer func() (contract.Server, error), o Options) (*Server, error) {
	server, err := newServer()
	if err != nil {
		return nil, fmt.Errorf("the server cannot be made: %w", err)
	}
	s := &Server{server: server}
	if looper, ok := server.(contract.Looper); ok {
		s.NewLoop = looper.NewLoop
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
	file.Features = slices.Clone(file.Features)
	for _, word := range server.Features() {
		if feature := spec.Feature(word); !slices.Contains(file.Features, feature) {
			file.Features = append(file.Features, feature)
		}
	}
	here := serverChecks(newServer)
	if len(o.Clauses) == 0 {
		for _, clause := range spec.Clauses() {
			if _, ok := here[clause.ID]; ok || clause.Sees(spec.Wire) {
				o.Clauses = append(o.Clauses, clause.ID)
			}
		}
	}
	if s.Run, err = newRun(ctx, target.Target{File: file, Addr: s.addr.Network() + "://" + s.addr.String()}, o, here); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// ForLoops are a server's options for its loops, and whether there are any and
// something is selected that they are judged by.
func (s *Server) ForLoops(o Options) (half Options, some bool) {
	if s.NewLoop == nil {
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
	if !o.Narrowed() {
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

// Stop stops the server, and says what its Stop left.
func (s *Server) Stop() error {
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
