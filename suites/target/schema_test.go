package target

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
	"github.com/reactorspec/reactorspec/suites/internal/jschema"
)

const (
	schemaFile = "../../spec/target-file.schema.json"
	pageFile   = "../../spec/target-file.md"
)

func loadSchema(t *testing.T) jschema.Schema {
	t.Helper()
	s, err := jschema.Load(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keysOf are the keys of a struct in a target file.
func keysOf(model reflect.Type) []string {
	var keys []string
	for i := range model.NumField() {
		if key := model.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

// The schema and the page have every key that a target file may have, and none beside.
func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	root := loadSchema(t).Root
	at := func(path ...string) map[string]any {
		place := root
		for _, name := range path {
			next, ok := place[name].(map[string]any)
			if !ok {
				t.Fatalf("the schema has no %v", path)
			}
			place = next
		}
		return place
	}
	for heading, part := range map[string]struct {
		model  reflect.Type
		schema map[string]any
	}{
		"":              {reflect.TypeFor[File](), at("properties")},
		"## `expected`": {reflect.TypeFor[Expected](), at("properties", "expected", "items", "properties")},
		"## `http`":     {reflect.TypeFor[dialect.HTTP](), at("properties", "http", "properties")},
		"## `payload`":  {reflect.TypeFor[Payload](), at("properties", "payload", "properties")},
		"## `tls`":      {reflect.TypeFor[TLS](), at("properties", "tls", "properties")},
	} {
		text := string(page)
		if heading != "" {
			_, text, _ = strings.Cut(text, "\n"+heading)
			text, _, _ = strings.Cut(text, "\n## ")
		}
		keys := keysOf(part.model)
		for _, key := range keys {
			if _, known := part.schema[key]; !known {
				t.Errorf("%s: the schema lacks %s", part.model, key)
			}
			row := "\n| `" + key + "` |"
			if key == "expected" {
				row = "\n## `expected`"
			}
			if !strings.Contains(text, row) {
				t.Errorf("spec/target-file.md: %s lacks a row for %s", heading, key)
			}
		}
		for key := range part.schema {
			if !slices.Contains(keys, key) {
				t.Errorf("%s: the schema has %s, which no target file may have", part.model, key)
			}
		}
	}
	vocabulary(t, at("properties", "features", "items"), spec.Features())
	vocabulary(t, at("properties", "class"), spec.Classes())
}

// vocabulary wants the words of an enum to be those.
func vocabulary[T ~string](t *testing.T, rule map[string]any, words []T) {
	t.Helper()
	var want []any
	for _, word := range words {
		want = append(want, string(word))
	}
	if !reflect.DeepEqual(rule["enum"], want) {
		t.Errorf("the schema has %v, and there are %v", rule["enum"], want)
	}
}

// asJSON is a YAML text as a value of JSON.
func asJSON(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(b, &value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Every target file of the repository and every example of the page is what the schema
// wants, and is read.
func TestGoodFilesMeetTheSchema(t *testing.T) {
	schema := loadSchema(t)
	texts := make(map[string][]byte)
	var paths []string
	for _, pattern := range []string{"../../testdata/targets/*.yaml", "../cli/testdata/starter/*/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no target files: %v", err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = text
	}
	page, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	examples := strings.Split(string(page), "```yaml\n")[1:]
	if len(examples) < 4 {
		t.Errorf("the page has %d examples", len(examples))
	}
	for _, example := range examples {
		text, _, _ := strings.Cut(example, "```")
		texts[text] = []byte(text)
		file, err := Read(strings.NewReader(text), "example.yaml")
		if err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
		for _, e := range file.Expected {
			if _, known := spec.Lookup(e.Clause); !known {
				t.Errorf("the example expects %s", e.Clause)
			}
		}
	}
	for name, text := range texts {
		if errs := schema.Check(asJSON(t, text)); len(errs) > 0 {
			t.Errorf("%s\n%s", name, strings.Join(errs, "\n"))
		}
	}
}

// What the reader refuses for its form, the schema refuses too.
func TestBadFilesBreakTheSchema(t *testing.T) {
	const good = "name: x\ndialect: echo\nstart: ./x\n"
	schema := loadSchema(t)
	for _, text := range []string{
		"name: x\ndialect: echo\n", "name: x\nstart: y\n", good + "nmae: y\n", good + "class: fast\n", good + "features: [fly]\n",
		good + "expected: [{clause: A-1}]\n", good + "expected: [{clause: A-1, reason: r, frequency: often}]\n", good + "limit: -1\n", good + "limit: 1MB\n", good + "greeting: much\n", good + "payload: {max: 1Kb}\n",
		good + "idle_timeout: 5\n", good + "ready_timeout: soon\n", good + "memory: much\n", good + "user: \"no body\"\n", good + "tls: {cert: x}\n", good + "payload: {least: 3}\n",
		good + "http: {statuz: 3}\n", "name: x\ndialect: {request: a}\nstart: y\n",
	} {
		if _, err := Read(strings.NewReader(text), "f.yaml"); err == nil {
			t.Errorf("%q is read", text)
		}
		if len(schema.Check(asJSON(t, []byte(text)))) == 0 {
			t.Errorf("the schema takes %q", text)
		}
	}
}
