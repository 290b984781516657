package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Mutant is one place where gremlins would change one token.
type Mutant struct {
	File   string `json:"file"` // from the root
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Type   string `json:"type"`         // as gremlins names it
	Code   string `json:"code"`         // the line as it is, trimmed
	Nth    int    `json:"nth,omitzero"` // of the mutants of the file that are alike in column, type and code, from 0
}

// place is the mutant's identity while the lines above it come and go.
func (m Mutant) place() Mutant {
	m.Line = 0
	return m
}

// number tells mutants apart that stand in lines of the same text, by the order
// of their lines: gremlins' own differs from list to list.
func number(mutants []Mutant) {
	slices.SortFunc(mutants, func(a, b Mutant) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Type, b.Type))
	})
	alike := map[Mutant]int{}
	for i := range mutants {
		place := mutants[i].place()
		mutants[i].Nth = alike[place]
		alike[place]++
	}
}

// swaps are gremlins' token mutations, by their type.
var swaps = map[string]map[string]string{
	"ARITHMETIC_BASE":         {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"},
	"CONDITIONALS_BOUNDARY":   {">=": ">", ">": ">=", "<=": "<", "<": "<="},
	"CONDITIONALS_NEGATION":   {"==": "!=", "!=": "==", ">=": "<", "<": ">=", ">": "<=", "<=": ">"},
	"INCREMENT_DECREMENT":     {"++": "--", "--": "++"},
	"INVERT_ASSIGNMENTS":      {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="},
	"INVERT_BITWISE":          {"&": "|", "|": "&", "^": "&", "&^": "&", "<<": ">>", ">>": "<<"},
	"INVERT_BWASSIGN":         {"&=": "|=", "|=": "&=", "^=": "&=", "&^=": "&=", "<<=": ">>=", ">>=": "<<="},
	"INVERT_LOGICAL":          {"&&": "||", "||": "&&"},
	"INVERT_LOOPCTRL":         {"break": "continue", "continue": "break"},
	"INVERT_NEGATIVES":        {"-": "+"},
	"REMOVE_SELF_ASSIGNMENTS": {"+=": "=", "-=": "=", "*=": "=", "/=": "=", "%=": "=", "&=": "=", "|=": "=", "^=": "=", "&^=": "=", "<<=": "=", ">>=": "="},
}

// operators are the types that gremlins leaves out unless asked.
var operators = []string{"--invert-assignments", "--invert-bitwise", "--invert-bwassign", "--invert-logical", "--invert-loopctrl", "--remove-self-assignments"}

// listed are the mutants of the reference: those of a list that gremlins wrote,
// or of one that it writes now.
func listed(ctx context.Context, root, dir, list string) ([]Mutant, error) {
	if list == "" {
		list = filepath.Join(dir, "mutants.json")
		args := append([]string{"tool", "-modfile=.ci/mutate/go.mod", "gremlins", "unleash", "--dry-run", "--silent",
			"--exclude-files", "^bench/", "--output", list}, append(operators, "./reference")...)
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("gremlins: %w: %s", err, bytes.TrimSpace(out))
		}
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	var output struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []Mutant
		}
	}
	if err := json.Unmarshal(text, &output); err != nil {
		return nil, fmt.Errorf("%s: %w", list, err)
	}
	var mutants []Mutant
	for _, file := range output.Files {
		name := filepath.Join("reference", file.Name)
		source, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		lines := strings.Split(string(source), "\n")
		for _, m := range file.Mutations {
			if m.Line > len(lines) {
				return nil, fmt.Errorf("%s has no line %d: the list is of another tree", name, m.Line)
			}
			m.File, m.Code = name, strings.TrimSpace(lines[m.Line-1])
			mutants = append(mutants, m)
		}
	}
	if len(mutants) == 0 {
		return nil, fmt.Errorf("%s lists no mutants: every row would go with them", list)
	}
	number(mutants)
	return mutants, nil
}

// mutated is the mutant's file with its token changed.
func (m Mutant) mutated(root string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return nil, err
	}
	lines := bytes.SplitAfter(source, []byte("\n"))
	line := lines[m.Line-1]
	old := ""
	for token := range swaps[m.Type] {
		if bytes.HasPrefix(line[m.Column-1:], []byte(token)) && len(token) > len(old) {
			old = token
		}
	}
	if old == "" {
		return nil, fmt.Errorf("%s:%d:%d holds no token of %s: the list is of another tree", m.File, m.Line, m.Column, m.Type)
	}
	lines[m.Line-1] = bytes.Join([][]byte{line[:m.Column-1], []byte(swaps[m.Type][old]), line[m.Column-1+len(old):]}, nil)
	return bytes.Join(lines, nil), nil
}
