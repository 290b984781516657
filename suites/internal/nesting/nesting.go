// Package nesting refuses YAML on which its parser would work for ever: it takes time and
// memory that grow with the square of how deep a text is nested, and of how much is in it.
package nesting

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a text may hold. The largest files that people write for us are far below.
const (
	Deepest = 100     // levels
	Most    = 20_000  // words and signs
	Aliases = 100     // each may stand for a text as large as all the rest
	Longest = 1 << 20 // bytes
)

// An Error is a text that is too much. Line counts from 1.
type Error struct {
	Line    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// Check reads a text as far as its signs go, in time that grows with its length alone,
// and parses it only where it has aliases.
// Texts that are no YAML pass: the parser says what is wrong with them.
func Check(text []byte) error {
	if len(text) > Longest {
		return &Error{1, fmt.Sprintf("is longer than %d bytes", Longest)}
	}
	var open int      // flow collections that have begun
	var columns []int // where the block collections that have begun stand
	var aliases int
	tokens := lexer.Tokenize(string(text))
	for i, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open = max(0, open-1)
		case token.DocumentHeaderType:
			columns = columns[:0]
		case token.AliasType:
			aliases++
		}
		if open == 0 && begins(tokens, i) {
			for len(columns) > 0 && columns[len(columns)-1] >= t.Position.Column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, t.Position.Column)
		}
		switch {
		case open+len(columns) > Deepest:
			return &Error{t.Position.Line, fmt.Sprintf("is nested more than %d levels deep: no key of ours needs more than a few", Deepest)}
		case i >= Most:
			return &Error{t.Position.Line, fmt.Sprintf("holds more than %d words and signs up to here, which is more than is read", Most)}
		case aliases > Aliases:
			return &Error{t.Position.Line, fmt.Sprintf("has more than %d aliases up to here: write out what they stand for", Aliases)}
		}
	}
	if aliases > 0 {
		return chained(text)
	}
	return nil
}

// chained refuses an alias within what has an anchor: it may stand for itself, or for a
// text that grows by a factor with each of a few lines.
func chained(text []byte) (err error) {
	defer func() { _ = recover() }() // the parser panics on some texts, and will again
	file, failed := parser.ParseBytes(text, 0)
	if failed != nil {
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			ast.Walk(finder(func(alias *ast.AliasNode) {
				err = &Error{alias.GetToken().Position.Line, fmt.Sprintf("the alias %s stands within what has an anchor itself: write out what it stands for", alias)}
			}), doc.Body)
		}
	}
	return err
}

// finder walks a tree, and is called with each alias that is below an anchor.
type finder func(*ast.AliasNode)

// Visit looks for an anchor, and below it for aliases.
func (f finder) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok {
		ast.Walk(below(f), anchor.Value)
		return nil
	}
	return f
}

type below finder

// Visit looks for an alias.
func (f below) Visit(n ast.Node) ast.Visitor {
	if alias, ok := n.(*ast.AliasNode); ok {
		f(alias)
	}
	return f
}

// begins reports whether a block collection may begin with a token, or go on: an entry
// of a list, or a key.
func begins(tokens token.Tokens, i int) bool {
	switch tokens[i].Type {
	case token.SequenceEntryType, token.MappingKeyType:
		return true
	}
	return i+1 < len(tokens) && tokens[i+1].Type == token.MappingValueType
}
