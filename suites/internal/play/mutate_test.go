package play

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/suites/transcript"
)

var wide = Shape{Conns: 6, Frames: true, Bytes: true, Most: 70_000, Unread: 1 << 20, Resets: true, Verbs: transcript.Verbs(),
	Spoils: transcript.Spoils(), Halts: true, Short: true, Narrow: true, Slow: true, Lull: 2000}

// What mutation makes stays within the shape, can be written and read, and is the same
// again when it comes from bytes.
func TestMutate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := wide
		if rapid.Bool().Draw(t, "narrow") {
			shape = Shape{Conns: 1, Bytes: true, Most: 300, Unread: 6000}
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		steps := shape.Within(shape.Steps().Draw(t, "steps"))
		for range 8 {
			steps = shape.Interleave(r, steps, shape.Mutate(r, steps, shape.Within(steps)))
			if again := shape.Within(steps); !slices.Equal(again[:min(len(again), len(steps))], steps) && len(steps) < mostSteps {
				t.Fatalf("within again:\n%v\n%v", steps, again)
			}
			for _, s := range steps {
				if s.Conn > shape.Conns || s.Size > shape.unread() || s.Op == transcript.Reset && !shape.Resets ||
					s.Op == transcript.Spoil && len(shape.Spoils) == 0 || s.Op == transcript.Call && len(shape.Verbs) == 0 {
					t.Fatalf("%s is beyond the shape", s)
				}
			}
			if len(steps) == 0 {
				continue
			}
			swift := shape.Hasten(steps, true)
			for i, s := range swift {
				if s.Op.OfNone() && i < len(swift)-1 {
					t.Fatalf("%s stays in what is hastened:\n%v", s, swift)
				}
			}
			written := transcript.Transcript{Clause: "CONN-22", Steps: steps}
			read, err := transcript.Parse("x", written.Append(nil))
			if err != nil || !slices.Equal(read.Steps, steps) {
				t.Fatalf("%v\n%v\n%v", err, read.Steps, steps)
			}
			if same := shape.FromBytes(ToBytes(steps)); len(steps) < mostSteps && !slices.Equal(same[:min(len(same), len(steps))], steps) {
				t.Fatalf("from bytes:\n%v\n%v", steps, same)
			}
		}
	})
}

func FuzzFromBytes(f *testing.F) {
	f.Add(ToBytes([]transcript.Step{{Conn: 1, Op: transcript.Open}, {Conn: 1, Op: transcript.Send, Size: 100, Count: 3}, {Conn: 1, Op: transcript.End}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		steps := wide.FromBytes(b)
		if len(steps) == 0 {
			return
		}
		if _, err := transcript.Parse("x", transcript.Transcript{Clause: "CONN-22", Steps: steps}.Append(nil)); err != nil {
			t.Fatal(err)
		}
	})
}
