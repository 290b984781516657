package fuzzing

import (
	"testing"

	"github.com/reactorspec/reactorspec/suites/transcript"
)

// Several transcripts as one: each has connections of its own, and those of the earlier ones
// have ended before the next begins.
func TestJoined(t *testing.T) {
	step := func(conn int, op transcript.Op) transcript.Step { return transcript.Step{Conn: conn, Op: op} }
	part := transcript.Transcript{Clause: "CONN-22", Seed: 7, Steps: []transcript.Step{step(1, transcript.Open), step(3, transcript.Open), step(1, transcript.Reset)}}
	all, fits := joined([]transcript.Transcript{part, part, part})
	if !fits || all.Clause != part.Clause || all.Seed != part.Seed {
		t.Fatalf("%+v fits: %v", all, fits)
	}
	opened, together := map[int]int{}, all.Together()
	for _, s := range all.Steps {
		if s.Op == transcript.Open {
			opened[s.Conn]++
		}
	}
	if len(opened) != 6 || together != 2 {
		t.Errorf("%d connections, %d together, in\n%s", len(opened), together, all.Append(nil))
	}
	if _, err := transcript.Parse("x", all.Append(nil)); err != nil {
		t.Error(err)
	}
	lull := transcript.Transcript{Clause: "CONN-22", Steps: []transcript.Step{step(1, transcript.Open), {Op: transcript.Wait, Size: transcript.MaxWait}}}
	if _, fits := joined([]transcript.Transcript{lull, lull}); fits {
		t.Error("longer waits than a transcript may have fit")
	}
	far := transcript.Transcript{Steps: []transcript.Step{step(transcript.MaxConns, transcript.Open)}}
	if _, fits := joined([]transcript.Transcript{part, far}); fits {
		t.Error("more connections than a transcript may have fit")
	}
}
