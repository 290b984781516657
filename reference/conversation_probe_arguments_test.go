package reference

import (
	"testing"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// A number is decimal digits within its range, words are separated by one space, and none
// is missing, empty or left over.
func TestArguments(t *testing.T) {
	for _, x := range []struct {
		text        string
		least, most uint64
		words       int // behind the number
		want        uint64
		ok          bool
	}{
		{text: "1", least: 1, most: 10, want: 1, ok: true},
		{text: "9", least: 1, most: 10, want: 9, ok: true},
		{text: "10", least: 1, most: 10, want: 10, ok: true},
		{text: "0", least: 0, most: 10, want: 0, ok: true},
		{text: "007", least: 1, most: 10, want: 7, ok: true},
		{text: "18446744073709551615", least: 1, most: 1<<64 - 1, want: 1<<64 - 1, ok: true},
		{text: "5 x", least: 1, most: 10, words: 1, want: 5, ok: true},
		{text: "5 x 6", least: 1, most: 10, words: 2, want: 5, ok: true},
		{text: "0", least: 1, most: 10, want: 1},
		{text: "11", least: 1, most: 10, want: 1},
		{text: "", least: 1, most: 10, want: 1},
		{text: " ", least: 1, most: 10, want: 1},
		{text: " 5", least: 1, most: 10, want: 1},
		{text: "+5", least: 1, most: 10, want: 1},
		{text: "-5", least: 1, most: 10, want: 1},
		{text: "5x", least: 1, most: 10, want: 1},
		{text: "x", least: 1, most: 10, want: 1},
		{text: "18446744073709551616", least: 1, most: 1<<64 - 1, want: 1},
		{text: "5 ", least: 1, most: 10, want: 5},
		{text: "5 x", least: 1, most: 10, want: 5},
		{text: "5", least: 1, most: 10, words: 1, want: 5},
		{text: "5 ", least: 1, most: 10, words: 1, want: 5},
		{text: "5  x", least: 1, most: 10, words: 1, want: 5},
		{text: "5  x", least: 1, most: 10, words: 2, want: 5},
		{text: "5 x ", least: 1, most: 10, words: 1, want: 5},
	} {
		a := &arguments{rest: []byte(x.text), more: len(x.text) > 0}
		n := a.number(x.least, x.most)
		for range x.words {
			a.word()
		}
		if n != x.want || a.ok() != x.ok {
			t.Errorf("%q with %d words behind the number from %d to %d: %d, %v; want %d, %v", x.text, x.words, x.least, x.most, n, a.ok(), x.want, x.ok)
		}
	}
}

// A request names a loop by its index, or its own by -; what is no loop's is a bad request,
// and the connection none the worse.
func TestLoopArgument(t *testing.T) {
	c := start(t, Options{Class: MultiReactor, Loops: 2}).sign("PROBE")
	for args, want := range map[string]probe.Status{
		"- 1": probe.OK, "0 1": probe.OK, "1 1": probe.OK,
		"2 1": probe.Bad, "-1 1": probe.Bad, "x 1": probe.Bad, "+0 1": probe.Bad, " 1": probe.Bad, "": probe.Bad, "0": probe.Bad, "0 0": probe.Bad,
		"4294967296 1": probe.Bad, "99999999999999999999 1": probe.Bad,
	} {
		if r := c.call("POST", args); r.Status != want {
			t.Errorf("POST %q is answered %q %s, want %q", args, r.Status, r.Fields, want)
		}
	}
}
