package clauses

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/inproc"
)

// Whoever looks up what a clause's check does finds it in one or two lines above the check, over the
// socket and in-process.
func TestEachCheckSaysWhatItDoes(t *testing.T) {
	for dir, checks := range map[string]int{
		".":         len(All()) + len(Searching()),
		"../inproc": len(inproc.Vantage{}.Checks()),
	} {
		source := parsed(t, dir)
		found := 0
		for _, file := range source.files {
			ast.Inspect(file, func(n ast.Node) bool {
				list, ok := n.(*ast.CompositeLit)
				if !ok || !listsChecks(list) {
					return true
				}
				for _, check := range list.Elts {
					found++
					source.says(t, file, check.(*ast.CompositeLit))
				}
				return false
			})
		}
		if found != checks {
			t.Errorf("%s: %d checks were found in its tables, and it has %d", dir, found, checks)
		}
	}
}

// source is the code of a package.
type source struct {
	positions *token.FileSet
	files     []*ast.File
	functions map[string]*ast.FuncDecl
}

func parsed(t *testing.T, dir string) source {
	t.Helper()
	s := source{positions: token.NewFileSet(), functions: map[string]*ast.FuncDecl{}}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(s.positions, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, file)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				s.functions[f.Name.Name] = f
			}
		}
	}
	return s
}

// listsChecks reports whether it is a table of session.Check, or of inproc's own check.
func listsChecks(list *ast.CompositeLit) bool {
	array, ok := list.Type.(*ast.ArrayType)
	if !ok {
		return false
	}
	switch of := array.Elt.(type) {
	case *ast.SelectorExpr:
		return of.Sel.Name == "Check"
	case *ast.Ident:
		return of.Name == "check"
	}
	return false
}

// says looks for the comment of each function that runs for a check. One that has no name has it above
// its line of the table.
func (s source) says(t *testing.T, file *ast.File, check *ast.CompositeLit) {
	run := check.Elts[len(check.Elts)-1] // inproc names no fields
	for _, e := range check.Elts {
		if field, ok := e.(*ast.KeyValueExpr); ok && field.Key.(*ast.Ident).Name == "Run" {
			run = field.Value
		}
	}
	if _, nameless := run.(*ast.FuncLit); nameless {
		s.oneOrTwoLines(t, check.Pos(), s.above(file, check.Pos()))
	}
	ast.Inspect(run, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok && s.functions[name.Name] != nil {
			f := s.functions[name.Name]
			s.oneOrTwoLines(t, f.Pos(), f.Doc)
		}
		return true
	})
}

// above is the comment that ends in the line before.
func (s source) above(file *ast.File, pos token.Pos) *ast.CommentGroup {
	for _, c := range file.Comments {
		if s.positions.Position(c.End()).Line == s.positions.Position(pos).Line-1 {
			return c
		}
	}
	return nil
}

func (s source) oneOrTwoLines(t *testing.T, pos token.Pos, comment *ast.CommentGroup) {
	t.Helper()
	const most = 2
	lines := 0
	if comment != nil {
		lines = s.positions.Position(comment.End()).Line - s.positions.Position(comment.Pos()).Line + 1
	}
	if lines == 0 || lines > most {
		t.Errorf("%v: a comment of %d lines says what this check does and what must be seen, want one or two", s.positions.Position(pos), lines)
	}
}
