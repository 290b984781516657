package reference

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrongLoopsAreRefuted plays the interleavings and the scripts on loops with one mistake
// each, built with an overlay: what cannot fail shows nothing.
func TestWrongLoopsAreRefuted(t *testing.T) {
	if testing.Short() {
		t.Skip("builds this package's tests once for each mistake")
	}
	for _, x := range []struct{ name, file, old, new, by string }{
		{"looks before it announces", "loop_sleep.go", "	l.asleep.Store(true)\n	timeout, now := l.look()", "	timeout, now := l.look()\n	l.asleep.Store(true)", "TestEveryInterleaving"},
		{"looks before it announces", "loop_sleep.go", "	l.asleep.Store(true)\n	timeout, now := l.look()", "	timeout, now := l.look()\n	l.asleep.Store(true)", "TestScripts"},
		{"does not look at the shared set again", "loop_sleep.go", " || l.shared.waiting()", "", "TestEveryInterleaving"},
		{"does not look for what is to be resumed", "loop_sleep.go", "l.slots.resuming() || ", "", "TestScripts"},
		{"looks at its tasks only when no timer is set", "loop_sleep.go", "	if !busy {\n", "	if _, ok := l.timers.next(); !busy || ok {\n", "TestScripts"},
		{"a new timer wakes nobody", "timers.go", "	t.loop.rouse() // it looks", "	// it looks", "TestScripts"},
	} {
		t.Run(x.name+", "+x.by, func(t *testing.T) {
			text, err := os.ReadFile(x.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), x.old); n != 1 {
				t.Fatalf("%q occurs %d times in %s, want once", x.old, n, x.file)
			}
			out, err := testWith(t, x.by, x.file, strings.Replace(string(text), x.old, x.new, 1))
			if err == nil || !strings.Contains(out, "a lost wakeup") {
				t.Errorf("no lost wakeup was seen: %v\n%.2000s", err, out)
			}
		})
	}
}

// testWith runs one test with another text of one file.
func testWith(t *testing.T, test, file, text string) (output string, err error) {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	wrong, overlay := filepath.Join(dir, file), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {here: wrong}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{wrong: []byte(text), overlay: list} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "test", "-overlay", overlay, "-vet=off", "-run", "^"+test+"$", ".")
	all, err := build.CombinedOutput()
	return string(all), err
}
