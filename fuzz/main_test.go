package fuzz

import (
	"flag"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.fuzz"); f != nil && f.Value.String() != "" {
		m.Run() // the fuzzer's workers leave goroutines of their own
		return
	}
	goleak.VerifyTestMain(m)
}

// quiet is a log for servers that are provoked on purpose.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// drawn makes a fuzz target of a property. A seed is the numbers that the property's
// draws are made of: all least, and two rows of any, as rapid.Check takes them. What
// fuzzing found to reach further is kept below testdata/fuzz.
func drawn(f *testing.F, property func(*rapid.T)) {
	f.Add(make([]byte, 4<<10))
	for n := range byte(2) {
		seed := make([]byte, 8<<10)
		_, _ = rand.NewChaCha8([32]byte{n}).Read(seed) // which never fails
		f.Add(seed)
	}
	f.Fuzz(rapid.MakeFuzz(property))
}
