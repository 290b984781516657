package suites

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/internal/tiny"
)

// TestReportsOfAGoTest: without -v the verdict is said where it is not conformant, and
// the reports are where the environment asks for them.
func TestReportsOfAGoTest(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "made", "for it")
	cmd := exec.Command(self, "-target="+tiny.Garbling(t), "-clause=CONN-1")
	cmd.Env = append(os.Environ(), reportVariable+"="+dir)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "garbles: not conformant; class") {
		t.Errorf("it ended with %v\n%s", err, out)
	}
	for _, name := range []string{"TestTarget.json", "TestTarget.xml", "TestTarget.html", "TestTarget.md", "TestTarget.svg"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(text), "not conformant") && name != "TestTarget.xml" {
			t.Errorf("%s: %v", name, err)
		}
	}
	cmd = exec.Command(self, "-target="+tiny.Garbling(t), "-clause=CONN-1")
	cmd.Env = append(os.Environ(), reportVariable+"=/dev/null/x")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), reportVariable+": mkdir /dev/null: not a directory") {
		t.Errorf("it ended with %v\n%s", err, out)
	}
}
