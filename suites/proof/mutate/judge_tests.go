package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// failed names a test that failed, and hanging one that ran when time was up: a test
// before its parts, or behind them.
var (
	failed  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	hanging = regexp.MustCompile(`(?m)^\s*running tests:\s+(\S+)`)
)

// packages are those whose unit tests judge.
var packages = []string{"./reference", "./reference/internal/poll"}

// doors are the in-process doors of the suites, which judge the reference by its own
// methods in tests of the root package: each clause and each model in a part of its own.
var doors = []string{"TestLoop", "TestServer"}

// doorsPackage holds the doors.
const doorsPackage = "."

// quick is, in seconds, what a test may take that is asked before the others.
const quick = 0.3

// throughDoors names the first clause or model that fails, twice, behind an in-process
// door that meets the mutant.
func throughDoors(ctx context.Context, root, overlay, dir string, reach *Reach, meets func([]int) bool) (string, error) {
	var names []string
	for _, door := range reach.Doors {
		if meets(door.Blocks) {
			names = append(names, door.Name)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	binary := filepath.Join(dir, "mutant.doors")
	if err := buildTests(ctx, root, overlay, binary, doorsPackage); err != nil {
		return "", err
	}
	for _, name := range names {
		if killer := firstFailing(ctx, filepath.Join(root, doorsPackage), binary, []string{name}); killer != "" || ctx.Err() != nil {
			return killer, ctx.Err()
		}
	}
	return "", nil
}

// buildTests has the go command build the tests of a package with the mutant in them.
func buildTests(ctx context.Context, root, overlay, binary, p string) error {
	out, err := command(ctx, root, "go", "test", "-c", "-overlay", overlay, "-o", binary, p).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("the tests of %s do not build: %w: %s", p, err, bytes.TrimSpace(out))
	}
	return nil
}

// byUnits names the first unit test of the reference that fails, twice.
func byUnits(ctx context.Context, root, overlay, dir string, reach *Reach, meets func([]int) bool) (string, error) {
	for _, p := range packages {
		var stages [2][]string
		for _, test := range reach.Tests {
			switch {
			case test.Package != p || !meets(test.Blocks):
			case test.Seconds < quick:
				stages[0] = append(stages[0], test.Name)
			default:
				stages[1] = append(stages[1], test.Name)
			}
		}
		if len(stages[0])+len(stages[1]) == 0 {
			continue
		}
		binary := filepath.Join(dir, "mutant.test")
		if err := buildTests(ctx, root, overlay, binary, p); err != nil {
			return "", err
		}
		for _, names := range stages {
			if killer := firstFailing(ctx, filepath.Join(root, p), binary, names); killer != "" || ctx.Err() != nil {
				test, _, _ := strings.Cut(killer, "/")
				return test, ctx.Err()
			}
		}
	}
	return "", nil
}

// firstFailing names the first of the tests that fails, with its part, and fails again by itself.
func firstFailing(ctx context.Context, folder, binary string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	all := "^(" + strings.Join(names, "|") + ")$"
	switch killer := failure(ctx, folder, binary, all); {
	case killer == "":
		return ""
	case killer == unnamed:
		return failure(ctx, folder, binary, all)
	default:
		return failure(ctx, folder, binary, itself(killer))
	}
}

// itself is the pattern of a test, or of a part of one, and of no other.
func itself(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// failure runs a test binary in its package's folder, and names what failed or hung.
func failure(ctx context.Context, folder, binary, tests string) string {
	words := bounded(binary, "-test.failfast", "-test.timeout", "120s", "-rapid.nofailfile", "-test.run", tests)
	out, err := command(ctx, folder, words...).CombinedOutput()
	if err == nil {
		return ""
	}
	return cmp.Or(innermost(failed, out), innermost(hanging, out), unnamed)
}

// innermost is the part that stands deepest of those that are named, the first of them.
func innermost(names *regexp.Regexp, out []byte) string {
	deepest := ""
	for _, found := range names.FindAllSubmatch(out, -1) {
		if name := string(found[1]); deepest == "" || strings.Count(name, "/") > strings.Count(deepest, "/") && strings.HasPrefix(name, deepest+"/") {
			deepest = name
		}
	}
	return deepest
}

// unnamed is a failure by a panic, whichever test it was in.
const unnamed = "Test.*"
