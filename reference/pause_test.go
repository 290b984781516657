package reference

import (
	"log/slog"
	"strings"
	"testing"
)

// Accepting that pauses and is resumed is told as what it is, and as no error.
func TestPausedAcceptingIsNoError(t *testing.T) {
	for _, class := range []string{Reactor, MultiReactor} {
		log := new(logged)
		s := start(t, Options{Class: class, Log: slog.New(slog.NewTextHandler(log, nil))})
		starve(t, s, 1)
		c := s.sign("ECHO")
		c.send("x")
		c.want("x")
		stop(t, s)
		if text := log.String(); !strings.Contains(text, "accepting pauses") || strings.Contains(text, "level=ERROR") {
			t.Errorf("%s: it logged\n%s", class, text)
		}
	}
}
