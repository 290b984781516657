package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/suites/internal/jschema"
)

// What the writers write is what the schema says, a run and a matrix, in every
// outcome.
func TestJSONMeetsItsSchema(t *testing.T) {
	schema := readSchema(t)
	full := full()
	for name, write := range map[string]func(*bytes.Buffer) error{
		"run": func(b *bytes.Buffer) error { return WriteJSON(b, full) },
		"unjudged": func(b *bytes.Buffer) error {
			return WriteJSON(b, &Run{Target: Target{Name: "x"}, Verdict: Judge(&Run{})})
		},
		"hostile": func(b *bytes.Buffer) error {
			run := hostile()
			for i := range run.Results {
				run.Results[i].Evidence.Sent = nil
			}
			run.Verdict.Counts = nil
			run.Verdict = Judge(run)
			return WriteJSON(b, run)
		},
		"matrix": func(b *bytes.Buffer) error {
			return WriteJSONMatrix(b, &Matrix{Runs: []*Run{full, full}, Skipped: []Skipped{{"x", "C", "no compiler"}}, Shards: []Shard{{1, 2}}})
		},
		"empty matrix": func(b *bytes.Buffer) error { return WriteJSONMatrix(b, &Matrix{}) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			if errs := schema.check(t, out.Bytes()); len(errs) > 0 {
				t.Errorf("%s\n%s", strings.Join(errs, "\n"), out.String())
			}
		})
	}
	for _, bad := range []string{`{}`, `{"format": 2, "runs": []}`, `{"format": 1, "runs": [{}]}`, `{"format": 1, "runs": [], "more": 1}`, `{"format": 1, "runs": [], "shards": [{"index": 0, "total": 2}]}`, `[]`} {
		if len(schema.check(t, []byte(bad))) == 0 {
			t.Errorf("the schema takes %s", bad)
		}
	}
}

// full is a run that has a value in every field of the model.
func full() *Run {
	run := &Run{}
	var fill func(reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
				return
			}
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0))
		case reflect.String:
			v.SetString("text")
		case reflect.Int, reflect.Int64:
			v.SetInt(2)
		case reflect.Uint64:
			v.SetUint(2)
		case reflect.Float64:
			v.SetFloat(1.5)
		}
	}
	fill(reflect.ValueOf(run).Elem())
	run.Vantages, run.Selected, run.Target.Promises = nil, []string{"CONN-1"}, []string{"CONN-1"}
	run.Problem.Kind, run.Target.Expected[0].Frequency = Start, Always
	example := run.Results[0]
	run.Results = nil
	for i, look := range looks {
		r := example
		r.Clause, r.Level, r.Outcome = fmt.Sprintf("CONN-%d", i+1), "MUST", look.Outcome
		run.Results = append(run.Results, r)
	}
	Judge(run)
	run.Verdict.Reasons = []string{"a reason"}
	return run
}

// The schema has every field of the model, and none beside it.
func TestSchemaKnowsTheModel(t *testing.T) {
	schema := readSchema(t)
	for name, model := range map[string]reflect.Type{
		"run": reflect.TypeFor[Run](), "target": reflect.TypeFor[Target](), "result": reflect.TypeFor[Result](), "evidence": reflect.TypeFor[Evidence](),
		"event": reflect.TypeFor[Event](), "verdict": reflect.TypeFor[Verdict](), "matrix": reflect.TypeFor[Matrix](),
	} {
		properties := schema.Root["$defs"].(map[string]any)[name].(map[string]any)["properties"].(map[string]any)
		for i := range model.NumField() {
			field, _, _ := strings.Cut(model.Field(i).Tag.Get("json"), ",")
			if _, known := properties[field]; !known {
				t.Errorf("the schema's %s lacks %s", name, field)
			}
			delete(properties, field)
		}
		for field := range properties {
			t.Errorf("the schema's %s has %s, which the model lacks", name, field)
		}
	}
	var words []any
	for _, outcome := range Outcomes() {
		words = append(words, string(outcome))
	}
	for _, word := range schema.Root["$defs"].(map[string]any)["outcome"].(map[string]any)["enum"].([]any) {
		if !slices.Contains(words, word) {
			t.Errorf("the schema has the outcome %v", word)
		}
	}
}

// A report of the seed format is refused by its format, and what a newer command
// adds is passed over.
func TestJSONFormats(t *testing.T) {
	if _, err := ReadJSON(strings.NewReader(`{"tool": "x", "results": []}`)); err == nil || !strings.Contains(err.Error(), "its format is 0") {
		t.Errorf("no format: %v", err)
	}
	run, err := ReadJSON(strings.NewReader(`{"format": 1, "tool": "x", "results": [{"clause": "CONN-1", "mood": 3}], "weather": "fine"}`))
	if err != nil || len(run.Results) != 1 {
		t.Errorf("%+v, %v", run, err)
	}
	if _, err := ReadJSON(strings.NewReader(`{"format": 1, "runs": []}`)); err == nil || !strings.Contains(err.Error(), "0 runs") {
		t.Errorf("a matrix as a run: %v", err)
	}
}

// schema is the schema of reports.
type schema struct{ jschema.Schema }

func readSchema(t *testing.T) schema {
	t.Helper()
	read, err := jschema.Load("run.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema{read}
}

func (s schema) check(t *testing.T, text []byte) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return s.Check(value)
}
