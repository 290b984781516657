package fuzz

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What .clusterfuzzlite builds has the targets of the doors, and none of a package x_test,
// which its build script cannot reach.
func TestTargetsOfClusterFuzzLite(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed")
	}
	out, err := exec.Command(filepath.Join(root, ".clusterfuzzlite/targets")).Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, door := range []string{"fuzz FuzzServer", "fuzz FuzzLoop"} {
		if !strings.Contains("\n"+string(out), "\n"+door+"\n") {
			t.Errorf("%s is not listed", door)
		}
	}
	for _, line := range listed {
		dir, target, _ := strings.Cut(line, " ")
		files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found, err := exec.Command("grep", append([]string{"-l", "func " + target + "("}, files...)...).Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		clause, err := exec.Command("grep", "-h", "-m1", "^package ", strings.TrimSpace(string(found))).Output()
		if err != nil || strings.HasSuffix(strings.TrimSpace(string(clause)), "_test") {
			t.Errorf("%s: %s%v", line, clause, err)
		}
	}
}
