package clauses

import (
	"github.com/reactorspec/reactorspec/suites/play"
	"github.com/reactorspec/reactorspec/suites/session"
	"github.com/reactorspec/reactorspec/suites/transcript"
)

// whateverClientsDo judges conversations of bytes.
func whateverClientsDo(s *session.Session) { play.Judge(s, play.ShapeFor(s)) }

// whateverProbersDo judges PROBE conversations beside those of bytes.
func whateverProbersDo(s *session.Session) {
	shape := play.ShapeFor(s)
	shape.Frames, shape.Verbs = true, transcript.Verbs()
	play.Judge(s, shape)
}
