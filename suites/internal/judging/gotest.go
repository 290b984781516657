package judging

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// SeedVariable fixes the seed of every Verify and Specs of a `go test`, whatever the
// options say, so that a rerun line works whether or not the test has a flag for it.
const SeedVariable = "REACTORSPEC_SEED"

// SeedGiven takes the seed from the environment, if it is there.
func (o *Options) SeedGiven() error {
	text := os.Getenv(SeedVariable)
	if text == "" {
		return nil
	}
	seed, err := ParseSeed(text)
	if err != nil {
		return fmt.Errorf("%s: %w", SeedVariable, err)
	}
	o.Seed = seed
	return nil
}

// GoTest words the go test command that runs the tests of this process again with that
// seed: those that run selects, all with "", as they were built, and with the flags that
// they were given behind -args. Ginkgo's are left out, which say what is selected and how
// it is shown; more are further ones.
func GoTest(seed uint64, run string, more ...string) string {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	words := []string{fmt.Sprintf("%s=%#x go test -C %s -count=1", SeedVariable, seed, Quote(filepath.Clean(dir)))}
	if info, found := debug.ReadBuildInfo(); found {
		for _, setting := range info.Settings {
			if setting.Key == "-race" || setting.Key == "-tags" {
				words = append(words, Quote(setting.Key+"="+setting.Value))
			}
		}
	}
	var given []string
	flag.Visit(func(f *flag.Flag) {
		switch {
		case f.Name == "test.short":
			words = append(words, "-short="+f.Value.String())
		case !strings.HasPrefix(f.Name, "test.") && !strings.HasPrefix(f.Name, "ginkgo."):
			given = append(given, Quote("-"+f.Name+"="+f.Value.String()))
		}
	})
	for _, flag := range more {
		given = append(given, Quote(flag))
	}
	if run != "" {
		words = append(words, "-run", Quote(run))
	}
	words = append(words, ".")
	if len(given) > 0 {
		words = append(append(words, "-args"), given...)
	}
	return strings.Join(words, " ")
}
