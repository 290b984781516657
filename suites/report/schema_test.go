package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
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
			return WriteJSONMatrix(b, &Matrix{Runs: []*Run{full, full}, Skipped: []Skipped{{"x", "C", "no compiler"}}})
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
	for _, bad := range []string{`{}`, `{"format": 2, "runs": []}`, `{"format": 1, "runs": [{}]}`, `{"format": 1, "runs": [], "more": 1}`, `[]`} {
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
		properties := schema["$defs"].(map[string]any)[name].(map[string]any)["properties"].(map[string]any)
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
	for _, word := range schema["$defs"].(map[string]any)["outcome"].(map[string]any)["enum"].([]any) {
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

// schema is a JSON schema, as far as ours needs one.
type schema map[string]any

func readSchema(t *testing.T) schema {
	t.Helper()
	text, err := os.ReadFile("run.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s schema) check(t *testing.T, text []byte) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return s.errors(s, value, "$")
}

// errors says where a value is not what a rule of the schema wants. A keyword
// that it does not know is an error too, so that no rule goes unchecked.
func (s schema) errors(rule schema, value any, at string) (errs []string) {
	fail := func(format string, args ...any) { errs = append(errs, at+": "+fmt.Sprintf(format, args...)) }
	object, _ := value.(map[string]any)
	for keyword, want := range rule {
		switch keyword {
		case "$schema", "$id", "title", "description", "$defs", "properties":
		case "$ref":
			name := strings.TrimPrefix(want.(string), "#/$defs/")
			errs = append(errs, s.errors(s["$defs"].(map[string]any)[name].(map[string]any), value, at)...)
		case "oneOf":
			matches := 0
			var all []string
			for _, option := range want.([]any) {
				found := s.errors(option.(map[string]any), value, at)
				if all = append(all, found...); len(found) == 0 {
					matches++
				}
			}
			if matches != 1 {
				fail("%d of the forms match", matches)
				errs = append(errs, all...)
			}
		case "const":
			if value != want {
				fail("is %v, not %v", value, want)
			}
		case "enum":
			if !slices.Contains(want.([]any), value) {
				fail("%v is none of %v", value, want)
			}
		case "type":
			kinds, several := want.([]any)
			if !several {
				kinds = []any{want}
			}
			if !slices.ContainsFunc(kinds, func(kind any) bool { return ofType(value, kind.(string)) }) {
				fail("%v is no %v", value, want)
			}
		case "required":
			for _, name := range want.([]any) {
				if _, there := object[name.(string)]; object != nil && !there {
					fail("lacks %s", name)
				}
			}
		case "additionalProperties":
			properties, _ := rule["properties"].(map[string]any)
			for name, field := range object {
				if known, there := properties[name]; there {
					errs = append(errs, s.errors(known.(map[string]any), field, at+"."+name)...)
				} else if want == false {
					fail("has %s", name)
				} else {
					errs = append(errs, s.errors(want.(map[string]any), field, at+"."+name)...)
				}
			}
		case "propertyNames":
			for name := range object {
				errs = append(errs, s.errors(want.(map[string]any), name, at+" name")...)
			}
		case "items":
			list, _ := value.([]any)
			for i, item := range list {
				errs = append(errs, s.errors(want.(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
			}
		case "minimum":
			if number, is := value.(float64); is && number < want.(float64) {
				fail("%v is below %v", number, want)
			}
		case "pattern":
			if text, is := value.(string); is && !regexp.MustCompile(want.(string)).MatchString(text) {
				fail("%q does not match %v", text, want)
			}
		default:
			fail("the schema's keyword %s is not known to this test", keyword)
		}
	}
	return errs
}

func ofType(value any, kind string) bool {
	switch v := value.(type) {
	case nil:
		return kind == "null"
	case string:
		return kind == "string"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return false
}
