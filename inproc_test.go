package main

import (
	"flag"
	"io"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/reactorspec/reactorspec/reference"
	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/spec/contract"
	"github.com/reactorspec/reactorspec/suites"
	"github.com/reactorspec/reactorspec/suites/target"
)

// TestMain sets what rapid may spend on making a failing case small; the case is
// kept below testdata/rapid, which the failure names.
func TestMain(m *testing.M) {
	flag.Parse()
	if !given("rapid.shrinktime") {
		_ = flag.Set("rapid.shrinktime", "10s")
	}
	m.Run()
}

func given(name string) (found bool) {
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

var soak = flag.Bool("soak", false, "race a million wakeups instead of some thousands")

// quiet is a log for servers that are provoked on purpose.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// TestLoop judges the reference's loop by its own methods: whole over epoll, and
// by what depends on them over the other pollers and wakeups.
func TestLoop(t *testing.T) {
	for _, row := range []struct {
		reference.LoopOptions
		families []string
	}{
		{reference.LoopOptions{Poller: "epoll", Wakeup: "eventfd"}, nil},
		{reference.LoopOptions{Poller: "epollet", Wakeup: "pipe"}, []string{"WAKE"}},
		{reference.LoopOptions{Poller: "poll", Wakeup: "socketpair"}, []string{"WAKE", "TIME"}},
		{reference.LoopOptions{Poller: "select", Wakeup: "pipe"}, []string{"WAKE"}},
	} {
		o := row.LoopOptions
		t.Run(o.Poller+" "+o.Wakeup, func(t *testing.T) {
			if testing.Short() && o.Poller != "epoll" {
				t.Skip("-short: one poller stands for all")
			}
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			o.Log = quiet
			t.Run("loop", func(t *testing.T) {
				suites.VerifyLoop(t, func() (contract.Loop, error) { return reference.NewLoop(o) },
					suites.As(target.File{Name: "reference loop", Features: []spec.Feature{"timer-any-thread"}}),
					suites.Families(row.families...), func(options *suites.Options) { options.Soak = *soak })
			})
		})
	}
}

// TestServer judges the reference's servers without a process of their own. The
// command judges them whole; what is left here is what differs in-process.
func TestServer(t *testing.T) {
	for _, class := range reference.Classes {
		t.Run(class, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			t.Run("server", func(t *testing.T) {
				suites.VerifyServer(t, func() (contract.Server, error) {
					return reference.New(reference.Options{Class: class, Log: quiet})
				}, suites.As(target.File{Name: "reference " + class}), suites.Clauses("SIGN-1", "SIGN-2", "CONN-1", "CONN-6", "PROBE-1", "PROBE-4", "PROBE-11", "LIFE-8", "TASK-1", "WAKE-3"))
			})
		})
	}
}
