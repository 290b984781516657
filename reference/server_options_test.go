package reference

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"reflect"
	"testing"
	"time"
)

// What asks for something that the class has not is refused, its default is not.
func TestOptionsOfOtherClasses(t *testing.T) {
	for want, o := range map[string]Options{
		`option Loops is 3: class iterative has no loops`:                                                       {Class: Iterative, Loops: 3},
		`option Poller is "select": class iterative has no loops`:                                               {Class: Iterative, Poller: "select"},
		`option Wakeup is "pipe": class thread-per-connection has no loops`:                                     {Class: ThreadPerConnection, Wakeup: "pipe"},
		`option Balance is "source-hash": class thread-per-connection has no loops`:                             {Class: ThreadPerConnection, Balance: SourceHash},
		`option Balance is "source-hash": the class reactor has 1 loop; want class multi-reactor`:               {Class: Reactor, Balance: SourceHash},
		`option TaskShare is 1: class iterative has no loops`:                                                   {Class: Iterative, TaskShare: 1},
		`option Shared is 1: class iterative has no loops`:                                                      {Class: Iterative, Shared: 1},
		`option Workers is 1: class iterative has no loops, whose work would go to workers`:                     {Class: Iterative, Workers: 1},
		`option WorkQueue is 1: class thread-per-connection has no loops, whose work would go to workers`:       {Class: ThreadPerConnection, WorkQueue: 1},
		`option StallAfter is 1s: class thread-per-connection has no loops`:                                     {Class: ThreadPerConnection, StallAfter: time.Second},
		`option NewWaker is "set": class thread-per-connection has no loops`:                                    {Class: ThreadPerConnection, NewWaker: NewEventFD},
		`option MaxThreads is 1: class reactor has no threads of connections; want class thread-per-connection`: {Class: Reactor, MaxThreads: 1},
		`option TaskShare is 1000001: want 1 to 1000000`:                                                        {TaskShare: 1_000_001},
		`option Balance is "random": want one of round-robin, least-connections, source-hash`:                   {Class: Iterative, Balance: "random"},
		`option Class is "fast": want one of iterative, thread-per-connection, reactor, multi-reactor`:          {Class: "fast"},
	} {
		if _, err := New(o); err == nil || err.Error() != want {
			t.Errorf("New: %v; want %s", err, want)
		}
	}
	for _, class := range Classes {
		if _, err := New(Options{Class: class, Poller: "epoll", Wakeup: "eventfd", Balance: RoundRobin}); err != nil {
			t.Errorf("the defaults of %s: %v", class, err)
		}
	}
}

// What is left at 0 or "" gets the default that Options promises.
func TestDefaults(t *testing.T) {
	t.Setenv("REACTORSPEC_NONCE", "from the environment")
	for class, loops := range map[string]int{"": 2, MultiReactor: 2, Reactor: 1} {
		s, err := New(Options{Class: class})
		if err != nil {
			t.Fatal(err)
		}
		want := Options{
			Class: MultiReactor, Loops: loops, Poller: "epoll", Wakeup: "eventfd", Balance: RoundRobin, Backlog: 4096, MaxConns: 1_000_000,
			MaxThreads: 1000, Limit: 16 << 20, LowWater: 8 << 20, MaxFrame: defaultMaxFrame, DrainTimeout: time.Minute, Workers: 4,
			WorkQueue: 64, Shared: 64, TaskShare: 1024, StallAfter: 100 * time.Millisecond, Nonce: "from the environment",
		}
		if class != "" {
			want.Class = class
		}
		got := s.options
		if got.Handler == nil || got.Log != slog.Default() {
			t.Errorf("class %q: no handler, or another log", class)
		}
		got.Handler, got.Log = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("class %q: got %+v, want %+v", class, got, want)
		}
	}
	log := quiet()
	s, err := New(Options{Nonce: "own", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if s.options.Nonce != "own" || s.options.Log != log {
		t.Errorf("an option of its own is lost: %+v", s.options)
	}
}

// A range holds both of its ends, and nothing beyond them.
func TestRangesOfOptions(t *testing.T) {
	fits := func(o Options, want bool) {
		t.Helper()
		_, err := New(o)
		if bad := new(OptionError); errors.As(err, &bad) == want {
			t.Errorf("%+v: %v; want it accepted: %t", o, err, want)
		}
	}
	for _, x := range []struct {
		class       string
		least, most int64
		set         func(o *Options, n int64)
	}{
		{MultiReactor, 1, 256, func(o *Options, n int64) { o.Loops = int(n) }},
		{Reactor, 1, 1, func(o *Options, n int64) { o.Loops = int(n) }},
		{Reactor, 1, 65_535, func(o *Options, n int64) { o.Backlog = int(n) }},
		{Reactor, 1, 1_000_000, func(o *Options, n int64) { o.MaxConns = int(n) }},
		{ThreadPerConnection, 1, 8_000, func(o *Options, n int64) { o.MaxThreads = int(n) }},
		{Reactor, 1, 1 << 30, func(o *Options, n int64) { o.Limit = int(n) }},
		{Reactor, 1, 100, func(o *Options, n int64) { o.Limit, o.LowWater = 100, int(n) }},
		{Reactor, 1, 64 << 20, func(o *Options, n int64) { o.MaxFrame = int(n) }},
		{Reactor, 1, 1_000, func(o *Options, n int64) { o.Workers = int(n) }},
		{Reactor, 1, 1_000_000, func(o *Options, n int64) { o.WorkQueue = int(n) }},
		{Reactor, 1, 1_024, func(o *Options, n int64) { o.Shared = int(n) }},
		{Reactor, 1, 1_000_000, func(o *Options, n int64) { o.TaskShare = int(n) }},
		{Reactor, 1, int64(maxTime), func(o *Options, n int64) { o.IdleTimeout = time.Duration(n) }},
		{Reactor, 1, int64(maxTime), func(o *Options, n int64) { o.DrainTimeout = time.Duration(n) }},
		{Reactor, int64(minStall), int64(maxTime), func(o *Options, n int64) { o.StallAfter = time.Duration(n) }},
	} {
		for n, want := range map[int64]bool{-1: false, x.least: true, x.most: true, x.most + 1: false} {
			o := Options{Class: x.class}
			x.set(&o, n)
			fits(o, want)
		}
	}
	fits(Options{StallAfter: minStall - 1}, false)
}

// Whoever configures can tell a mistake of his own from a failure.
func TestOptionErrorsAreTold(t *testing.T) {
	serving := func(flags ...string) func() error {
		return func() error {
			fs := flag.NewFlagSet("serve", flag.ContinueOnError)
			serve := Command(fs)
			if err := fs.Parse(flags); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return serve(ctx)
		}
	}
	for name, c := range map[string]struct {
		do     func() error
		option string
	}{
		"New":           {func() error { _, err := New(Options{MaxConns: -1}); return err }, "MaxConns"},
		"a time":        {func() error { _, err := New(Options{IdleTimeout: -1}); return err }, "IdleTimeout"},
		"NewLoop":       {func() error { _, err := NewLoop(LoopOptions{Index: -1}); return err }, "Index"},
		"a poller":      {func() error { _, err := NewLoop(LoopOptions{Poller: "kqueue"}); return err }, "Poller"},
		"NewWaker":      {func() error { _, err := NewWaker("signal"); return err }, "Wakeup"},
		"NewTaskSet":    {func() error { _, err := NewTaskSet(0); return err }, "Shared"},
		"NewWorkers":    {func() error { _, err := NewWorkers(0, 1); return err }, "Workers"},
		"a queue":       {func() error { _, err := NewWorkers(1, -1); return err }, "WorkQueue"},
		"Watch":         {func() error { _, err := Watch(time.Millisecond, nil); return err }, "StallAfter"},
		"--task-share":  {serving("--task-share=-1"), "TaskShare"},
		"--network":     {serving("--network=udp"), "network"},
		"--listen":      {serving("--listen=nowhere"), "listen"},
		"stop-deadline": {serving("--stop-deadline=-1s"), "stop-deadline"},
		"an argument":   {serving("now"), "arguments"},
	} {
		err := c.do()
		var bad *OptionError
		if !errors.As(err, &bad) || bad.BadOption() != c.option || bad.Reason == "" {
			t.Errorf("%s: %v; want an *OptionError of %s", name, err, c.option)
		}
	}
	taken := start(t, Options{})
	err := serving("--listen=" + taken.addr.String())()
	if bad := new(OptionError); err == nil || errors.As(err, &bad) {
		t.Errorf("an address in use: %v; want a failure that is no *OptionError", err)
	}
}

func TestOptionErrors(t *testing.T) {
	for want, o := range map[string]Options{
		`option Class is "fast": want one of iterative, thread-per-connection, reactor, multi-reactor`: {Class: "fast"},
		`option Poller is "kqueue": want one of epoll, epollet, poll, select`:                          {Poller: "kqueue"},
		`option Wakeup is "signal": want one of eventfd, pipe, socketpair`:                             {Wakeup: "signal"},
		`option Balance is "random": want one of round-robin, least-connections, source-hash`:          {Balance: "random"},
		`option Loops is 257: want 1 to 256`:                                                           {Loops: 257},
		`option Loops is 2: the class reactor has 1 loop; want class multi-reactor`:                    {Class: Reactor, Loops: 2},
		`option Limit is -1: want 1 to 1073741824`:                                                     {Limit: -1},
		`option LowWater is 11: want 0 to 10`:                                                          {Limit: 10, LowWater: 11},
		`option MaxThreads is 10000: want 1 to 8000`:                                                   {Class: ThreadPerConnection, MaxThreads: 10_000},
		`option Workers is -4: want 1 to 1000`:                                                         {Workers: -4},
		`option IdleTimeout is -1s: want 0 to 8760h0m0s`:                                               {IdleTimeout: -time.Second},
		`option StallAfter is 1ms: want 10ms to 8760h0m0s`:                                             {StallAfter: time.Millisecond},
	} {
		if _, err := New(o); err == nil || err.Error() != want {
			t.Errorf("New: %v; want %s", err, want)
		}
	}
}
