package suites

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/internal/judging"
)

// seedVariable fixes the seed of every door of `go test`, whatever the options
// say, so that a rerun line works whether or not the test has a flag for it.
const seedVariable = "REACTORSPEC_SEED"

// rerunIn takes the seed from the environment, and words reruns as go test
// commands unless the options word them.
func rerunIn(t *testing.T, o judging.Options) judging.Options {
	t.Helper()
	if text := os.Getenv(seedVariable); text != "" {
		seed, err := judging.ParseSeed(text)
		if err != nil {
			t.Fatalf("reactorspec: %s: %v", seedVariable, err)
		}
		o.Seed = seed
	}
	if o.Rerun == nil {
		name := t.Name()
		o.Rerun = func(clause string, seed uint64) string { return rerunTest(name, clause, seed) }
	}
	return o
}

// rerunTest words the go test command that judges one clause again: as this
// test was built, and with the flags that it was given behind -args.
func rerunTest(name, clause string, seed uint64) string {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	parts := strings.Split(name+"/"+clause, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	words := []string{fmt.Sprintf("%s=%#x go test -C %s -count=1", seedVariable, seed, judging.Quote(filepath.Clean(dir)))}
	if info, found := debug.ReadBuildInfo(); found {
		for _, setting := range info.Settings {
			if setting.Key == "-race" || setting.Key == "-tags" {
				words = append(words, judging.Quote(setting.Key+"="+setting.Value))
			}
		}
	}
	var given []string
	flag.Visit(func(f *flag.Flag) {
		switch {
		case f.Name == "test.short":
			words = append(words, "-short="+f.Value.String())
		case !strings.HasPrefix(f.Name, "test."):
			given = append(given, judging.Quote("-"+f.Name+"="+f.Value.String()))
		}
	})
	words = append(words, "-run", judging.Quote(strings.Join(parts, "/")), ".")
	if len(given) > 0 {
		words = append(append(words, "-args"), given...)
	}
	return strings.Join(words, " ")
}
