package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

// TestEveryItemSaysItsSource: whoever implements the contract finds behind each
// item the clauses that it comes from, and they exist.
func TestEveryItemSaysItsSource(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "contract.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	items := 0
	says := func(name string, doc *ast.CommentGroup) {
		items++
		if _, source, found := strings.Cut(doc.Text(), "Source: "); !found || source == "" {
			t.Errorf("%s does not say its source", name)
		}
	}
	for _, decl := range file.Decls {
		list, ok := decl.(*ast.GenDecl)
		if !ok || list.Tok == token.IMPORT || list.Tok == token.CONST { // each constant stands in Position's order
			continue
		}
		for _, one := range list.Specs {
			switch one := one.(type) {
			case *ast.ValueSpec:
				says(one.Names[0].Name, list.Doc)
			case *ast.TypeSpec:
				says(one.Name.Name, list.Doc)
				if methods, ok := one.Type.(*ast.InterfaceType); ok {
					for _, method := range methods.Methods.List {
						says(one.Name.Name+"."+method.Names[0].Name, method.Doc)
					}
				}
			}
		}
	}
	if items < 20 {
		t.Errorf("only %d items were seen", items)
	}
	for _, comment := range file.Comments {
		for _, id := range regexp.MustCompile(`\b[A-Z]+-\d+\b`).FindAllString(comment.Text(), -1) {
			if _, known := spec.Lookup(id); !known {
				t.Errorf("%s is cited, and the spec has no such clause", id)
			}
		}
	}
}
