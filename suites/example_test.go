package suites_test

import (
	"flag"
	"fmt"
	"net"
	"testing"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/target"
)

// passes runs a test as `go test` does, without -v, whose lines are no output of an example's.
func passes(test func(*testing.T)) bool {
	verbose := flag.Lookup("test.v").Value
	was := verbose.String()
	_ = verbose.Set("false")
	defer func() { _ = verbose.Set(was) }()
	return testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "TestConformance", F: test}})
}

// A server that listens already is judged clause by clause. Where the test is to start
// it, and to look into its process, the target has a Start command instead of an address.
func ExampleVerify() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	go serveEcho(listener) // yours

	test := func(t *testing.T) { // TestConformance, in your own tests
		server := target.Target{Addr: "tcp://" + listener.Addr().String(), File: target.File{Name: "mine", Dialect: "echo"}}
		suites.Verify(t, server, suites.Clauses("CONN-1", "CONN-3", "CONN-8"))
	}
	fmt.Println(passes(test))
	// Output: true
}

// A server that is a Go value is started and stopped inside the test.
func ExampleVerifyServer() {
	test := func(t *testing.T) { // TestConformance, in your own tests
		newServer := func() (contract.Server, error) { return newMine(), nil }
		suites.VerifyServer(t, newServer, suites.As(target.File{Dialect: "echo"}), suites.Clauses("CONN-1", "CONN-3"))
	}
	fmt.Println(passes(test))
	// Output: true
}
