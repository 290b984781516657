package dialect

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/reactorspec/reactorspec/spec"
)

// vector is one of testdata/vectors/dialects.json.
type vector struct {
	Name    string `json:"name"`
	Dialect string `json:"dialect"`
	Payload string `json:"payload"`
	Opening string `json:"opening"`
	Request string `json:"request"`
	Replies []struct {
		Bytes string `json:"bytes"`
		Rest  int    `json:"rest"`
		Error string `json:"error"`
	} `json:"replies"`
}

func vectors(t *testing.T) []vector {
	text, err := os.ReadFile("../../testdata/vectors/dialects.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		About   string   `json:"about"`
		Vectors []vector `json:"vectors"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file.Vectors
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each vector's bytes are made and read, at once and byte by byte.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			d, err := ReadDescribed([]byte(v.Dialect), "vector.yaml")
			if err != nil {
				t.Fatal(err)
			}
			payload := unhex(t, v.Payload)
			if got := d.Request(payload); !bytes.Equal(got, unhex(t, v.Request)) {
				t.Errorf("request %x, want %s", got, v.Request)
			}
			var opening []byte
			for _, step := range d.Opening() {
				opening = append(opening, step.Send...)
			}
			if !bytes.Equal(opening, unhex(t, v.Opening)) {
				t.Errorf("opening %x, want %s", opening, v.Opening)
			}
			for _, reply := range v.Replies {
				wire := unhex(t, reply.Bytes)
				for _, r := range []io.Reader{bytes.NewReader(wire), iotest.OneByteReader(bytes.NewReader(wire))} {
					in := bufio.NewReaderSize(r, 16)
					_, err := d.ReadReply(in, payload)
					if kind := kindOf(err); kind != reply.Error {
						t.Errorf("%s: %q (%v), want %q", reply.Bytes, kind, err, reply.Error)
					}
					if rest, _ := io.ReadAll(in); err == nil && len(rest) != reply.Rest {
						t.Errorf("%s leaves %d bytes, want %d", reply.Bytes, len(rest), reply.Rest)
					}
				}
			}
		})
	}
}

func kindOf(err error) string {
	var wrong *ReplyError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &wrong) && wrong.Garbage:
		return "form"
	case errors.As(err, &wrong):
		return "another"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "cut"
	case errors.Is(err, io.EOF):
		return "nothing"
	}
	return err.Error()
}

// A mistake is one line that names file and line and says what to write instead.
func TestMistakes(t *testing.T) {
	const good = "request: \"PING\\n\"\nreply: {line: \"\\n\", is: PONG}\n"
	if _, err := ReadDescribed([]byte(good), "x.yaml"); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":             "x.yaml:1: is empty",
		"- a\n":        "x.yaml:1: a dialect is a mapping",
		"request: x\n": "x.yaml:1: reply is missing",
		"reply: x\n":   "x.yaml:1: request is missing",
		"request: " + strings.Repeat("[", 100_000):                        "x.yaml:1: is nested more than 100 levels deep",
		good + "replay: x\n":                                              "x.yaml:3: unknown key \"replay\" in a dialect: did you mean reply?",
		good + "zebra: x\n":                                               "x.yaml:3: unknown key \"zebra\" in a dialect: use name, about, open",
		good + "name: echo\n":                                             "x.yaml:3: the name echo is that of a built-in dialect",
		good + "name: a b\n":                                              "x.yaml:3: name \"a b\": want letters",
		good + "pipelines: 1\n":                                           "x.yaml:3: pipelines wants true or false",
		good + "requests_per_connection: 0\n":                             "x.yaml:3: requests_per_connection wants a number from 1",
		good + "payload: {min: 1, max: 9}\n":                              "x.yaml:3: the request has no {payload} or {hex}",
		good + "open: []\n":                                               "x.yaml:3: open wants a list of steps",
		good + "open:\n- send: a\n  read: b\n":                            "x.yaml:4: a step either sends or reads",
		good + "open:\n- send: '{hex}'\n":                                 "x.yaml:4: send cannot have a payload",
		good + "open:\n- read: {close: true}\n":                           "close in open: no request can follow it",
		"request: '{payload}'\nreply: x\npayload: {max: 9}\n":             "x.yaml:1: request: nothing before {payload} says how long it is",
		"request: '{hexx}'\nreply: x\n":                                   "x.yaml:1: request: {hexx} is unknown: use {payload}, {hex}",
		"request: 'a{'\nreply: x\n":                                       "x.yaml:1: request: \"a{\" has a { that nothing closes: write {{",
		"request: 'a}'\nreply: x\n":                                       "x.yaml:1: request: \"a}\" has a } that nothing opens: write }}",
		"request: '{0x1}'\nreply: x\n":                                    "x.yaml:1: request: {0x1} stands for no bytes",
		"request: é\nreply: x\n":                                          "is not ASCII: write its bytes, such as {0xc3a9}",
		"request: 250\nreply: x\n":                                        "x.yaml:1: request wants text: put 250 in quotes",
		"request: '{any}'\nreply: x\n":                                    "x.yaml:1: request: {any} and {digits} stand for unknown bytes",
		"request: '{hex}'\nreply: x\n":                                    "x.yaml:1: payload is missing",
		"request: '{length 1}{payload}'\nreply: x\npayload: {max: 300}\n": "x.yaml:3: a length of 1 bytes cannot count 300",
		"request: '{length 5}{payload}'\nreply: x\npayload: {max: 300}\n": "x.yaml:1: request: {length 5}: \"5\" is not understood: write a size of 1 to 4 bytes",
		"request: '{hex}'\nreply: x\npayload: {min: 5, max: 3}\n":         "x.yaml:3: payload: min is 5, which is more than max, 3",
		"request: '{hex}'\nreply: x\npayload: {min: 5}\n":                 "x.yaml:3: payload wants max",
		"request: '{rest}{payload}'\nreply: {line: \"\\n\", is: '{payload}'}\npayload: {max: 3}\n": "x.yaml:2: \"{payload}\": a payload may hold the bytes that end the line: say {hex}",
		"request: x\nreply: {is: '{hex}', line: y}\n":                                              "x.yaml:2: \"{hex}\" has a payload, and the request has none",
		"request: x\nreply: {contains: y}\n":                                                       "x.yaml:2: nothing says where the frame ends: add line, length, header, size or close",
		"request: x\nreply: {line: a, size: 3}\n":                                                  "x.yaml:2: a frame is cut in one way: it has both line and size",
		"request: x\nreply: 'a{any}'\n":                                                            "x.yaml:2: \"a{any}\": nothing says where {any} or {digits} ends",
		"request: x\nreply: {line: y, is: '{any}{any}'}\n":                                         "x.yaml:2: is: \"{any}{any}\" has {any} twice in a row",
		"request: x\nreply: {line: y, is: '{digits}7'}\n":                                          "x.yaml:2: is: \"{digits}7\": {digits} must be followed by text that does not begin with a digit",
		"request: x\nreply: {header: 'a'}\n":                                                       "x.yaml:2: header wants {length} once",
		"request: x\nreply: {header: 'a {length}'}\n":                                              "x.yaml:2: header wants {length} once",
		"request: x\nreply: {tail: 'a', line: b}\n":                                                "x.yaml:2: tail stands after the bytes that a header counts",
		"request: x\nreply: {length: {at: 1}}\n":                                                   "x.yaml:2: length wants its size",
		"request: x\nreply: {length: {size: 9}}\n":                                                 "x.yaml:2: size wants a number from 1 to 4",
		"request: x\nreply: {length: {size: 2, order: middle}}\n":                                  "x.yaml:2: order \"middle\": want big or little",
		"request: x\nreply: {close: false}\n":                                                      "x.yaml:2: close: false says nothing",
		"request: x\nreply: [{close: true}, y]\n":                                                  "x.yaml:2: nothing comes after the end of the connection",
		"request: x\nreply: {close: true}\npipelines: true\n":                                      "x.yaml:3: the end of the connection ends the reply, so nothing can be sent after",
		"request: x\nreply: {close: true}\nrequests_per_connection: 2\n":                           "x.yaml:3: the end of the connection ends the reply, so a connection takes 1 request, not 2",
		"request: [\n":                       "x.yaml:",
		"a: &x b\nrequest: *x\n":             "x.yaml:1: unknown key",
		"request: x\nrequest: y\nreply: z\n": "x.yaml:2:",
		"request: ''\nreply: z\n":            "x.yaml:1: request is empty",
	} {
		_, err := ReadDescribed([]byte(text), "x.yaml")
		var located *FileError
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || !errors.As(err, &located) || located.Line < 1 {
			t.Errorf("%q:\n  got  %v\n  want %s", text, err, want)
		}
	}
}

// What a described dialect cannot tell it says.
func TestWeakness(t *testing.T) {
	for text, weak := range map[string]bool{
		"request: x\nreply: {line: \"\\n\"}\n":                                             true,
		"request: x\nreply: {line: \"\\n\", is: OK}\n":                                     false,
		"request: '{hex}'\npayload: {max: 9}\nreply: {line: \"\\n\", is: OK}\n":            true,
		"request: '{hex}'\npayload: {max: 9}\nreply: {line: \"\\n\", is: '{hex}'}\n":       false,
		"request: '{hex}'\npayload: {max: 9}\nreply: {line: \"\\n\", until: '{hex} OK'}\n": false,
		"request: '{hex}'\npayload: {max: 9}\nreply: {line: \"\\n\", is: [OK, '{hex}']}\n": true,
		"request: '{hex}'\npayload: {max: 9}\nreply: {line: \"\\n\", contains: '{hex}'}\n": false,
		"request: x\nreply: {size: 3}\n":                                                   true,
	} {
		d, err := ReadDescribed([]byte(text), "x.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Weakness() != ""; got != weak {
			t.Errorf("%q: %q", text, d.Weakness())
		}
		if payload := slices.Contains(Capabilities(d), "payload"); payload != (!d.Constant() && d.Carries()) {
			t.Errorf("%q promises a payload: %t", text, payload)
		}
	}
}

// Whatever a server repeats, a described dialect holds a few megabytes at most,
// and comes to an end.
func TestDescribedFloods(t *testing.T) {
	for _, reply := range []string{
		`{line: "\n", is: PONG}`, `{line: "\r\n", until: "END"}`, `{line: "\n", skip: "{any}"}`, `{length: {size: 4}}`, `{length: {size: 1}, until: "{any}END"}`,
		`{header: "x{any}y{length}\n", tail: z}`, `{close: true}`, `{close: true, contains: "END"}`, `"a{any}END"`, `"{digits}END"`, `{size: 1000000, is: "{any}END"}`,
		`{size: 1, until: "END"}`,
	} {
		d, err := ReadDescribed([]byte("request: x\nreply: "+reply+"\n"), "x.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, unit := range []string{"\n", "x", "xy", "\r\n", "\xff", "\x00\x00\x10\x00", "7", "a", "PONG", "x\n"} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := d.ReadReply(bufio.NewReader(&endless{unit: unit}), nil)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("%s and endless %q cost %d bytes", reply, unit, used)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%s and endless %q: %v", reply, unit, err)
			}
		}
	}
}

// Every dialect that ships carries what its page promises, and reads its own example.
func TestShipped(t *testing.T) {
	if len(shipped()) < 10 {
		t.Errorf("%d dialects ship", len(shipped()))
	}
	for _, dialect := range shipped() {
		d := dialect.(*Described)
		page, _ := spec.LookupDialect(d.Name())
		for id := range spec.Describe(d.Name(), Capabilities(d)...).Promises {
			_, promised := page.Promises[id]
			_, released := page.Released[id]
			if !promised && !released {
				t.Errorf("%s: its capabilities promise %s, and its page neither promises nor releases it", d.Name(), id)
			}
		}
		for _, id := range []string{"CONN-1", "CONN-3", "CONN-6"} {
			promised := spec.Describe(d.Name(), Capabilities(d)...).Promises[id] != ""
			if page.Promises[id] != "" && !promised {
				t.Errorf("%s: its page promises %s, and its description has no words for it", d.Name(), id)
			}
		}
		if d.Weakness() != "" {
			t.Errorf("%s: %s", d.Name(), d.Weakness())
		}
		for n := d.MinPayload(); n <= min(d.MaxPayload(), 40); n++ {
			payload := bytes.Repeat([]byte{'\n'}, n)
			example := d.Example(payload)
			if example == nil {
				t.Fatalf("%s: no example for %d bytes", d.Name(), n)
			}
			if _, err := d.ReadReply(bufio.NewReader(iotest.OneByteReader(bytes.NewReader(example))), payload); err != nil {
				t.Errorf("%s: %q: %v", d.Name(), example, err)
			}
		}
		if most := d.MaxPayload(); len(d.Request(make([]byte, most))) < most {
			t.Errorf("%s: the greatest request does not hold its payload", d.Name())
		}
	}
}

// Two connections never have the same word.
func TestUnique(t *testing.T) {
	d, err := ReadDescribed([]byte("request: '{unique}'\nreply: '{unique}'\n"), "x.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 3000 {
		word := string(PerConn(d).Request(nil))
		if seen[word] || len(word) != uniqueSize || word[0] < 'a' || word[0] > 'z' {
			t.Fatalf("%q comes again, or is no word", word)
		}
		seen[word] = true
	}
}

// The schema for editors is the committed one, and the page has each key.
func TestSchema(t *testing.T) {
	committed, err := os.ReadFile("../../spec/dialect-files.schema.json")
	if err != nil || !bytes.Equal(committed, Schema()) {
		t.Errorf("spec/dialect-files.schema.json is stale (%v): write it by `reactorspec dialect schema`", err)
	}
	page, err := os.ReadFile("../../spec/dialect-files.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		row := "| `" + k.name + "` | " + string(k.kind) + " | " + k.about + " |"
		if !strings.Contains(string(page), row) {
			t.Errorf("spec/dialect-files.md lacks the row\n%s", row)
		}
	}
}

// Each example of the page is a dialect.
func TestPageExamples(t *testing.T) {
	page, err := os.ReadFile("../../spec/dialect-files.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	if len(blocks) < 4 {
		t.Errorf("%d examples", len(blocks))
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		d, err := ReadDescribed([]byte(text), filepath.Join("spec", "dialect-files.md"))
		if err != nil {
			t.Errorf("%v in\n%s", err, text)
			continue
		}
		if d.Weakness() != "" || d.Example(make([]byte, d.MaxPayload())) == nil {
			t.Errorf("%s: %s; example %q", text, d.Weakness(), d.Example(make([]byte, d.MaxPayload())))
		}
	}
}
