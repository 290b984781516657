package fuzz

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/reactorspec/reactorspec/spec/probe"
)

// documents are the whole inputs of one kind in the project's tree, in the order
// of their paths, each cut to most bytes if most is not 0.
func documents(t testing.TB, most int, patterns ...string) (texts [][]byte) {
	t.Helper()
	root := ".."
	if _, err := os.Stat("../spec"); err != nil { // a target that was built to run alone has them beside it
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		root = filepath.Join(filepath.Dir(exe), "documents")
	}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s names %d files, %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if most > 0 {
				text = text[:min(len(text), most)]
			}
			texts = append(texts, text)
		}
	}
	return texts
}

// place draws an offset from 0 to n. The drawn number is spread first: rapid
// prefers small ones, and the ends of a text are no more faulty than its middle.
func place(t *rapid.T, n int) int {
	const golden = 0x9e3779b97f4a7c15
	return int((rapid.Uint64().Draw(t, "place") * golden >> 32) % uint64(n+1))
}

// edited draws text with up to four edits: nearly right is where readers of text go wrong.
// words are what may be put in, beside single bytes.
func edited(t *rapid.T, text []byte, words ...string) []byte {
	text = append([]byte(nil), text...)
	for range rapid.IntRange(0, 4).Draw(t, "edits") {
		from := place(t, len(text))
		to := min(len(text), from+rapid.IntRange(0, 40).Draw(t, "length"))
		var put []byte
		switch rapid.IntRange(0, 5).Draw(t, "edit") {
		case 0: // cut out
		case 1: // cut off
			to = len(text)
		case 2: // double
			put = append(append(put, text[from:to]...), text[from:to]...)
		case 3: // move here
			at := place(t, len(text))
			put = append(put, text[at:min(len(text), at+to-from)]...)
		case 4:
			put = rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "bytes")
			to = min(to, from+len(put))
		case 5:
			put = []byte(rapid.SampledFrom(append([]string{"\n", " ", "\r\n", "\x00", "0", "18446744073709551616"}, words...)).Draw(t, "word"))
			to = from
		}
		text = append(append(append([]byte(nil), text[:from]...), put...), text[to:]...)
	}
	return text
}

// streams draws bytes that are frames for the most part, good, cut and damaged.
var streams = rapid.Custom(func(t *rapid.T) []byte {
	var b []byte
	for range rapid.IntRange(1, 5).Draw(t, "frames") {
		rest := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "rest")
		id := rapid.Uint32().Draw(t, "id")
		var frame []byte
		switch rapid.IntRange(0, 5).Draw(t, "frame") {
		case 0, 1:
			frame = probe.AppendRequest(nil, probe.Request{ID: id, Verb: rapid.SampledFrom([]string{"PING", "POST", "NOVERB", ""}).Draw(t, "verb"), Args: rest})
		case 2, 3:
			status := rapid.SampledFrom([]probe.Status{probe.OK, probe.Unsupported, probe.Fired, "odd"}).Draw(t, "status")
			fields := rapid.SampledFrom([]string{"ran=3 tid=9", "ran=-1", "ran=x tid", "=", "tid== ran=99999999999999999999", string(rest)}).Draw(t, "fields")
			frame = probe.AppendReply(nil, probe.Reply{ID: id, Status: status, Fields: []byte(fields)})
		case 4:
			body := rapid.SampledFrom([]string{"7", "7 ", "7  ", "07 PING", "4294967296 PING", " 7 PING", "7\x00PING", "x"}).Draw(t, "body")
			frame = append([]byte{0, 0, 0, byte(len(body))}, body...)
		case 5:
			frame = rapid.SampledFrom([][]byte{{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 1, 0, 1}, {0xff, 0xff, 0xff, 0xff, 'x'}}).Draw(t, "header")
		}
		b = append(b, frame...)
	}
	return edited(t, b)
})
