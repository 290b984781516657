package reference

import (
	"log"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// A loop complains to the log that it was given, and to slog's default if it was given none.
func TestLoopLog(t *testing.T) {
	before, flags := slog.Default(), log.Flags()
	defer func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr) // which went to the other default
		log.SetFlags(flags)
	}()
	for _, given := range []bool{true, false} {
		own, common := new(logged), new(logged)
		slog.SetDefault(logTo(common))
		o, want, other := LoopOptions{Index: 3}, common, own
		if given {
			o.Log, want, other = logTo(own), own, common
		}
		l, err := NewLoop(o)
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Post(func() { panic("ouch") })
		l.runTasks()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := want.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "task panicked") || !strings.Contains(got, "loop=3 panic=ouch") {
			t.Errorf("with a log of its own %v: logged %q", given, got)
		}
		if got := other.String(); got != "" {
			t.Errorf("with a log of its own %v: the other log got %q", given, got)
		}
	}
}
