package suites

import (
	"testing"

	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites/internal/fuzzing"
)

// Fuzz has Go's own fuzzing draw what clients do to a server: how they connect, what they
// send in which pieces, when they read, half-close, reset and leave. The server runs in the
// test's process, so that coverage of its code guides the drawing. A model of what each
// connection is owed judges every byte; what fails is a transcript in the failure's text,
// and an input below testdata/fuzz. `go test` plays a few transcripts, and those inputs again;
// `go test -fuzz` draws.
//
// The dialect is probe unless As says another. newServer makes a server that was not started.
func Fuzz(f *testing.F, newServer func() (contract.Server, error), opts ...Option) {
	f.Helper()
	fuzzing.Server(f, newServer, optionsOf(opts))
}

// FuzzLoop has Go's own fuzzing draw tasks, wakeups and timers for an event loop, and
// compares it with the models of VerifyLoop. newLoop makes another loop for every input.
func FuzzLoop(f *testing.F, newLoop func() (contract.Loop, error), opts ...Option) {
	f.Helper()
	fuzzing.Loop(f, newLoop, optionsOf(opts))
}
