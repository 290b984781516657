package fuzz

import (
	"flag"
	"io"
	"log/slog"
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

// drawn makes a fuzz target of a property; words seed the draws with bytes that
// are sure to make a whole case.
func drawn(f *testing.F, property func(*rapid.T)) {
	for _, seed := range [][]byte{make([]byte, 64), pattern(256), pattern(2048)} {
		f.Add(seed)
	}
	f.Fuzz(rapid.MakeFuzz(property))
}

// pattern is n bytes in which every value and many words occur.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i/256)
	}
	return b
}
