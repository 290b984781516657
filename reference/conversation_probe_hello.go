package reference

import (
	"fmt"
	"strings"
)

// Features lists what the server offers, in the words of the spec. It is what
// HELLO answers: a class without loops has no tasks and no timers to offer.
func (s *Server) Features() []string {
	features := []string{"where", "stats", "drain", "login", "sink", "source"}
	if s.options.hasLoops() {
		features = append(features, "post", "shared", "hooks", "timer", "timer-any-thread", "offload", "contain", "limit", "watch")
	}
	if s.options.IdleTimeout > 0 {
		features = append(features, "idle-timeout")
	}
	return features
}

// hello is the fields of HELLO. They say what is, not what was asked for (PROBE-11). By the
// class a client knows whose threads serve it (MODEL-4, MODEL-5).
func (s *Server) hello() []byte {
	o := s.options
	loops, limit, wakeup, poller := o.Loops, o.Limit, o.Wakeup, o.Poller
	if !o.hasLoops() {
		loops, limit, wakeup, poller = 0, 0, "none", "none"
	} else if o.NewWaker != nil {
		wakeup = "own"
	}
	nonce := o.Nonce
	if nonce == "" {
		nonce = "-"
	}
	return fields("class", o.Class, "loops", loops, "features", strings.Join(s.Features(), ","), "limit", limit,
		"idle-timeout", o.IdleTimeout.Nanoseconds(), "wakeup", wakeup, "poller", poller, "nonce", nonce)
}

// fields writes keys and values in turn as the fields of a reply.
func fields(pairs ...any) []byte {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ' ')
		}
		b = fmt.Appendf(b, "%v=%v", pairs[i], pairs[i+1])
	}
	return b
}
