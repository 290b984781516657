package reference

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each figure of Stats is brought to a value that is known, beside what must not count.
func TestStats(t *testing.T) {
	var most time.Duration // that a turn can have taken
	for _, x := range []struct {
		name string
		o    Options
		do   func(t *testing.T, s *served) (want uint64)
		read func(Stats) uint64
	}{
		{name: "accepted", do: func(_ *testing.T, s *served) uint64 {
			s.sign("ECHO").Close()
			s.sign("ECHO")
			s.sign("SINK")
			return 3
		}, read: func(s Stats) uint64 { return s.Accepted }},
		{name: "open", do: func(_ *testing.T, s *served) uint64 {
			s.sign("ECHO").Close()
			s.sign("ECHO")
			s.sign("SINK")
			return 2
		}, read: func(s Stats) uint64 { return uint64(s.Open) }},
		{name: "in", do: func(_ *testing.T, s *served) uint64 {
			c := s.sign("SINK")
			c.send(strings.Repeat("x", 100_000))
			return uint64(len("SINK\n") + 100_000)
		}, read: func(s Stats) uint64 { return s.In }},
		{name: "out", do: func(t *testing.T, s *served) uint64 {
			c := s.dial()
			c.send("SOURCE 5000000\n")
			n, err := io.Copy(io.Discard, c.r)
			if err != nil || n < 5_000_000 {
				t.Errorf("%d bytes came, %v", n, err)
			}
			return uint64(n)
		}, read: func(s Stats) uint64 { return s.Out }},
		{name: "refused", o: Options{MaxConns: 1}, do: func(_ *testing.T, s *served) uint64 {
			s.sign("ECHO")
			for range 3 {
				_, _ = io.ReadAll(s.dial().r)
			}
			return 3
		}, read: func(s Stats) uint64 { return s.Refused }},
		{name: "accept errors", do: func(t *testing.T, s *served) uint64 {
			starve(t, s, 1)
			return 1
		}, read: func(s Stats) uint64 { return min(s.AcceptErrors, 1) }}, // it tries again and again
		{name: "wakes", do: func(t *testing.T, s *served) uint64 {
			before := s.Stats().Wakes
			return before + postsAndOthers(t, s)
		}, read: func(s Stats) uint64 { return s.Wakes }},
		{name: "coalesced", do: func(t *testing.T, s *served) uint64 {
			before := s.Stats().Coalesced
			postsAndOthers(t, s)
			return before + coalescedPosts
		}, read: func(s Stats) uint64 { return s.Coalesced }},
		{name: "tasks", do: func(t *testing.T, s *served) uint64 {
			before := s.Stats().Tasks
			postsAndOthers(t, s)
			return before + coalescedPosts + 2
		}, read: func(s Stats) uint64 { return s.Tasks }},
		{name: "timers", o: Options{IdleTimeout: time.Minute}, do: func(t *testing.T, s *served) uint64 {
			s.sign("ECHO") // whose idle timeout is none of the user's timers
			l := s.class.loop(0)
			mustAfter(t, l.Loop, time.Hour, func() {})
			mustAfter(t, l.Loop, time.Hour, func() {}).Cancel()
			if _, err := l.Every(time.Hour, func() {}); err != nil {
				t.Fatal(err)
			}
			return 2
		}, read: func(s Stats) uint64 { return uint64(s.Timers) }},
		{name: "lag", do: func(t *testing.T, s *served) uint64 {
			l := s.class.loop(0)
			before := time.Now()
			do(t, l.Loop, func() {
				for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
				}
			})
			do(t, l.Loop, func() {}) // by now that turn is over
			most = time.Since(before)
			return 1
		}, read: func(s Stats) uint64 { // it fades, and is no longer than there was time for
			if s.Lag < 50*time.Millisecond || s.Lag > most {
				return 0
			}
			return 1
		}},
		{name: "stalls", o: Options{StallAfter: minStall}, do: func(t *testing.T, s *served) uint64 {
			l := s.class.loop(0)
			do(t, l.Loop, func() {
				for end := time.Now().Add(within); s.Stats().Stalls == 0 && time.Now().Before(end); {
				}
			})
			return 1
		}, read: func(s Stats) uint64 { return min(s.Stalls, 1) }}, // others may stall on a machine that is loaded
		{name: "panics", do: func(t *testing.T, s *served) uint64 {
			l := s.class.loop(0)
			for range 2 {
				_ = l.Post(func() { panic("on purpose") })
			}
			do(t, l.Loop, func() {})
			return 2
		}, read: func(s Stats) uint64 { return s.Panics }},
	} {
		for _, class := range []string{ThreadPerConnection, Reactor, MultiReactor} {
			if class == ThreadPerConnection && !slices.Contains([]string{"accepted", "open", "in", "out", "refused"}, x.name) {
				continue // it is a figure of loops
			}
			t.Run(x.name+" "+class, func(t *testing.T) {
				x.o.Class = class
				s := start(t, x.o)
				if got := x.read(s.Stats()); got != 0 && x.name != "wakes" {
					t.Fatalf("it is %d at the start", got)
				}
				want := x.do(t, s)
				defer func() {
					if got := x.read(s.Stats()); got != want {
						t.Errorf("it is %d, want %d", got, want)
					}
				}()
				eventually(t, "the figure to be right", func() bool { return x.read(s.Stats()) == want })
			})
		}
	}
}

// The server's figures are the sums of its loops', its workers' and its own.
func TestStatsAddUp(t *testing.T) {
	s := start(t, Options{Class: MultiReactor, Loops: 3, StallAfter: minStall, IdleTimeout: time.Minute})
	for i, l := range s.Loops() {
		c := s.dial()
		c.send("PROB\n") // is refused
		c.wantEnd()
		c.Close()
		mustAfter(t, l, time.Hour, func() {})
		_ = l.Post(func() { panic("on purpose") })
		do(t, l, func() {
			for end := time.Now().Add(within); l.Stats().Stalls == 0 && time.Now().Before(end); {
			}
		})
		for range i + 1 {
			await(t, "a worker's job", panicking(t, s.Workers(), l))
		}
	}
	var got, want Stats
	defer func() {
		if got != want {
			t.Errorf("they are\n%+v, want\n%+v", got, want)
		}
	}()
	eventually(t, "the figures to add up", func() bool {
		want = Stats{Accepted: 3, In: 3 * uint64(len("PROB\n")), Panics: s.Workers().Stats().Panics, Timers: 3}
		for _, l := range s.Loops() {
			loop := l.Stats()
			want.Wakes += loop.Wakes
			want.Coalesced += loop.Coalesced
			want.Tasks += loop.Tasks
			want.Lag = max(want.Lag, loop.Lag)
			want.Stalls += loop.Stalls
			want.Panics += loop.Panics
		}
		got = s.Stats()
		return got == want
	})
}

// panicking gives the workers a job that panics.
func panicking(t *testing.T, w *Workers, home *Loop) <-chan error {
	told := make(chan error, 1)
	if err := w.Submit(home, func() { panic("on purpose") }, func(err error) { told <- err }); err != nil {
		t.Fatal(err)
	}
	return told
}

const coalescedPosts = 100

// postsAndOthers posts to a loop that sleeps, then coalescedPosts times to one that is
// awake, and wakes it otherwise too: it returns how many writes that takes.
func postsAndOthers(t *testing.T, s *served) (writes uint64) {
	t.Helper()
	l := s.class.loop(0).Loop
	asleep := func() { eventually(t, "the loop to sleep", l.asleep.Load) }
	asleep()
	hold, held := make(chan struct{}), make(chan struct{})
	_ = l.Post(func() { close(held); <-hold }) // writes
	await(t, "the loop to be busy", held)
	for range coalescedPosts {
		_ = l.Post(func() {})
	}
	close(hold)
	asleep()
	_ = l.Wake() // writes
	asleep()
	mustAfter(t, l, time.Hour, func() {}).Cancel() // writes
	asleep()
	ran := make(chan struct{})
	_ = s.class.taskSet().Post(func() { close(ran) }) // writes to one of the loops
	await(t, "a shared task", ran)
	return 4
}
