package reference

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/reactorspec/reactorspec/reference/internal/poll"
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

// While accepting pauses nobody is taken, also where the poller tells of the listener all
// the same; whoever came meanwhile is served after it.
func TestPausedListenerIsLeftAlone(t *testing.T) {
	s := start(t, Options{Class: Reactor, Log: quiet()})
	a := &s.class.(*reactors).acceptor
	var c *client
	do(t, a.loop, func() {
		a.pause(syscall.EMFILE)
		c = s.dial()
		c.send("ECHO\nx")
		a.ready(poll.Readable)
		if n := s.Stats().Open; n != 0 {
			t.Errorf("%d connections were accepted", n)
		}
	})
	c.line()
	c.want("x")
}
