package specs_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/reactorspec/reactorspec/suites/specs"
	"github.com/reactorspec/reactorspec/suites/target"
)

// The clauses join a Ginkgo suite of your own, and --label-filter chooses among them;
// here it is 'CONN-1 || CONN-3'. Ginkgo runs one suite a process, and this package's tests
// have theirs, so the example is run in a process of its own.
func ExampleSpecs() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	go serveEcho(listener) // yours

	test := func(t *testing.T) { // TestConformance, in your own tests
		gomega.RegisterFailHandler(ginkgo.Fail)
		specs.Specs(target.Target{Addr: "tcp://" + listener.Addr().String(), File: target.File{Name: "mine", Dialect: "echo"}})
		ginkgo.RunSpecs(t, "mine")
	}
	fmt.Println(passes(test))
	// Output: true
}

// apart makes the test binary run nothing but the example's test.
const apart = "REACTORSPEC_EXAMPLE_APART"

// passes runs the test in a process of its own: this binary once more, which comes here
// again, and ends by what the test said.
func passes(test func(*testing.T)) bool {
	if os.Getenv(apart) != "" {
		if !testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "TestConformance", F: test}}) {
			os.Exit(1)
		}
		os.Exit(0)
	}
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	child := exec.Command(self, "-test.run=^ExampleSpecs$", "-ginkgo.label-filter=CONN-1 || CONN-3", "-ginkgo.no-color", "-ginkgo.fail-on-empty")
	child.Env = append(os.Environ(), apart+"=1")
	out, err := child.CombinedOutput()
	if err != nil {
		fmt.Printf("%v\n%s", err, out) // no output of the example's, so it fails, and shows this
	}
	return err == nil
}

func serveEcho(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
	}
}
