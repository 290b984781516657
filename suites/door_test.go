package suites

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/internal/judging"
	"github.com/reactorspec/reactorspec/suites/internal/tiny"
)

// door runs TestTarget of this test binary with those flags behind -args, as
// `go test ./suites -args …` does, and returns what it prints.
func door(t *testing.T, args ...string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(self, append([]string{"-test.v"}, args...)...).CombinedOutput()
	return string(out), err
}

// TestTheDoorOfGoTest judges by address and by target file, and narrows by
// clause, family and level.
func TestTheDoorOfGoTest(t *testing.T) {
	on := tiny.Target(t, "good")
	instance, err := on.Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Stop()
	address := "tcp://" + instance.Addr().String()
	for name, c := range map[string]struct {
		args  []string
		fails bool
		says  []string
	}{
		"address":   {[]string{"-addr=" + address, "-class=thread-per-connection", "-clause=CONN-1,CONN-2", "-seed=0x2a"}, false, []string{"--- PASS: TestTarget/CONN-1", "--- PASS: TestTarget/CONN-2", address + ": conformant"}},
		"limit":     {[]string{"-addr=" + address, "-limit=1048576", "-clause=CONN-1"}, false, []string{"--- PASS: TestTarget/CONN-1"}},
		"file":      {[]string{"-target=" + tiny.Garbling(t), "-clause=CONN-1"}, true, []string{"--- FAIL: TestTarget/CONN-1", "CONN-1 MUST fail", "rerun"}},
		"level":     {[]string{"-addr=" + address, "-clause=CONN-1", "-level=should"}, true, []string{"no clause is selected"}},
		"seed":      {[]string{"-addr=" + address, "-clause=CONN-1", "-seed=lucky"}, true, []string{"lucky is not a number"}},
		"both":      {[]string{"-addr=" + address, "-target=x.yaml"}, true, []string{"name one target"}},
		"no server": {[]string{"-addr=tcp://" + nobody(t), "-clause=CONN-1"}, true, []string{"no server answers"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := door(t, c.args...)
			if (err != nil) != c.fails {
				t.Errorf("it ended with %v\n%s", err, out)
			}
			for _, part := range c.says {
				if !strings.Contains(out, part) {
					t.Errorf("it lacks %q\n%s", part, out)
				}
			}
			if strings.Contains(out, "TestVerify") {
				t.Errorf("it ran the engine's tests too\n%s", out)
			}
		})
	}
}

// nobody is an address that nobody listens at.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestTheRerunLineOfGoTestReproduces pastes what a failing door prints into a
// shell: the same clause fails again on the same target by the same seed.
func TestTheRerunLineOfGoTestReproduces(t *testing.T) {
	if testing.Short() {
		t.Skip("builds this package's tests; left out by -short")
	}
	printed, _ := door(t, "-target="+tiny.Garbling(t), "-clause=CONN-1,CONN-2", "-seed=0x5e1f")
	line := rerunLine(t, printed)
	for _, part := range []string{judging.SeedVariable + "=0x5e1f ", "^CONN-1$", "garbles it.yaml"} {
		if !strings.Contains(line, part) {
			t.Errorf("the line lacks %q: %s", part, line)
		}
	}
	again, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err == nil || !strings.Contains(string(again), "CONN-1 MUST fail") || strings.Contains(string(again), "TestTarget/CONN-2") {
		t.Fatalf("%s: %v\n%s", line, err, again)
	}
	if second := rerunLine(t, string(again)); second != line {
		t.Errorf("pasted, it prints another line:\n%s\n%s", line, second)
	}
}

func rerunLine(t *testing.T, printed string) string {
	t.Helper()
	for line := range strings.Lines(printed) {
		if word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word == "rerun" {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("no rerun line is printed:\n%s", printed)
	return ""
}

// TestTheSeedOfTheEnvironment outranks the options, in every door of `go test`.
func TestTheSeedOfTheEnvironment(t *testing.T) {
	t.Setenv(judging.SeedVariable, "0x5e1f")
	o := rerunIn(t, judging.Options{Seed: 7})
	if o.Seed != 0x5e1f {
		t.Errorf("the seed is %#x", o.Seed)
	}
	if line := o.Rerun("CONN-1", o.Seed); !strings.HasPrefix(line, judging.SeedVariable+"=0x5e1f go test ") || !strings.Contains(line, "^TestTheSeedOfTheEnvironment$/^CONN-1$") {
		t.Errorf("the line is %s", line)
	}
}
