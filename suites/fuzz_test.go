package suites_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/target"
)

// brokenVariable has FuzzBroken fuzz a server with that fault.
const brokenVariable = "REACTORSPEC_TEST_BROKEN"

// echoServer is an echo server of the contract, with a fault where it has one.
type echoServer struct {
	fault    string
	listener net.Listener
	conns    sync.WaitGroup
}

func (e *echoServer) Features() []string { return nil }

func (e *echoServer) Start(network, address string) (net.Addr, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	e.listener = l
	e.conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			e.conns.Go(func() {
				defer conn.Close()
				e.serve(conn)
			})
		}
	})
	return l.Addr(), nil
}

func (e *echoServer) serve(conn net.Conn) {
	b := make([]byte, 32<<10)
	for total := 0; ; {
		n, err := conn.Read(b)
		total += n
		if n > 0 {
			switch {
			case e.fault == "large" && total > 2000, e.fault == "narrow" && total > 10 && total < 16 && ends(conn):
				b[n-1]++
			}
			if _, err := conn.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// ends reports whether the client's next word is its FIN: what a fault rests on has to be
// what the client says, and not how its bytes are cut on the way.
func ends(conn net.Conn) bool {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	defer conn.SetReadDeadline(time.Time{})
	is := false
	_ = raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		is = n == 0 && err == nil
		return err != syscall.EAGAIN
	})
	return is
}

func (e *echoServer) Stop(context.Context) error {
	err := e.listener.Close()
	e.conns.Wait()
	return err
}

func FuzzBroken(f *testing.F) {
	fault := os.Getenv(brokenVariable)
	if fault == "" {
		f.Skip("it is for TestFuzz")
	}
	suites.Fuzz(f, func() (contract.Server, error) { return &echoServer{fault: fault}, nil }, suites.As(target.File{Dialect: "echo"}))
}

// A good server passes; the transcripts that are always played find one fault, with its
// short form in the failure's text; drawing finds another, whose input lands in testdata/fuzz.
func TestFuzz(t *testing.T) {
	if testing.Short() {
		t.Skip("it fuzzes for seconds")
	}
	run := func(fault string, args ...string) (string, string, error) {
		t.Helper()
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		cmd := exec.Command(self, append([]string{"-test.v", "-test.run=^FuzzBroken$", "-test.timeout=2m"}, args...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), brokenVariable+"="+fault)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err = cmd.Run()
		return out.String(), dir, err
	}
	if out, _, err := run("none"); err != nil {
		t.Errorf("a good server: %v\n%s", err, out)
	}
	out, _, err := run("large")
	if err == nil || !strings.Contains(out, "reactorspec: CONN-22: ") || !strings.Contains(out, "made shorter") || !strings.Contains(out, "reactorspec transcript 1") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _, err := run("narrow"); err != nil {
		t.Fatalf("what is always played is not to find this one: %v\n%s", err, out)
	}
	out, dir, err := run("narrow", "-test.fuzz=^FuzzBroken$", "-test.fuzztime=60s", "-test.fuzzcachedir="+t.TempDir(), "-test.parallel=1", "-test.fuzzminimizetime=1s")
	inputs, _ := filepath.Glob(filepath.Join(dir, "testdata", "fuzz", "FuzzBroken", "*"))
	if err == nil || !strings.Contains(out, "reactorspec: CONN-22: ") || len(inputs) != 1 {
		t.Errorf("%v, inputs %v\n%s", err, inputs, out)
	}
}

func ExampleFuzz() {
	// FuzzMine in mine_test.go; in CI: go test -fuzz=FuzzMine -fuzztime=5m
	_ = func(f *testing.F) {
		suites.Fuzz(f, func() (contract.Server, error) { return newMine(), nil }, suites.As(target.File{Dialect: "echo", Class: "reactor"}))
	}
}

// newMine stands for the server of whoever reads the example.
func newMine() contract.Server { return &echoServer{} }
