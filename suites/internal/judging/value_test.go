package judging

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/report"
	"github.com/reactorspec/reactorspec/suites/target"
)

// echoServer is a server of the contract that speaks the echo dialect.
type echoServer struct {
	leaves   bool // its socket file
	deaf     bool // to unix
	listener net.Listener
	conns    sync.WaitGroup
}

func (s *echoServer) Features() []string { return []string{"drain"} }

func (s *echoServer) Start(network, address string) (net.Addr, error) {
	if s.deaf && network == "unix" {
		return nil, errors.ErrUnsupported
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	if unix, ok := l.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(!s.leaves)
	}
	s.listener = l
	s.conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.conns.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	return l.Addr(), nil
}

func (s *echoServer) Stop(context.Context) error {
	err := s.listener.Close()
	s.conns.Wait()
	return err
}

// TestServersInProcess: a value of the contract is judged from the wire, and by
// what its own methods do. Each check that needs no wire has a server that it
// finds faulty.
func TestServersInProcess(t *testing.T) {
	proven := make(map[string]bool)
	for _, row := range []struct {
		name         string
		leaves, deaf bool
		want         map[string]report.Outcome
	}{
		{"good", false, false, map[string]report.Outcome{"CONN-1": report.Pass, "LIFE-8": report.Pass, "WAKE-2": report.Unsupported, "LOOP-1": report.Untested}},
		{"leaves its file", true, false, map[string]report.Outcome{"CONN-1": report.Pass, "LIFE-8": report.Fail}},
		{"knows no unix", false, true, map[string]report.Outcome{"LIFE-8": report.Untested}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var ids []string
			for id := range row.want {
				ids = append(ids, id)
			}
			r, err := OnServer(t.Context(), func() (contract.Server, error) {
				return &echoServer{leaves: row.leaves, deaf: row.deaf}, nil
			}, Options{Clauses: ids, Budget: &brisk, As: target.File{Name: row.name, Dialect: "echo", Class: spec.ThreadPerConnection}})
			if err != nil {
				t.Fatal(err)
			}
			for id, want := range row.want {
				proven[id] = proven[id] || want == report.Fail
				if got := r.Judge(id); got.Outcome != want {
					t.Errorf("%s is %s, want %s: %s", id, got.Outcome, want, got.Reason)
				}
			}
			r.Finish()
			if err := r.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	for id := range serverChecks(nil) {
		if !proven[id] {
			t.Errorf("no server is known that the check of %s finds faulty", id)
		}
	}
}

// TestNoServer: what cannot be made or started is said before anything is judged.
func TestNoServer(t *testing.T) {
	noLicence := errors.New("no licence")
	if _, err := OnServer(t.Context(), func() (contract.Server, error) { return nil, noLicence }, Options{}); !errors.Is(err, noLicence) {
		t.Errorf("%v", err)
	}
	if _, err := OnLoops(t.Context(), func() (contract.Loop, error) { return nil, noLicence }, Options{}); !errors.Is(err, noLicence) {
		t.Errorf("%v", err)
	}
}
