package suites_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ordinary is a Go server that never heard of us.
const ordinary = `package main

import (
	"flag"
	"io"
	"log"
	"net"
)

func main() {
	addr := flag.String("addr", "", "")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}
`

// TestTheReadmeWorksInAModuleOfItsOwn puts README's test beside such a server, in a module that requires this one.
func TestTheReadmeWorksInAModuleOfItsOwn(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module; left out by -short")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	snippet := regexp.MustCompile("(?s)```go\n(package mine\n.*?)```").FindStringSubmatch(read("README.md"))
	if snippet == nil {
		t.Fatal("README has no test of package mine")
	}
	const path = "github.com/reactorspec/reactorspec"
	module := strings.Replace(read("go.mod"), "module "+path, "module example.test/mine", 1) +
		"\nrequire " + path + " v0.0.0\nreplace " + path + " => " + root + "\n"
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": module, "go.sum": read("go.sum"), "mine_test.go": snippet[1], "cmd/mine/main.go": ordinary} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	test := exec.Command("go", "test", "-v", "-count=2", "-run", "TestConformance/^CONN-1$", ".")
	test.Dir = dir
	test.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := test.CombinedOutput()
	if passed := strings.Count(string(out), "--- PASS: TestConformance/CONN-1 "); err != nil || passed != 2 || strings.Contains(string(out), "TestConformance/CONN-2") {
		t.Errorf("%v, and CONN-1 passed %d times, want 2 and no other clause\n%s", err, passed, out)
	}
}
