package clauses

import (
	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// whateverClientsDo plays kept and random conversations of bytes, with pieces, ends and resets:
// each connection must get the bytes that are due to it, and a legal end.
func whateverClientsDo(s *session.Session) { play.Judge(s, play.ShapeFor(s)) }

// whateverProbersDo plays kept and random PROBE conversations beside those of bytes: each
// connection must get the replies that are due to it, and a legal end.
func whateverProbersDo(s *session.Session) { play.Judge(s, probers(s)) }

// probers is the shape of the conversations with PROBE among them: any verb may come, each in a frame.
func probers(s *session.Session) play.Shape {
	shape := play.ShapeFor(s)
	shape.Frames, shape.Verbs = true, transcript.Verbs()
	return shape
}

// Searching returns the checks about whatever clients do as random searches and
// nothing else, to measure these: no kept transcript is played, and what fails is
// not shortened.
func Searching() []session.Check {
	search := play.DefaultSearch
	search.Shrink = 0
	return []session.Check{
		// Plays random conversations of bytes and no kept ones: each connection must get the bytes that are due to it.
		{Clause: "CONN-22", Run: func(s *session.Session) { search.Run(s, play.ShapeFor(s)) }},
		// Plays random PROBE conversations beside those of bytes: each connection must get the replies that are due to it.
		{Clause: "PROBE-13", Run: func(s *session.Session) { search.Run(s, probers(s)) }},
	}
}
