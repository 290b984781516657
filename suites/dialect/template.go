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
//	{length}    how many bytes {payload} or {hex} stands for, here or in the request
//	{rest}      how many bytes follow in this text
//	{unique}    eight letters and digits that no other connection has
//	{0x00ff}    these bytes
//	{any}       in a pattern: whatever comes before the next part
//	{any 4}     in a pattern: 4 bytes, whatever they are
//	{digits}    in a pattern: one decimal digit or more
//
// {length} and {rest} are decimal, or binary with a size of 1 to 4 bytes:
// {length 4}, {rest 2 little plus 2}. {{ and }} are a brace each.
type text struct {
	parts  []part
	source string
	where  string // of a pattern: in which line of which file it stands
	hexed  bool   // the payload, which is not in it, is in hexadecimal elsewhere
}

type part struct {
	kind    partKind
	literal []byte // of a literal
	carried bool   // the literal stands for the payload, or follows from it
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
	uniqueWord
)

// uniqueSize is how many bytes {unique} stands for.
const uniqueSize = 8

// fill is what the words of a text stand for.
type fill struct {
	payload []byte
	unique  string // uniqueSize bytes
}

// number is how a length is written.
type number struct {
	size   int // bytes, big-endian unless little; 0: decimal digits
	little bool
	plus   int // is added to the bytes that it counts; it may be below 0
}

func (n number) most() int {
	if n.size == 0 || n.size == 4 {
		return 1<<31 - 1 - max(n.plus, 0)
	}
	return 1<<(8*n.size) - 1 - n.plus
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
			return part{}, fmt.Errorf("{%s} stands for no bytes: write two hexadecimal digits for each, such as {0x0dff}", word)
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
	case name == "unique" && len(fields) == 0:
		return part{kind: uniqueWord}, nil
	case name == "digits" && len(fields) == 0:
		return part{kind: digits}, nil
	case name == "any" && len(fields) == 0:
		return part{kind: anyBytes}, nil
	case name == "any" && len(fields) == 1:
		n, err := strconv.Atoi(fields[0])
		if err != nil || n < 1 || n > maxOverhead {
			return part{}, fmt.Errorf("{%s}: %q is not a number of bytes from 1 to %d", word, fields[0], maxOverhead)
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
	return part{}, fmt.Errorf("{%s} is unknown: use {payload}, {hex}, {length}, {rest}, {unique}, {any}, {digits} or {0x..}, and {{ for a brace", word)
}

// parseNumber reads the words behind length and rest: [1|2|3|4] [big|little] [plus N].
func parseNumber(words []string) (number, error) {
	const form = "write a size of 1 to 4 bytes, big or little, plus N, in this order, each if needed"
	var n number
	next := func(known ...string) (string, bool) {
		if len(words) == 0 || !slices.Contains(known, words[0]) {
			return "", false
		}
		word := words[0]
		words = words[1:]
		return word, true
	}
	if size, ok := next("1", "2", "3", "4"); ok {
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
		if err != nil || plus < -maxPlus || plus > maxPlus {
			return n, fmt.Errorf("plus %s: want a number from -255 to 255", words[0])
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
			return fmt.Errorf("%q: {digits} must be followed by text that does not begin with a digit, or their end is unknown", t.source)
		case p.kind == restOf && slices.ContainsFunc(t.parts[i+1:], func(p part) bool { return p.kind == digits || p.kind == anyBytes && p.count == 0 }):
			return fmt.Errorf("%q has {rest} before bytes whose number is not known: write {any 4} for a length of 4 bytes", t.source)
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
	if t.hexed || t.has(hexPayload) {
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
		case uniqueWord:
			total += uniqueSize
		case lengthOf:
			total += len(p.number.append(nil, t.wired(n)))
		case restOf:
			total += len(p.number.append(nil, t.sizes(parts[i+1:], n)))
		}
	}
	return total
}

// with fills in what is known: what is left are literals and open parts.
func (t text) with(f fill) []part {
	filled := make([]part, len(t.parts))
	for i, p := range t.parts {
		filled[i] = p
		put := func(b []byte, carried bool) { filled[i] = part{kind: literal, literal: b, carried: carried} }
		switch p.kind {
		case rawPayload:
			put(f.payload, true)
		case hexPayload:
			put(hex.AppendEncode(nil, f.payload), true)
		case lengthOf:
			put(p.number.append(nil, t.wired(len(f.payload))), true)
		case restOf:
			put(p.number.append(nil, t.sizes(t.parts[i+1:], len(f.payload))), t.carries())
		case uniqueWord:
			put([]byte(f.unique), true)
		}
	}
	return filled
}

// bytes fills a template in, which has no open parts.
func (t text) bytes(f fill) []byte {
	var b []byte
	for _, p := range t.with(f) {
		b = append(b, p.literal...)
	}
	return b
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
		if counted+p.number.plus < 0 {
			return fmt.Errorf("a length that counts %d bytes plus %d is below 0", counted, p.number.plus)
		}
		if counted > p.number.most() {
			return fmt.Errorf("a length of %d bytes cannot count %d, which a payload of %d bytes makes: lower payload's max", p.number.size, counted, n)
		}
	}
	return nil
}
