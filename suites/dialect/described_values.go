package dialect

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// The readers of single values. Each fails with what to write instead.

func (r *describer) text(k key, n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		r.fail(n, "%s wants text: put %s in quotes", k.name, strings.TrimSpace(n.String()))
	}
	r.fail(n, "%s wants text in quotes", k.name)
	return ""
}

func (r *describer) word(k key, n ast.Node) string {
	word := r.text(k, n)
	if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+") != "" {
		r.fail(n, "%s %q: want letters, digits and - _ . +", k.name, word)
	}
	if builtIn(word) != nil {
		r.fail(n, "the name %s is that of a built-in dialect: choose another", word)
	}
	return word
}

func (r *describer) number(k key, n ast.Node, least int) int {
	v := least - 1
	if i, ok := n.(*ast.IntegerNode); ok {
		switch value := i.Value.(type) {
		case uint64:
			if value <= uint64(k.most) {
				v = int(value)
			}
		case int64:
			v = int(max(value, int64(least-1)))
		}
	}
	if v < least {
		r.fail(n, "%s wants a number from %d to %d", k.name, least, k.most)
	}
	return v
}

func (r *describer) yes(k key, n ast.Node) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		r.fail(n, "%s wants true or false", k.name)
	}
	return b.Value
}

// parsed reads a template or pattern.
func (r *describer) parsed(k key, n ast.Node) text {
	t, err := parseText(r.text(k, n))
	if err != nil {
		r.fail(n, "%s: %v", k.name, err)
	}
	return t
}

// template reads what is sent, so that nothing in it is open, and a raw payload
// stands where a length frames it.
func (r *describer) template(k key, n ast.Node) text {
	t := r.parsed(k, n)
	if t.open() {
		r.fail(n, "%s: {any} and {digits} stand for unknown bytes, so they cannot be sent", k.name)
	}
	if t.has(lengthOf) && !t.carries() {
		r.fail(n, "%s has {length}, and no {payload} or {hex} that it is the length of: {rest} counts all that follows", k.name)
	}
	if t.has(rawPayload) {
		framed := false
		for _, p := range t.parts {
			if p.kind == rawPayload && !framed {
				r.fail(n, "%s: nothing before {payload} says how long it is, so the server cannot tell where it ends: put {length} or {rest} before it, or say {hex}", k.name)
			}
			framed = framed || p.kind == lengthOf || p.kind == restOf
		}
	}
	return t
}

// sent reads what is sent without a payload.
func (r *describer) sent(k key, n ast.Node) text {
	t := r.template(k, n)
	if t.carries() {
		r.fail(n, "%s cannot have a payload", k.name)
	}
	if len(t.parts) == 0 {
		r.fail(n, "%s is empty", k.name)
	}
	if err := t.overflow(0); err != nil {
		r.fail(n, "%s: %v", k.name, err)
	}
	return t
}

// plain reads bytes that are the same on every connection.
func (r *describer) plain(k key, n ast.Node) []byte {
	t := r.sent(k, n)
	if t.has(uniqueWord) {
		r.fail(n, "%s cannot have {unique}", k.name)
	}
	return t.bytes(fill{})
}

func (r *describer) pattern(k key, n ast.Node) text {
	t := r.parsed(k, n)
	t.where = r.where(n)
	return t
}

// list reads one value or a list of them.
func list(n ast.Node, each func(ast.Node)) {
	if many, ok := n.(*ast.SequenceNode); ok {
		for _, one := range many.Values {
			each(one)
		}
		return
	}
	each(n)
}

func (r *describer) patterns(k key, n ast.Node) []text {
	var all []text
	list(n, func(n ast.Node) { all = append(all, r.pattern(k, n)) })
	if len(all) == 0 {
		r.fail(n, "%s is empty: leave it out", k.name)
	}
	return all
}

// header reads the beginning of a frame, in which {length} is a number to read.
func (r *describer) header(k key, n ast.Node) *text {
	const wants = `header wants {length} once, and text behind it that is no digit, such as "DATA {length}\r\n"`
	t, err := parseText(r.text(k, n))
	if err != nil {
		r.fail(n, "header: %v", err)
	}
	count := 0
	for i, p := range t.parts {
		switch {
		case p.kind == lengthOf:
			count++
			if i == len(t.parts)-1 || t.parts[i+1].kind != literal || t.parts[i+1].literal[0] >= '0' && t.parts[i+1].literal[0] <= '9' {
				r.fail(n, wants)
			}
			if p.number.size > 0 {
				r.fail(n, "header: the number is decimal; a binary one is `length: {at: …, size: …}`")
			}
		case p.kind == rawPayload, p.kind == hexPayload, p.kind == restOf, p.kind == uniqueWord:
			r.fail(n, "header: only {length}, {any} and {digits} can stand in it")
		case isOpen(p) && (i == len(t.parts)-1 || t.parts[i+1].kind != literal):
			r.fail(n, "header: {any} needs text after it, or its end is unknown")
		}
	}
	if count != 1 {
		r.fail(n, wants)
	}
	return &t
}

func (r *describer) steps(n ast.Node) []openStep {
	many, ok := n.(*ast.SequenceNode)
	if !ok || len(many.Values) == 0 {
		r.fail(n, "open wants a list of steps: write `- send: …` or `- read: …` below each other")
	}
	var all []openStep
	for _, one := range many.Values {
		var step openStep
		seen := r.mapping("step", one, func(k key, at *ast.MappingValueNode) {
			if k.name == "send" {
				step.send = r.sent(k, at.Value)
			} else {
				step.read = r.frame(at.Value)
			}
		})
		if len(seen) != 1 {
			r.fail(one, "a step either sends or reads: write two steps")
		}
		all = append(all, step)
	}
	return all
}

func (r *describer) frames(n ast.Node) []*frame {
	var all []*frame
	list(n, func(n ast.Node) { all = append(all, r.frame(n)) })
	if len(all) == 0 {
		r.fail(n, "reply is empty: say what the server answers")
	}
	return all
}

// frame reads one frame; a text is a pattern that is read as it is written.
func (r *describer) frame(n ast.Node) *frame {
	f := &frame{where: r.where(n)}
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		k, _, _ := keyOf("frame", "is")
		f.is = []text{r.pattern(k, n)}
		r.whole(n, f)
		return f
	}
	cuts := []string{}
	seen := r.mapping("frame", n, func(k key, at *ast.MappingValueNode) {
		v := at.Value
		switch k.name {
		case "line":
			f.line = r.plain(k, v)
		case "length":
			f.length = r.lengthFrame(v)
		case "header":
			f.header = r.header(k, v)
		case "tail":
			f.tail = r.plain(k, v)
		case "size":
			f.size = r.number(k, v, 1)
		case "close":
			f.close = r.yes(k, v)
		case "skip":
			f.skip = r.patterns(k, v)
		case "until":
			f.until = r.patterns(k, v)
		case "is":
			f.is = r.patterns(k, v)
		case "contains":
			f.contains = r.patterns(k, v)
		}
		switch k.name {
		case "line", "length", "header", "size", "close":
			cuts = append(cuts, k.name)
		}
	})
	switch {
	case len(cuts) > 1:
		r.fail(n, "a frame is cut in one way: it has both %s and %s", cuts[0], cuts[1])
	case seen["close"] != nil && !f.close:
		r.fail(seen["close"], "close: false says nothing: leave it out")
	case f.tail != nil && f.header == nil:
		r.fail(seen["tail"], "tail stands after the bytes that a header counts: say header too")
	case len(f.until) > 0 && f.close:
		r.fail(seen["until"], "until: nothing repeats after the end of the connection")
	}
	r.whole(n, f)
	return f
}

// whole checks a frame that only its pattern cuts: where it ends must be known.
func (r *describer) whole(n ast.Node, f *frame) {
	if !f.written() {
		return
	}
	if len(f.is) != 1 || len(f.skip)+len(f.until)+len(f.contains) > 0 {
		r.fail(n, "nothing says where the frame ends: add line, length, header, size or close")
	}
	parts := f.is[0].parts
	if len(parts) == 0 {
		r.fail(n, "a frame without any byte: say what the server answers")
	}
	for i, p := range parts {
		if (isOpen(p) || p.kind == digits) && (i == len(parts)-1 || parts[i+1].kind != literal) {
			r.fail(n, "%q: nothing says where {any} or {digits} ends: put text behind it, or add line, length, header, size or close", f.is[0].source)
		}
	}
}

func (r *describer) lengthFrame(n ast.Node) *lengthFrame {
	l := &lengthFrame{}
	r.mapping("length", n, func(k key, at *ast.MappingValueNode) {
		switch v := at.Value; k.name {
		case "at":
			l.at = r.number(k, v, 0)
		case "size":
			l.number.size = r.number(k, v, 1)
		case "order":
			order := r.text(k, v)
			if order != "big" && order != "little" {
				r.fail(v, "order %q: want big or little", order)
			}
			l.number.little = order == "little"
		case "plus":
			l.number.plus = r.number(k, v, -maxPlus)
		}
	})
	if s := l.number.size; s == 0 {
		r.fail(n, "length wants its size, 1 to 4 bytes, such as `length: {at: 1, size: 4}`")
	}
	return l
}

// bounds reads payload's least and most bytes.
func (r *describer) bounds(n ast.Node) [2]int {
	b := [2]int{1, 0}
	r.mapping("payload", n, func(k key, at *ast.MappingValueNode) {
		if k.name == "min" {
			b[0] = r.number(k, at.Value, 0)
		} else {
			b[1] = r.number(k, at.Value, 1)
		}
	})
	switch {
	case b[1] == 0:
		r.fail(n, "payload wants max: how many bytes may a request carry at most?")
	case b[0] > b[1]:
		r.fail(n, "payload: min is %d, which is more than max, %d", b[0], b[1])
	}
	return b
}
