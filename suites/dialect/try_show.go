package dialect

import (
	"errors"
	"fmt"
	"net"
)

// What is shown of one step is bounded, whatever a server says in it: who looks at a try
// wants its beginning and its end.
const (
	firstLines  = 16 // of a dump
	lastLines   = 4
	firstPieces = 8 // frames of a reply, as long as they do not fill that many lines
	piecesLines = 40
	lastPieces  = 3
)

// pieces are the frames that a step has heard.
type pieces struct {
	shown, lines int
	last         []Heard // that are not shown yet
	hidden       int     // frames that will not be
	bytes        int     // in them
}

// heard shows a frame, or keeps it until it is known whether it is among the last.
func (t *try) heard(h Heard) {
	p := &t.steps
	if p.shown < firstPieces && p.lines < piecesLines && len(p.last) == 0 {
		p.shown++
		p.lines += dumped(len(h.Bytes)) + 1
		t.piece(h)
		return
	}
	if p.last = append(p.last, h); len(p.last) > lastPieces {
		p.hidden++
		p.bytes += len(p.last[0].Bytes)
		p.last = p.last[1:]
	}
}

// rest shows the last frames of a step.
func (t *try) rest() {
	p := &t.steps
	if p.hidden > 0 {
		t.say("  < … %d frames more, %d bytes, not shown", p.hidden, p.bytes)
	}
	for _, h := range p.last {
		t.piece(h)
	}
	p.last = nil
}

func (t *try) piece(h Heard) {
	t.show("<", h.Bytes)
	switch {
	case h.Problem == "":
		t.say("    %s", h.What)
	case h.At == 0 && len(h.Bytes) > 0:
		t.say("    %s, which does not fit from its first byte on", h.What)
	case h.At < len(h.Bytes):
		t.say("    %s, which does not fit after its first %d bytes: %s", h.What, h.At, shorten(h.Bytes[h.At:]))
	case len(h.Bytes) > 0:
		t.say("    %s, of which no more was read", h.What)
	}
}

const dumpWidth = 16 // bytes of a line

// dumped is how many lines a dump of n bytes has.
func dumped(n int) int {
	if lines := (n + dumpWidth - 1) / dumpWidth; lines <= firstLines+lastLines {
		return lines
	}
	return firstLines + 1 + lastLines
}

// show writes a dump of bytes, sixteen a line.
func (t *try) show(way string, b []byte) {
	lines := (len(b) + dumpWidth - 1) / dumpWidth
	for n := 0; n < lines; n++ {
		if hidden := lines - firstLines - lastLines; n == firstLines && hidden > 0 {
			t.say("  %s … %d bytes more, not shown", way, hidden*dumpWidth)
			n += hidden
		}
		at := n * dumpWidth
		line := b[at:min(at+dumpWidth, len(b))]
		plain := make([]byte, len(line))
		for i, c := range line {
			if plain[i] = c; c < ' ' || c > '~' {
				plain[i] = '.'
			}
		}
		t.say("  %s %04x  %-*s  %s", way, at, 3*dumpWidth-1, fmt.Sprintf("% x", line), plain)
	}
}

// cause leaves the addresses out of an error of a connection: they say nothing new, and
// make two attempts with the same end look different.
func cause(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}
