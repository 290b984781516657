// Package jschema checks values against a JSON schema, as far as the schemas of this
// project need it. It is for tests.
package jschema

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Schema is a schema and the file it came from, beside which others may be named.
type Schema struct {
	Root map[string]any
	path string
}

// Load reads the schema at path.
func Load(path string) (Schema, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Schema{}, err
	}
	s := Schema{path: path}
	if err := json.Unmarshal(text, &s.Root); err != nil {
		return Schema{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Check says where a value is not what the schema wants. The value is as encoding/json
// reads it into an any.
func (s Schema) Check(value any) []string { return s.errors(s.Root, value, "$") }

// errors says where a value is not what a rule of the schema wants. A keyword
// that it does not know is an error too, so that no rule goes unchecked.
func (s Schema) errors(rule map[string]any, value any, at string) (errs []string) {
	fail := func(format string, args ...any) { errs = append(errs, at+": "+fmt.Sprintf(format, args...)) }
	object, _ := value.(map[string]any)
	list, _ := value.([]any)
	number, isNumber := value.(float64)
	for keyword, want := range rule {
		switch keyword {
		case "$schema", "$id", "title", "description", "$defs", "definitions", "properties":
		case "$ref":
			schema, named, err := s.named(want.(string))
			if err != nil {
				fail("%v", err)
				continue
			}
			errs = append(errs, schema.errors(named, value, at)...)
		case "oneOf", "anyOf", "allOf":
			errs = append(errs, s.some(keyword, want.([]any), value, at)...)
		case "const":
			if !reflect.DeepEqual(value, want) {
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
			for i, item := range list {
				errs = append(errs, s.errors(want.(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
			}
		case "minItems":
			if list != nil && float64(len(list)) < want.(float64) {
				fail("has %d items, fewer than %v", len(list), want)
			}
		case "minimum":
			if isNumber && number < want.(float64) {
				fail("%v is below %v", number, want)
			}
		case "maximum":
			if isNumber && number > want.(float64) {
				fail("%v is above %v", number, want)
			}
		case "pattern":
			if text, is := value.(string); is && !regexp.MustCompile(want.(string)).MatchString(text) {
				fail("%q does not match %v", text, want)
			}
		default:
			fail("the schema's keyword %s is not known to this test", keyword)
		}
	}
	// Without additionalProperties others are allowed, and those named are still bound.
	if _, closed := rule["additionalProperties"]; !closed {
		properties, _ := rule["properties"].(map[string]any)
		for name, known := range properties {
			if field, there := object[name]; there {
				errs = append(errs, s.errors(known.(map[string]any), field, at+"."+name)...)
			}
		}
	}
	return errs
}

// some holds a value against several rules, of which one, any or all have to be met.
func (s Schema) some(keyword string, rules []any, value any, at string) (errs []string) {
	met := 0
	for _, rule := range rules {
		found := s.errors(rule.(map[string]any), value, at)
		if errs = append(errs, found...); len(found) == 0 {
			met++
		}
	}
	if met == len(rules) && keyword == "allOf" || met == 1 && keyword == "oneOf" || met > 0 && keyword == "anyOf" {
		return nil
	}
	return append([]string{fmt.Sprintf("%s: %d of the forms match", at, met)}, errs...)
}

// named follows a reference, within the schema or to a file beside it.
func (s Schema) named(reference string) (Schema, map[string]any, error) {
	file, pointer, _ := strings.Cut(reference, "#/")
	if file != "" {
		other, err := Load(filepath.Join(filepath.Dir(s.path), file))
		if err != nil {
			return Schema{}, nil, err
		}
		s = other
	}
	at := s.Root
	for name := range strings.SplitSeq(pointer, "/") {
		next, ok := at[name].(map[string]any)
		if !ok {
			return Schema{}, nil, fmt.Errorf("the schema has no %s", reference)
		}
		at = next
	}
	return s, at, nil
}

func ofType(value any, kind string) bool {
	switch v := value.(type) {
	case nil:
		return kind == "null"
	case string:
		return kind == "string"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case bool:
		return kind == "boolean"
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return false
}
