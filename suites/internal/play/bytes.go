package play

import (
	"slices"

	"github.com/reactorspec/reactorspec/suites/transcript"
)

// The form in which Go's fuzzer edits a transcript: six bytes a step, each at its
// place, so that an edit of one byte changes one thing.
const stepBytes = 6

var byteOps = []transcript.Op{transcript.Open, transcript.Dial, transcript.Ask, transcript.Push, transcript.Send, transcript.Read, transcript.Sip,
	transcript.Fin, transcript.End, transcript.Reset, transcript.Close, transcript.Wait, transcript.Call, transcript.Halt, transcript.Spoil,
	transcript.Rain, transcript.Short}

// FromBytes makes steps of any bytes; those beyond the shape are left out.
func (shape Shape) FromBytes(b []byte) []transcript.Step {
	var steps []transcript.Step
	for ; len(b) >= stepBytes && len(steps) < mostSteps; b = b[stepBytes:] {
		s := transcript.Step{Op: byteOps[int(b[0])%len(byteOps)], Conn: 1 + int(b[1]&0x3f), Frames: b[1]&0x40 != 0, Narrow: b[1]&0x80 != 0}
		s.Size = int(b[2]) | int(b[3])<<8 | int(b[4])<<16
		if s.Op != transcript.Open {
			s.Narrow = false
		}
		switch s.Op {
		case transcript.Call:
			s.Verb, s.Frames = transcript.Verbs()[int(b[5])%len(transcript.Verbs())], false
		case transcript.Spoil:
			s.Verb, s.Frames = transcript.Spoils()[int(b[5])%len(transcript.Spoils())], false
		case transcript.Dial, transcript.Open:
			s.Size = 0
		default:
			s.Count, s.Frames = int(b[5]), false
		}
		if s.Op != transcript.Send && s.Op != transcript.Read {
			s.Count = 0
		}
		steps = append(steps, s)
	}
	return shape.Within(steps)
}

// ToBytes is the form of steps of which FromBytes makes the same again, where they are
// within its shape.
func ToBytes(steps []transcript.Step) []byte {
	var b []byte
	for _, s := range steps {
		last := s.Count
		switch s.Op {
		case transcript.Call:
			last = slices.Index(transcript.Verbs(), s.Verb)
		case transcript.Spoil:
			last = slices.Index(transcript.Spoils(), s.Verb)
		}
		conn := byte(max(s.Conn-1, 0) & 0x3f)
		if s.Frames {
			conn |= 0x40
		}
		if s.Narrow {
			conn |= 0x80
		}
		b = append(b, byte(slices.Index(byteOps, s.Op)), conn, byte(s.Size), byte(s.Size>>8), byte(s.Size>>16), byte(last))
	}
	return b
}
