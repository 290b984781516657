package dialect

import "encoding/json"

// Schema is a JSON schema of dialect files, for editors: their completion, and
// their mistakes as they are typed. It is made of the table that reads the files,
// and so says all that a schema can; the reader says more.
func Schema() []byte {
	definitions := map[string]any{}
	for _, k := range keys {
		if _, done := definitions[k.in]; !done {
			definitions[k.in] = schemaOf(k.in)
		}
	}
	schema := map[string]any{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "A dialect of reactorspec: how one request is said to a server",
		"definitions": definitions,
		"anyOf": []any{
			reference("dialect"),
			map[string]any{"type": "object", "required": []string{"dialect"}, "properties": map[string]any{"dialect": reference("dialect")}},
		},
	}
	b, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // strings, numbers and maps of them
	}
	return append(b, '\n')
}

func reference(name string) any { return map[string]any{"$ref": "#/definitions/" + name} }

// schemaOf is the schema of one mapping.
func schemaOf(in string) any {
	properties := map[string]any{}
	for _, k := range keys {
		if k.in != in {
			continue
		}
		property := k.kind.schema(k.most)
		property["description"] = k.about
		properties[k.name] = property
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required, ok := requiredKeys[in]; ok {
		schema["required"] = required
	}
	return schema
}

// requiredKeys are the keys without which a mapping says nothing, whatever its others.
var requiredKeys = map[string][]string{"dialect": {"request", "reply"}, "payload": {"max"}, "length": {"size"}}

func (k kind) schema(most int) map[string]any {
	text := map[string]any{"type": "string"}
	oneOrMore := func(one any) map[string]any {
		return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": one, "minItems": 1}}}
	}
	frameOrPattern := map[string]any{"anyOf": []any{text, reference("frame")}}
	switch k {
	case aNumber:
		return map[string]any{"type": "integer", "minimum": 0, "maximum": most}
	case aSigned:
		return map[string]any{"type": "integer", "minimum": -most, "maximum": most}
	case yes:
		return map[string]any{"type": "boolean"}
	case anOrder:
		return map[string]any{"enum": []string{"big", "little"}}
	case patterns:
		return oneOrMore(text)
	case frames:
		return oneOrMore(frameOrPattern)
	case aFrame:
		return frameOrPattern
	case steps:
		return map[string]any{"type": "array", "items": reference("step"), "minItems": 1}
	case aPayload:
		return map[string]any{"allOf": []any{reference("payload")}}
	case aLength:
		return map[string]any{"allOf": []any{reference("length")}}
	}
	return map[string]any{"type": "string"}
}
