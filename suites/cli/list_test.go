package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/spec"
)

// A program that reads the list needs no other page to know what a label means.
func TestListJSONSaysWhatLabelsMean(t *testing.T) {
	o := reactorspec(t, nil, "list", "--json")
	var list []struct {
		ID      string        `json:"id"`
		Source  string        `json:"source"`
		Sources []spec.Source `json:"sources"`
	}
	if err := json.Unmarshal([]byte(o.out), &list); err != nil || o.exit != 0 {
		t.Fatalf("exit %d, %v\n%s", o.exit, err, o.out)
	}
	steps, bugs := 0, 0
	for _, listed := range list {
		if listed.Sources == nil {
			t.Errorf("%s has null for sources, and a list has to be a list", listed.ID)
		}
		for _, source := range listed.Sources {
			if !strings.Contains(listed.Source, source.Label) || source.Title == "" || source.Words == "" || !strings.HasPrefix(source.Link, "https://") {
				t.Errorf("%s, which cites %q, has the source %+v", listed.ID, listed.Source, source)
			}
			if source.Step() {
				steps++
			} else {
				bugs++
			}
		}
	}
	if steps == 0 || bugs == 0 {
		t.Errorf("all clauses together cite %d steps of the story and %d bugs", steps, bugs)
	}
	if o := reactorspec(t, nil, "explain", "MODEL-2"); !strings.Contains(o.out, "S1 the primitive server") || !strings.Contains(o.out, "spec/story.md#s1-the-primitive-server") {
		t.Errorf("explain does not say where the story is\n%s", o.out)
	}
}
