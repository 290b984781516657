package markdown

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

var write = flag.Bool("write", false, "write spec/declared.json; `go generate ./spec` does")

// declaredFile holds what package spec embeds.
const declaredFile = "../declared.json"

// TestDeclaredIsCurrent: what package spec embeds is what the pages say today.
func TestDeclaredIsCurrent(t *testing.T) {
	declared, err := read(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	want := encoded(t, declared)
	if *write {
		if err := os.WriteFile(declaredFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(declaredFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the pages of the spec have changed since spec/declared.json was written: go generate ./spec")
	}
	parsed, err := Parse(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsed.Families(), spec.Families()) || !reflect.DeepEqual(parsed.Dialects(), spec.Dialects()) {
		t.Error("what package spec embeds is not what it would be if it read the pages")
	}
}

// encoded is the JSON of what is declared, a line for each clause, class and dialect, so
// that a change of one changes one line.
func encoded(t *testing.T, d spec.Declared) []byte {
	t.Helper()
	var b bytes.Buffer
	value := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	lines := func(name string, n int, line func(i int)) {
		b.WriteString(name + "[\n")
		for i := range n {
			if line(i); i < n-1 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
		b.WriteByte(']')
	}
	lines(`{"Families": `, len(d.Families), func(i int) {
		family := d.Families[i]
		head, err := json.Marshal(struct{ Name, Title, About string }{family.Name, family.Title, family.About})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(bytes.TrimSuffix(head, []byte("}")))
		lines(`, "Clauses": `, len(family.Clauses), func(i int) { value(family.Clauses[i]) })
		b.WriteByte('}')
	})
	b.WriteString(",\n\"Core\": ")
	value(d.Core)
	b.WriteString(",\n\"Common\": ")
	value(d.Common)
	b.WriteString(",\n\"Abilities\": ")
	value(d.Abilities)
	b.WriteString(",\n\"Released\": ")
	value(d.Released)
	b.WriteString(",\n\"Undescribed\": ")
	value(d.Undescribed)
	b.WriteString(",\n\"OverTLS\": ")
	value(d.OverTLS)
	lines(",\n\"Dialects\": ", len(d.Dialects), func(i int) { value(d.Dialects[i]) })
	b.WriteString("}\n")
	return b.Bytes()
}
