package dialect

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/internal/jschema"
)

// Every dialect that ships described, and every example of the page, is what the schema
// for editors wants.
func TestDescriptionsMeetTheSchema(t *testing.T) {
	schema, err := jschema.Load("../../spec/dialect-files.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../spec/dialect-files.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, d := range spec.Dialects() {
		if d.Description != "" {
			texts[d.Name] = d.Description
		}
	}
	shipped := len(texts)
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		texts[text] = text
	}
	if shipped < 5 || len(texts) < shipped+4 {
		t.Errorf("%d dialects ship described, and the page has %d examples", shipped, len(texts)-shipped)
	}
	for name, text := range texts {
		if errs := schema.Check(asJSON(t, text)); len(errs) > 0 {
			t.Errorf("%s\n%s", name, strings.Join(errs, "\n"))
		}
	}
	for _, bad := range []string{"request: x\n", "request: x\nreply: y\nreplay: z\n", "request: x\nreply: y\npipelines: 1\n", "request: x\nreply: {size: -1}\n"} {
		if len(schema.Check(asJSON(t, bad))) == 0 {
			t.Errorf("the schema takes %q", bad)
		}
	}
}

// asJSON is a YAML text as a value of JSON.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
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
