package dialect

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// text is a template or a pattern of a described dialect: bytes as they stand,
// and words in braces for what differs from request to request.
//
//	{payload}   the payload as it is
//	{hex}       the payload in hexadecimal digits
//	{length}    how many bytes {payload} or {hex} stands for
//	{rest}      how many bytes follow in this text
//	{0x00ff}    these bytes
//	{any}       in a pattern: whatever comes before the next part
//	{any 4}     in a pattern: 4 bytes, whatever they are
//	{digits}    in a pattern: one decimal digit or more
//
// {length} and {rest} are decimal, or binary with a size: {length 4},
// {rest 2 little plus 2}. {{ and }} are a brace each.
type text struct {
	parts  []part
	source string
}

type part struct {
	kind    partKind
	literal []byte // of a literal
	count   int    // bytes of anyBytes, 0: up to the next part
	number  number // of lengthOf and restOf
}

type partKind int

const (
	literal partKind = iota
	rawPayload
	hexPayload
	lengthOf
	restOf
	anyBytes
	digits
)

// number is how a length is written.
type number struct {
	size   int // bytes, big-endian unless little; 0: decimal digits
	little bool
	plus   int // is added to the bytes that it counts
}

func (n number) most() int {
	switch n.size {
	case 1:
		return 1<<8 - 1 - n.plus
	case 2:
		return 1<<16 - 1 - n.plus
	}
	return 1<<31 - 1 - n.plus
}

func (n number) append(b []byte, counted int) []byte {
	if n.size == 0 {
		return strconv.AppendInt(b, int64(counted+n.plus), 10)
	}
	var whole [8]byte
	if n.little {
		binary.LittleEndian.PutUint64(whole[:], uint64(counted+n.plus))
		return append(b, whole[:n.size]...)
	}
	binary.BigEndian.PutUint64(whole[:], uint64(counted+n.plus))
	return append(b, whole[8-n.size:]...)
}

// read is the inverse of append for a binary number: how many bytes it counts,
// which is negative where the number is less than what is always added to it.
func (n number) read(b []byte) int64 {
	var whole [8]byte
	if n.little {
		copy(whole[:], b[:n.size])
		return int64(binary.LittleEndian.Uint64(whole[:])) - int64(n.plus)
	}
	copy(whole[8-n.size:], b[:n.size])
	return int64(binary.BigEndian.Uint64(whole[:])) - int64(n.plus)
}

// parseText reads a template or pattern. The error is one line that says what to
// write instead.
func parseText(source string) (text, error) {
	t, err := parseParts(source)
	if err != nil {
		return t, err
	}
	if t.has(lengthOf) && !t.carries() {
		return t, fmt.Errorf("%q has {length}, and no {payload} or {hex} that it is the length of: {rest} counts all that follows", source)
	}
	return t, t.sound()
}

// parseHeader is parseText for a pattern whose {length} is read, not known.
func parseHeader(source string) (text, error) {
	t, err := parseParts(source)
	if err != nil {
		return t, err
	}
	return t, t.sound()
}

func parseParts(source string) (text, error) {
	t := text{source: source}
	put := func(b ...byte) {
		if n := len(t.parts); n > 0 && t.parts[n-1].kind == literal {
			t.parts[n-1].literal = append(t.parts[n-1].literal, b...)
			return
		}
		t.parts = append(t.parts, part{kind: literal, literal: b})
	}
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case c >= 0x80:
			return t, fmt.Errorf("%s holds a character that is not ASCII: write its bytes, such as {0xc3a9}", strconv.QuoteToASCII(source))
		case (c == '{' || c == '}') && i+1 < len(source) && source[i+1] == c:
			put(c)
			i++
		case c == '}':
			return t, fmt.Errorf("%q has a } that nothing opens: write }} for a brace", source)
		case c != '{':
			put(c)
		default:
			end := strings.IndexByte(source[i:], '}')
			if end < 0 {
				return t, fmt.Errorf("%q has a { that nothing closes: write {{ for a brace", source)
			}
			p, err := parseWord(source[i+1 : i+end])
			if err != nil {
				return t, err
			}
			if p.kind == literal {
				put(p.literal...)
			} else {
				t.parts = append(t.parts, p)
			}
			i += end
		}
	}
	return t, nil
}

// parseWord reads what stands between braces.
func parseWord(word string) (part, error) {
	if digits, ok := strings.CutPrefix(word, "0x"); ok {
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil || len(b) == 0 {
			return part{}, fmt.Errorf("{%s} is no bytes: write two hexadecimal digits for each, such as {0x0dff}", word)
		}
		return part{kind: literal, literal: b}, nil
	}
	fields := strings.Fields(word)
	name := ""
	if len(fields) > 0 {
		name, fields = fields[0], fields[1:]
	}
	switch {
	case name == "payload" && len(fields) == 0:
		return part{kind: rawPayload}, nil
	case name == "hex" && len(fields) == 0:
		return part{kind: hexPayload}, nil
	case name == "digits" && len(fields) == 0:
		return part{kind: digits}, nil
	case name == "any" && len(fields) == 0:
		return part{kind: anyBytes}, nil
	case name == "any" && len(fields) == 1:
		n, err := strconv.Atoi(fields[0])
		if err != nil || n < 1 || n > maxOverhead {
			return part{}, fmt.Errorf("{%s}: %q is no number of bytes from 1 to %d", word, fields[0], maxOverhead)
		}
		return part{kind: anyBytes, count: n}, nil
	case name == "length" || name == "rest":
		n, err := parseNumber(fields)
		if err != nil {
			return part{}, fmt.Errorf("{%s}: %w", word, err)
		}
		kind := lengthOf
		if name == "rest" {
			kind = restOf
		}
		return part{kind: kind, number: n}, nil
	}
	return part{}, fmt.Errorf("{%s} is unknown: use {payload}, {hex}, {length}, {rest}, {any}, {digits} or {0x..}, and {{ for a brace", word)
}

// parseNumber reads the words behind length and rest: [1|2|4] [big|little] [plus N].
func parseNumber(words []string) (number, error) {
	const form = "write a size of 1, 2 or 4 bytes, big or little, plus N, in this order, each if needed"
	var n number
	next := func(known ...string) (string, bool) {
		if len(words) == 0 || !slices.Contains(known, words[0]) {
			return "", false
		}
		word := words[0]
		words = words[1:]
		return word, true
	}
	if size, ok := next("1", "2", "4"); ok {
		n.size = int(size[0] - '0')
		if order, ok := next("big", "little"); ok {
			n.little = order == "little"
		}
	}
	if _, ok := next("plus"); ok {
		if len(words) == 0 {
			return n, fmt.Errorf("plus wants a number: %s", form)
		}
		plus, err := strconv.Atoi(words[0])
		if err != nil || plus < 0 || plus > 255 {
			return n, fmt.Errorf("plus %s: want a number from 0 to 255", words[0])
		}
		n.plus, words = plus, words[1:]
	}
	if len(words) > 0 {
		return n, fmt.Errorf("%q is not understood: %s", strings.Join(words, " "), form)
	}
	return n, nil
}

// sound finds parts that no bytes, or any, could fit.
func (t text) sound() error {
	if t.has(rawPayload) && t.has(hexPayload) {
		return fmt.Errorf("%q has both {payload} and {hex}: say the payload in one way", t.source)
	}
	for i, p := range t.parts {
		var next part
		last := i == len(t.parts)-1
		if !last {
			next = t.parts[i+1]
		}
		switch {
		case p.kind == anyBytes && p.count == 0 && !last && next.kind == anyBytes && next.count == 0:
			return fmt.Errorf("%q has {any} twice in a row: one is enough", t.source)
		case p.kind == digits && !last && (next.kind != literal || next.literal[0] >= '0' && next.literal[0] <= '9'):
			return fmt.Errorf("%q: {digits} must be followed by text that is no digit, or nobody knows where they end", t.source)
		case p.kind == restOf && slices.ContainsFunc(t.parts[i+1:], func(p part) bool { return p.kind == digits || p.kind == anyBytes && p.count == 0 }):
			return fmt.Errorf("%q has {rest} before bytes whose number nobody knows: write {any 4} for a length of 4 bytes", t.source)
		}
	}
	return nil
}

func (t text) has(kind partKind) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.kind == kind })
}

// carries reports whether the text holds the payload.
func (t text) carries() bool { return t.has(rawPayload) || t.has(hexPayload) }

// open reports whether some part stands for bytes that nobody knows beforehand.
func (t text) open() bool { return t.has(anyBytes) || t.has(digits) }

// wired is how many bytes the payload of n bytes takes in this text.
func (t text) wired(n int) int {
	if t.has(hexPayload) {
		return 2 * n
	}
	return n
}

// sizes is how many bytes the parts make up for a payload of n bytes; parts
// whose number is open count as nothing.
func (t text) sizes(parts []part, n int) int {
	total := 0
	for i, p := range parts {
		switch p.kind {
		case literal:
			total += len(p.literal)
		case rawPayload:
			total += n
		case hexPayload:
			total += 2 * n
		case anyBytes:
			total += p.count
		case lengthOf:
			total += len(p.number.append(nil, t.wired(n)))
		case restOf:
			total += len(p.number.append(nil, t.sizes(parts[i+1:], n)))
		}
	}
	return total
}

// with fills the payload in: what is left are literals and open parts.
func (t text) with(payload []byte) []part {
	var filled []part
	put := func(b []byte) {
		if n := len(filled); n > 0 && filled[n-1].kind == literal {
			filled[n-1].literal = append(filled[n-1].literal, b...)
			return
		}
		filled = append(filled, part{kind: literal, literal: slices.Clone(b)})
	}
	for i, p := range t.parts {
		switch p.kind {
		case literal:
			put(p.literal)
		case rawPayload:
			put(payload)
		case hexPayload:
			put(hex.AppendEncode(nil, payload))
		case lengthOf:
			put(p.number.append(nil, t.wired(len(payload))))
		case restOf:
			put(p.number.append(nil, t.sizes(t.parts[i+1:], len(payload))))
		default:
			filled = append(filled, p)
		}
	}
	return filled
}

// bytes fills a template in, which has no open parts.
func (t text) bytes(payload []byte) []byte {
	if filled := t.with(payload); len(filled) > 0 {
		return filled[0].literal
	}
	return nil
}

// overflow says which length cannot count what a payload of n bytes makes.
func (t text) overflow(n int) error {
	for i, p := range t.parts {
		counted := t.wired(n)
		if p.kind == restOf {
			counted = t.sizes(t.parts[i+1:], n)
		} else if p.kind != lengthOf {
			continue
		}
		if counted > p.number.most() {
			return fmt.Errorf("a length of %d bytes cannot count %d, which a payload of %d bytes makes: lower payload's max", p.number.size, counted, n)
		}
	}
	return nil
}
