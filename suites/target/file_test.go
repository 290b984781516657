package target

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/reactorspec/reactorspec/spec"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis.yaml")
	text := `# a comment
name: redis
upstream: https://redis.io
version: "7.0"
language: c
class: reactor
dialect: resp
features: [drain]
limit: 1048576
memory: 4GiB
idle_timeout: 3s
build: [make, "-j2"]
start: redis-server --port {port} --save ""
env: {LANG: C, ADDRESS: "127.0.0.1:{port}"}
dir: ../src
ready_timeout: 20s
expected:
  - clause: CONN-7
    reason: no half-close
    link: https://example.org/1
  - {clause: FLOW-2, reason: races, link: "", frequency: sometimes}
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := File{
		Name: "redis", Upstream: "https://redis.io", Version: "7.0", Language: "c", Class: spec.Reactor, Dialect: "resp",
		Features: []spec.Feature{"drain"}, Limit: 1 << 20, Memory: 4 << 30, IdleTimeout: Duration(3 * time.Second), Build: Command{"make", "-j2"},
		Start: Command{"/bin/sh", "-c", `redis-server --port {port} --save ""`},
		Env:   map[string]string{"LANG": "C", "ADDRESS": "127.0.0.1:{port}"}, Dir: filepath.Join(filepath.Dir(path), "../src"),
		ReadyTimeout: Duration(20 * time.Second), Path: path,
		Expected: []Expected{
			{Clause: "CONN-7", Reason: "no half-close", Link: "https://example.org/1", Frequency: Always},
			{Clause: "FLOW-2", Reason: "races", Frequency: Sometimes},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Every target file of the repository is good.
func TestCommittedFiles(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/targets/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no target files: %v", err)
	}
	for _, path := range paths {
		f, err := Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for i, e := range f.Expected {
			if _, ok := spec.Lookup(e.Clause); !ok {
				t.Errorf("%s: expected[%d].clause: the spec has no %s", path, i, e.Clause)
			}
		}
	}
}

// A bad file is one line that names the field and never a panic.
func TestBadFiles(t *testing.T) {
	const good = "name: x\ndialect: echo\nstart: ./x\n"
	for text, says := range map[string]string{
		"":                                     "is empty",
		"# only a comment\n":                   "is empty",
		"name: [":                              "",
		"- a\n- b\n":                           "",
		"name: x\nname: y\n" + good:            "name",
		good + "expected: [{clauze: A-1}]\n":   "clauze",
		good + "expected: [{clause: A-1}]\n":   "expected[0].reason",
		good + "expected: [{reason: because}]": "expected[0].clause",
		good + "expected: [{clause: A-1, reason: r, frequency: often}]": `frequency: unknown "often": use one of always, sometimes`,
		good + "class: fast\n":                                                          `class: unknown "fast": use one of iterative`,
		good + "features: [post, fly]\n":                                                `features[1]: unknown "fly"`,
		good + "limit: -1\n":                                                            "limit",
		good + "idle_timeout: 5\n":                                                      "write 15s",
		good + "limit: many\n":                                                          "many",
		good + "ready_timeout: soon\n":                                                  `"soon" is not a duration`,
		good + "ready_timeout: -3s\n":                                                   "not a duration above 0",
		good + "build: {a: b}\n":                                                        "command line",
		"dialect: echo\nstart: ./x\n":                                                   "name: is missing",
		"name: x\nstart: ./x\n":                                                         "dialect: is missing: use one of echo",
		"name: x\ndialect: echo\n":                                                      "start: is missing",
		"name: x\ndialect: nobodys\nstart: y":                                           `dialect: unknown "nobodys"`,
		"name: x\ndialect: postgrse\nstart: y":                                          `dialect: unknown "postgrse": did you mean postgres? Else use one of echo`,
		good + "nmae: y\n":                                                              `f.yaml:4: unknown field "nmae": nmae: y`,
		good + "user: [" + strings.Repeat("y", 1000) + "\n":                             "f.yaml:4: sequence end token ']' not found: user: [" + strings.Repeat("y", 193) + "…",
		good + "user: \"\n":                                                             "f.yaml:4: could not find end character of double-quoted text: user: \"",
		"name: " + strings.Repeat("[", 100_000):                                         "f.yaml:1: is nested more than 100 levels deep",
		good + "features: &a [*a]\n":                                                    "f.yaml:4: the alias *a stands within",
		"name: x\nstart: y\ndialect:\n  request: x\n":                                   "f.yaml:4: reply is missing",
		"name: x\nstart: y\ndialect:\n  request: x\n  replay: y\n":                      "f.yaml:5: unknown key \"replay\" in a dialect: did you mean reply?",
		"name: x\nstart: y\ndialect: {request: x, reply: y}\nlanguag: C\n":              "languag",
		"name: x\nstart: y\ndialect: ./none.yaml\n":                                     "none.yaml: no such file",
		good + "tls: {ca: x, insecure: true}\n":                                         "tls: both ca and insecure",
		good + "tls: {cert: x}\n":                                                       "cert",
		"name: \x00\n":                                                                  "",
		good + "http: {path: /}\n":                                                      "http: is for dialect: http",
		good + "payload: {min: 9, max: 3}\n":                                            "payload.max: 3",
		good + "payload: {max: 1000000000}\n":                                           "payload: 1000000000",
		good + "payload: {least: 3}\n":                                                  "least",
		"name: x\ndialect: http\nstart: y\nhttp: {path: healthz}\n":                     "http.path",
		"name: x\ndialect: http\nstart: y\nhttp: {path: /, statuz: 3}\n":                "statuz",
		"name: x\ndialect: http\nstart: y\nhttp: {path: /}\npayload: {max: 10}\n":       "carry none",
		"name: x\ndialect: http\nstart: y\nhttp: {method: HEAD, path: /, echo: true}\n": "http.echo",
		good + "spec: 9.9\n":                                                            "spec: unknown version",
		"name: x\ndialect: echo\nstart: [./x, '--at={addr}']\n":                         "start: unknown placeholder {addr}",
		good + "build: make {port}\n":                                                   "build: unknown placeholder {port}: use one of {scratch}",
		good + "memory: -1\n":                                                           "memory: -1 is below 0",
		good + "memory: 9999999TiB\n":                                                   "not a number of bytes above 0",
		good + "memory: much\n":                                                         "write 512MiB",
	} {
		_, err := Read(strings.NewReader(text), "f.yaml")
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %q is not one line with %q", text, err, says)
		}
	}
}

// Whatever is a number of bytes may have a unit, in every key alike, as in flags.
func TestBytesInEveryKey(t *testing.T) {
	text := "name: x\ndialect: echo\nstart: ./x\nfeatures: [greeting, limit]\nlimit: 1MiB\nmemory: 2 GiB\ngreeting: 3KiB\npayload: {min: 16, max: 1KiB}\n"
	got, err := Read(strings.NewReader(text), "f.yaml")
	if err != nil || got.Limit != 1<<20 || got.Memory != 2<<30 || got.Greeting != 3<<10 || got.Payload != (Payload{Min: 16, Max: 1 << 10}) {
		t.Errorf("%v: limit %d, memory %d, greeting %d, payload %+v", err, got.Limit, got.Memory, got.Greeting, got.Payload)
	}
	if errs := loadSchema(t).Check(asJSON(t, []byte(text))); len(errs) > 0 {
		t.Errorf("the schema refuses them: %v", errs)
	}
	for _, key := range []string{"limit", "memory", "greeting"} {
		for value, good := range map[string]bool{"0": true, "1_000": true, "1MB": false, "-1": false, "KiB": false, "9999999TiB": false} {
			_, err := Read(strings.NewReader("name: x\ndialect: echo\nstart: ./x\n"+key+": "+value+"\n"), "f.yaml")
			if (err == nil) != good || value != "-1" && err != nil && !strings.Contains(err.Error(), "write 512MiB") {
				t.Errorf("%s: %s: %v", key, value, err)
			}
		}
	}
}

func TestBytes(t *testing.T) {
	for b, want := range map[Bytes]string{1: "1", 1 << 10: "1KiB", 1536: "1536", 4 << 30: "4GiB", 0: "0"} {
		if got := b.String(); got != want {
			t.Errorf("%d bytes are %q, want %q", int64(b), got, want)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	if _, err := Load("/no/such.yaml"); err == nil || !strings.Contains(err.Error(), "/no/such.yaml") {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(path, []byte("name: x\nnope: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "nope") {
		t.Error(err)
	}
}

func TestCommand(t *testing.T) {
	for line, want := range map[string]Command{
		"./server --port {port}":  {"./server", "--port", "{port}"},
		"  a   b ":                {"a", "b"},
		"cd x && ./y":             {"/bin/sh", "-c", "cd x && ./y"},
		"A=1 ./y":                 {"/bin/sh", "-c", "A=1 ./y"},
		"exec ./y {port}":         {"/bin/sh", "-c", "exec ./y {port}"},
		`node -e "serve({port})"`: {"/bin/sh", "-c", `node -e "serve({port})"`},
		"./y --set a=1":           {"./y", "--set", "a=1"},
		"":                        nil,
	} {
		got := ParseCommand(line)
		if len(got) != len(want) || (len(want) > 0 && !reflect.DeepEqual(got, want)) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	for want, c := range map[string]Command{
		"./server --port {port}": {"./server", "--port", "{port}"},
		`a 'b c' '' 'it'\''s'`:   {"a", "b c", "", "it's"},
		"cd x && ./y":            {"/bin/sh", "-c", "cd x && ./y"},
	} {
		if got := c.String(); got != want {
			t.Errorf("%q prints as %s, want %s", []string(c), got, want)
		}
	}
}

func TestOutputKeepsTheTail(t *testing.T) {
	o := &output{}
	if got := o.tail(); got != "" {
		t.Errorf("empty: %q", got)
	}
	o.write([]byte("one\ntwo\n"))
	if got := o.tail(); got != "one\ntwo" {
		t.Errorf("%q", got)
	}
	for range 5000 {
		o.write([]byte("a line that is repeated very often\n"))
	}
	o.write([]byte("last words"))
	got := o.tail()
	lines := strings.Split(got, "\n")
	if len(lines) != tailLines+1 || lines[0] != "…" || lines[tailLines] != "last words" || lines[1] != "a line that is repeated very often" {
		t.Errorf("%q", got)
	}
	o = &output{}
	o.write([]byte(strings.Repeat("x", 3*tailBytes)))
	if got := o.tail(); len(got) > lineWidth+20 {
		t.Errorf("a line without an end gives %d bytes", len(got))
	}
}

func TestSanitise(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                 "plain",
		"tab\there":             "tab    here",
		"\x1b]0;title\a":        `\x1b]0;title\x07`,
		"carriage\rreturn\r":    `carriage\x0dreturn`,
		"bad \xff utf8":         `bad \xff utf8`,
		"rtl \u202e override":   `rtl \u202e override`,
		"c1 \u009b31m":          `c1 \u009b31m`,
		"grüße 世界":              "grüße 世界",
		"<script>&amp;</script": "<script>&amp;</script",
	} {
		if got := Sanitise(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A dialect may be described in the target file, or in one of its own beside it.
func TestDescribedDialects(t *testing.T) {
	dir := t.TempDir()
	const described = "request: \"PING\\n\"\nreply: \"PONG\\n\"\n"
	for name, text := range map[string]string{
		"ping.yaml":  described,
		"here.yaml":  "name: x\nstart: y\ntls: {alpn: [a]}\ndialect:\n  " + strings.ReplaceAll(strings.TrimSpace(described), "\n", "\n  ") + "\n",
		"there.yaml": "name: x\nstart: y\ndialect: ./ping.yaml\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for file, name := range map[string]string{"here.yaml": "here", "there.yaml": "ping"} {
		got, err := Load(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		d, err := got.Speaker()
		if err != nil || d.Name() != name || got.Dialect != name || string(d.Request(nil)) != "PING\n" {
			t.Errorf("%s: %v, %+v", file, err, got)
		}
		page, known := got.Page()
		if _, promised := page.Promises["ACC-1"]; !known || !promised || page.Promises["CONN-1"] != "" {
			t.Errorf("%s promises %v", file, page.Promises)
		}
	}
}
