package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestArrows keeps data flowing one way: spec knows nobody, the reference
// knows the contracts alone, and the suites know the reference only through a
// socket.
func TestArrows(t *testing.T) {
	const module = "github.com/reactorspec/reactorspec/"
	for _, row := range []struct {
		from string
		may  func(dep string) bool
	}{
		{"./spec/...", func(dep string) bool { return strings.HasPrefix(dep, "spec") }},
		{"./reference/...", func(dep string) bool {
			return dep == "spec/contract" || dep == "spec/probe" || strings.HasPrefix(dep, "reference")
		}},
		{"./suites/...", func(dep string) bool { return !strings.HasPrefix(dep, "reference") && !strings.HasPrefix(dep, "fuzz") }},
	} {
		out, err := exec.Command("go", "list", "-deps", row.from).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", row.from, err)
		}
		seen := 0
		for _, dep := range strings.Fields(string(out)) {
			ours, ok := strings.CutPrefix(dep, module)
			if !ok {
				continue
			}
			seen++
			if !row.may(ours) {
				t.Errorf("%s imports %s", row.from, ours)
			}
		}
		if seen == 0 {
			t.Errorf("go list -deps %s names no package of this module: the test sees nothing", row.from)
		}
	}
}
