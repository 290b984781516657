package transcript

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// steps draws any step that the text form can say.
func steps() *rapid.Generator[Step] {
	return rapid.Custom(func(t *rapid.T) Step {
		s := Step{Conn: rapid.IntRange(1, MaxConns).Draw(t, "conn")}
		s.Op = rapid.SampledFrom([]Op{Dial, Open, Ask, Call, Push, Send, Read, Sip, Fin, End, Reset, Close, Wait, Halt, Rain, Short, Crowd, Spoil}).Draw(t, "op")
		size := func(least, most int) int { return rapid.IntRange(least, most).Draw(t, "size") }
		switch s.Op {
		case Dial, Open:
			s.Frames = rapid.Bool().Draw(t, "frames")
			s.Narrow = s.Op == Open && !s.Frames && rapid.Bool().Draw(t, "narrow")
		case Ask, Sip:
			s.Size = size(1, 5000)
		case Push:
			s.Size = size(0, 5000)
		case Send:
			s.Size, s.Count = size(1, 5000), size(1, 5)
		case Read:
			s.Count = size(0, MaxCount)
		case Call:
			s.Verb, s.Size = rapid.SampledFrom(verbs).Draw(t, "verb"), size(0, maxArgument)
		case Spoil:
			s.Verb, s.Size = rapid.SampledFrom(spoils).Draw(t, "way"), size(0, 5000)
		case Wait, Halt, Rain, Short, Crowd:
			s.Conn, s.Size = 0, size(1, 20)
		}
		return s
	})
}

func roundTrip(t *rapid.T) {
	want := Transcript{Clause: "CONN-22", Seed: rapid.Uint64().Draw(t, "seed"),
		Notes: rapid.SliceOfN(rapid.StringMatching(`[a-z]+( [a-z]+)*`), 1, 3).Draw(t, "notes"),
		Steps: rapid.SliceOfN(steps(), 1, 60).Draw(t, "steps")}
	got, err := Parse("x", want.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestRoundTrip(t *testing.T) { rapid.Check(t, roundTrip) }
func FuzzRoundTrip(f *testing.F) {
	f.Add(make([]byte, 4<<10)) // the least of every draw; more below testdata/fuzz
	f.Fuzz(rapid.MakeFuzz(roundTrip))
}

func TestMistakes(t *testing.T) {
	const head = "reactorspec transcript 1\nclause CONN-22\nseed 1\n"
	for text, want := range map[string]string{
		"":                                   "x:1: empty",
		"reactorspec transcript 2\n":         "x:1: the first line is",
		"reactorspec transcript 1\n1 open\n": "x:2: no clause",
		head:                                 "x:3: there are no steps",
		head + "1 open\n1 jump\n":            `x:5: unknown operation "jump"`,
		head + "0 open\n":                    "x:4: a step begins with a connection number",
		head + "65 open\n":                   "x:4: a step begins with a connection number",
		head + "1\n":                         "x:4: the operation is missing",
		head + "1 open chat\n":               `x:4: open knows the conversation frames only, and narrow connections, not "chat"`,
		head + "1 send\n":                    `x:4: send is written "N send BYTES [COUNT]"`,
		head + "1 send 0\n":                  `x:4: "0" is no number from 1`,
		head + "1 send 007\n":                `x:4: "007" is no number`,
		head + "1 send 9999999\n":            "x:4: \"9999999\" is no number",
		head + "1 send 1 2 3\n":              "x:4: send is written",
		head + "1 call JUMP\n":               `x:4: unknown verb "JUMP"`,
		head + "1 wait 5\n":                  "x:4: wait takes no connection",
		head + "1 dial narrow\n":             `x:4: dial knows the conversation frames only, not "narrow"`,
		head + "1 short 5\n":                 "x:4: short takes no connection",
		head + "wait 50000\n":                `x:4: "50000" is no number from 1 to 10000`,
		head + "1 halt 5\n":                  "x:4: halt takes no connection",
		head + "1 spoil\n":                   `x:4: spoil is written "N spoil WAY [NUMBER]"`,
		head + "1 spoil rot 1\n":             `x:4: unknown way to spoil "rot"`,
		head + "1  open\n":                   "x:4: words are separated by one space",
		head + "1 open \n":                   "x:4: words are separated by one space",
		head + "1 open\r\n":                  "x:4: words are separated by one space",
		head + "seed 2\n1 open\n":            "x:4: seed: give one number, once",
		head + "1 open\nclause CONN-1\n":     "x:5: clause: name one clause, once",
		"reactorspec transcript 1\nclause CONN-22\nseed x\n1 open\n": `x:3: seed: "x" is no number`,
		head + strings.Repeat("wait 1000\n", 11):                     "x:14: waits of more than 10000 ms",
		head + strings.Repeat("1 send 4194304 4\n", 9):               "x:12: more than 134217728 bytes",
		head + strings.Repeat("1 fin\n", MaxSteps+1):                 "x:2004: more than 2000 steps",
		strings.Repeat("#", maxFile+1):                               "x:1: the file is larger",
	} {
		if _, err := Parse("x", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found.txt")
	want := Transcript{Clause: "CONN-22", Seed: 7, Steps: []Step{{Conn: 1, Op: Open, Frames: true}, {Conn: 2, Op: Dial}, {Conn: 1, Op: End}}}
	if err := os.WriteFile(path, want.Append(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	if !got.Frames() || got.Together() != 2 {
		t.Errorf("frames %t, %d together", got.Frames(), got.Together())
	}
	if _, err := Load(path + "x"); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// The same seed gives the same payloads, and no two requests share one.
func TestPayloads(t *testing.T) {
	a, b := Transcript{Seed: 1}, Transcript{Seed: 2}
	if p := a.Payload(1, 0, 100); len(p) != 100 || string(p) != string(a.Payload(1, 0, 100)) {
		t.Error("a payload is not computed from its place")
	}
	for _, other := range [][]byte{a.Payload(1, 1, 100), a.Payload(2, 0, 100), b.Payload(1, 0, 100)} {
		if string(other) == string(a.Payload(1, 0, 100)) {
			t.Error("two requests share a payload")
		}
	}
}

// A crowd's clients come beside whoever is open: an iterative server could not serve them.
func TestTogetherCountsCrowds(t *testing.T) {
	crowd := Step{Op: Crowd, Size: 3}
	open := Step{Conn: 1, Op: Open}
	for _, c := range []struct {
		steps []Step
		want  int
	}{{[]Step{crowd}, 1}, {[]Step{open, crowd}, 2}, {[]Step{open, {Conn: 1, Op: End}, crowd}, 1}} {
		if got := (Transcript{Steps: c.steps}).Together(); got != c.want {
			t.Errorf("%v: %d together, want %d", c.steps, got, c.want)
		}
	}
}
