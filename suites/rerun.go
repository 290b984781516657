package suites

import (
	"regexp"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/internal/judging"
)

// rerunIn takes the seed from the environment, and words reruns as go test
// commands unless the options word them.
func rerunIn(t *testing.T, o judging.Options) judging.Options {
	t.Helper()
	if err := o.SeedGiven(); err != nil {
		t.Fatalf("reactorspec: %v", err)
	}
	if o.Rerun == nil {
		name := t.Name()
		o.Rerun = func(clause string, seed uint64) string { return judging.GoTest(seed, subtest(name, clause)) }
	}
	return o
}

// subtest is what -run needs to run a clause of a test, and no other.
func subtest(name, clause string) string {
	parts := strings.Split(name+"/"+clause, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}
