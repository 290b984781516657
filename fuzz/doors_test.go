package fuzz

import (
	"testing"

	"github.com/reactorspec/reactorspec/reference"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites"
)

// The doors that users have, on the reference.

func FuzzServer(f *testing.F) {
	suites.Fuzz(f, func() (contract.Server, error) {
		return reference.New(reference.Options{Class: reference.MultiReactor, Log: quiet})
	})
}

func FuzzLoop(f *testing.F) {
	suites.FuzzLoop(f, func() (contract.Loop, error) { return reference.NewLoop(reference.LoopOptions{Log: quiet}) })
}
