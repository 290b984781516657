package dialect

import (
	"bytes"
	"fmt"
	"strings"
)

// fits reports whether b is what the pattern says, from its first byte to its
// last. reached is how many bytes fit before one did not.
//
// An {any} takes as little as lets the parts up to the next {any} fit, so the
// work grows with len(b) times the length of a run of parts, never beyond.
func fits(pattern []part, b []byte) (reached int, ok bool) {
	runs := [][]part{nil}
	for _, p := range pattern {
		if isOpen(p) {
			runs = append(runs, nil)
		} else {
			runs[len(runs)-1] = append(runs[len(runs)-1], p)
		}
	}
	at, ok := fitsRun(runs[0], b)
	if !ok || len(runs) == 1 {
		return at, ok && at == len(b)
	}
	last := len(runs) - 1
	for _, run := range runs[1:last] {
		from, n, found := find(run, b, at, false)
		if !found {
			return from + n, false
		}
		at = from + n
	}
	if len(runs[last]) == 0 {
		return len(b), true
	}
	from, n, found := find(runs[last], b, at, true)
	return from + n, found
}

// find looks for a run of parts from at on, one that ends where b does if ends is
// set. What it returns when there is none is where the longest part of it fits.
func find(run []part, b []byte, at int, ends bool) (from, n int, found bool) {
	deepest, length := at, 0
	for from := at; from <= len(b); from++ {
		if first := run[0]; first.kind == literal && len(first.literal) > 0 {
			skip := bytes.Index(b[from:], first.literal[:1])
			if skip < 0 {
				break
			}
			from += skip
		}
		n, ok := fitsRun(run, b[from:])
		if ok && (!ends || from+n == len(b)) {
			return from, n, true
		}
		if n > length {
			deepest, length = from, n
		}
	}
	return deepest, length, false
}

func isOpen(p part) bool { return p.kind == anyBytes && p.count == 0 }

// fitsRun matches parts without {any} at the start of b.
func fitsRun(run []part, b []byte) (int, bool) {
	at := 0
	for _, p := range run {
		n, ok := fitsOne(p, b[at:])
		if at += n; !ok {
			return at, false
		}
	}
	return at, true
}

// fitsOne matches one part, which is no {any}, at the start of b.
func fitsOne(p part, b []byte) (int, bool) {
	switch p.kind {
	case anyBytes:
		return min(p.count, len(b)), len(b) >= p.count
	case digits:
		n := 0
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		return n, n > 0
	}
	if bytes.HasPrefix(b, p.literal) {
		return len(p.literal), true
	}
	n := min(len(b), len(p.literal))
	if at := firstDifference(b[:n], p.literal[:n]); at >= 0 {
		n = at
	}
	return n, false
}

// somewhere reports whether the pattern fits somewhere in b.
func somewhere(pattern []part, b []byte) bool {
	around := append([]part{{kind: anyBytes}}, pattern...)
	if n := len(pattern); n > 0 && isOpen(pattern[0]) {
		around = around[1:]
	}
	if n := len(around); !isOpen(around[n-1]) {
		around = append(around, part{kind: anyBytes})
	}
	_, ok := fits(around, b)
	return ok
}

// anyOf reports which of several patterns fits; at is how far the best of those
// that do not went.
func anyOf(patterns []text, f fill, b []byte) (at int, ok bool) {
	for _, t := range patterns {
		reached, ok := fits(t.with(f), b)
		if ok {
			return reached, true
		}
		at = max(at, reached)
	}
	return at, false
}

// worded quotes patterns, with the payload filled in as far as it is short.
func worded(patterns []text, f fill) string {
	words := make([]string, len(patterns))
	for i, t := range patterns {
		words[i] = wordedParts(t.with(f))
	}
	return strings.Join(words, " or ")
}

func wordedParts(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		switch {
		case p.kind == literal:
			b.Write(p.literal)
		case p.kind == digits:
			b.WriteString("{digits}")
		case p.count > 0:
			fmt.Fprintf(&b, "{any %d}", p.count)
		default:
			b.WriteString("{any}")
		}
	}
	return shorten([]byte(b.String()))
}
