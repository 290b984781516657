package clauses

import (
	"github.com/reactorspec/reactorspec/suites/internal/play"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// whateverClientsDo judges conversations of bytes.
func whateverClientsDo(s *session.Session) { play.Judge(s, play.ShapeFor(s)) }

// whateverProbersDo judges PROBE conversations beside those of bytes.
func whateverProbersDo(s *session.Session) { play.Judge(s, probers(s)) }

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
		{Clause: "CONN-22", Run: func(s *session.Session) { search.Run(s, play.ShapeFor(s)) }},
		{Clause: "PROBE-13", Run: func(s *session.Session) { search.Run(s, probers(s)) }},
	}
}
