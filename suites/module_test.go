package suites_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ordinary is a Go server that never heard of us; told to, it loses every
// connection's 101st byte.
const ordinary = `package main

import (
	"flag"
	"io"
	"log"
	"net"
	"os"
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
			if os.Getenv("MINE_LOSES") != "" {
				io.CopyN(conn, conn, 100)
				io.CopyN(io.Discard, conn, 1)
			}
			io.Copy(conn, conn)
		}()
	}
}
`

// TestTheReadmeWorksInAModuleOfItsOwn puts README's test beside such a server, in
// a module that requires this one.
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
	sh := func(dir, line, environment string) (string, error) {
		test := exec.Command("sh", "-c", line)
		test.Dir = dir
		test.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off", environment)
		out, err := test.CombinedOutput()
		return string(out), err
	}
	out, err := sh(dir, "go test -v -count=2 -run 'TestConformance/^CONN-1$' .", "")
	if passed := strings.Count(out, "--- PASS: TestConformance/CONN-1 "); err != nil || passed != 2 || strings.Contains(out, "TestConformance/CONN-2") {
		t.Errorf("%v, and CONN-1 passed %d times, want 2 and no other clause\n%s", err, passed, out)
	}

	// The rerun line of a failure is pasted elsewhere, and fails alike.
	out, err = sh(dir, "go test -count=1 -run 'TestConformance/^CONN-[12]$' .", "MINE_LOSES=1")
	line := regexp.MustCompile(`(?m)^ *rerun +(REACTORSPEC_SEED=\S+ go test .*CONN-1\$.*)$`).FindStringSubmatch(out)
	if err == nil || line == nil {
		t.Fatalf("%v, and no rerun line of CONN-1\n%s", err, out)
	}
	again, err := sh(root, line[1], "MINE_LOSES=1")
	if err == nil || !strings.Contains(again, line[1]) || strings.Contains(again, "TestConformance/CONN-2") {
		t.Errorf("%s: %v\n%s", line[1], err, again)
	}
}

// mostModules is how many modules a user's go.mod may gain by suites.Verify, this one
// among them.
const mostModules = 12

// notForUsers are libraries of the command, of the other doors and of our tests.
var notForUsers = []string{"ginkgo", "cobra", "mpb", "goldmark", "pprof", "x/tools", "goleak"}

// TestWhatAUserGains counts the modules that testdata/user, which calls Verify and
// nothing else, requires. Its go.mod is as `go mod tidy` leaves it: it names the modules
// that its packages come from, and no other.
func TestWhatAUserGains(t *testing.T) {
	user := filepath.Join("..", "testdata", "user")
	list := func(args ...string) []string {
		t.Helper()
		cmd := exec.Command("go", append([]string{"list", "-mod=readonly"}, args...)...)
		cmd.Dir = user
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list in testdata/user: %v\n%s\nrun go mod tidy there", err, said.String())
		}
		lines := strings.Fields(string(out))
		slices.Sort(lines)
		return slices.Compact(lines)
	}
	imported := list("-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", ".")
	text, err := os.ReadFile(filepath.Join(user, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var required []string
	for _, line := range regexp.MustCompile(`(?m)^(?:require |\t)(\S+) v`).FindAllStringSubmatch(string(text), -1) {
		required = append(required, line[1])
	}
	slices.Sort(required)
	if !slices.Equal(imported, required) {
		t.Errorf("testdata/user imports packages of\n%v\nand requires\n%v\nrun go mod tidy there", imported, required)
	}
	if len(required) > mostModules {
		t.Errorf("Verify brings %d modules into a user's go.mod, at most %d are allowed: %v", len(required), mostModules, required)
	}
	for _, path := range required {
		for _, word := range notForUsers {
			if strings.Contains(path, word) {
				t.Errorf("Verify brings %s into a user's go.mod", path)
			}
		}
	}
}
