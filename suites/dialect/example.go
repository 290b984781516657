package dialect

import (
	"bufio"
	"bytes"
	"slices"
)

// Example is a reply that a server could give to Request(payload): open parts are
// as short as they can be. It is nil where no example can be made of the patterns.
func (d *Described) Example(payload []byte) []byte {
	f := d.fill(payload)
	var b []byte
	for _, frame := range d.reply {
		if len(frame.is)+len(frame.until) == 0 && len(frame.contains) > 0 {
			b = append(b, frame.example(frame.contains[0], f)...)
			continue
		}
		if len(frame.until) == 0 {
			b = append(b, frame.example(first(frame.is), f)...)
			continue
		}
		for _, t := range frame.is {
			b = append(b, frame.example(t, f)...)
		}
		b = append(b, frame.example(frame.until[0], f)...)
	}
	r := &reading{r: bufio.NewReader(bytes.NewReader(b)), name: d.name, fill: f, left: maxOverhead}
	for _, frame := range d.reply {
		if r.frame(frame) != nil {
			return nil
		}
	}
	return b
}

func first(list []text) text {
	if len(list) == 0 {
		return text{}
	}
	return list[0]
}

// example is one frame with what the pattern says in it.
func (f *frame) example(t text, fill fill) []byte {
	var b []byte
	for _, p := range t.with(fill) {
		switch p.kind {
		case literal:
			b = append(b, p.literal...)
		case digits:
			b = append(b, '7')
		default:
			b = append(b, make([]byte, p.count)...)
		}
	}
	switch {
	case f.line != nil:
		return append(b, f.line...)
	case f.size > len(b):
		return append(b, make([]byte, f.size-len(b))...)
	case f.length != nil:
		at, n := f.length.at, f.length.number
		if grown := at + n.size - len(b); grown > 0 {
			b = append(b, make([]byte, grown)...)
		}
		if missing := -n.plus - (len(b) - at - n.size); missing > 0 {
			b = append(b, make([]byte, missing)...)
		}
		number := n.append(nil, len(b)-at-n.size)
		return slices.Concat(b[:at], number, b[at+n.size:])
	case f.header != nil && len(b) == 0:
		for _, p := range f.header.parts {
			switch p.kind {
			case literal:
				b = append(b, p.literal...)
			case lengthOf:
				b = p.number.append(b, 0)
			case digits:
				b = append(b, '7')
			default:
				b = append(b, make([]byte, p.count)...)
			}
		}
		return append(b, f.tail...)
	}
	return b
}
