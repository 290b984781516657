// Command seeds turns the seeds of a Go fuzz target that takes one []byte into
// inputs of libFuzzer: OSS-Fuzz reads one byte for each argument of no fixed size,
// their shares of what follows, and then the arguments.
//
//	go run .clusterfuzzlite/seeds.go FROM-DIRECTORY TO-DIRECTORY
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	paths, err := filepath.Glob(filepath.Join(os.Args[1], "*"))
	if err != nil {
		fail(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			fail(err)
		}
		quoted, ok := strings.CutPrefix(string(text), "go test fuzz v1\n[]byte(")
		seed, err := strconv.Unquote(strings.TrimSuffix(strings.TrimSuffix(quoted, "\n"), ")"))
		if !ok || err != nil {
			fail(fmt.Errorf("%s is no seed of one []byte: %v", path, err))
		}
		if err := os.WriteFile(filepath.Join(os.Args[2], filepath.Base(path)), []byte("\xff"+seed), 0o644); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "seeds:", err)
	os.Exit(1)
}
