// Package target starts the server under test, or finds one that is already running. It
// waits until the server serves, and makes sure that nothing of a server that it
// started is left at the end.
package target

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/reactorspec/reactorspec/spec"
	"github.com/reactorspec/reactorspec/suites/dialect"
)

// File is a target file: what a server is, how it is built and started, and
// which failures of it are known.
type File struct {
	Name     string         `yaml:"name"`
	Upstream string         `yaml:"upstream"` // where the server comes from, a URL
	Version  string         `yaml:"version"`
	Language string         `yaml:"language"`
	Class    spec.Class     `yaml:"class"`    // empty if not known
	Dialect  string         `yaml:"dialect"`  // its name: a built-in one, one that ships, or that of Speaks
	Features []spec.Feature `yaml:"features"` // beyond what the dialect itself offers
	Limit    Bytes          `yaml:"limit"`    // unread output L of one connection, in bytes; 0 is undeclared
	// IdleTimeout is after how much silence the server closes a connection; 0 is undeclared.
	IdleTimeout Duration `yaml:"idle_timeout"`
	// MaxClients is how many clients at a time the server has room for; 0 is undeclared.
	// Who comes beyond waits, or is turned away: no check brings more.
	MaxClients int `yaml:"max_clients"`
	// Memory is how much the server's heap may grow before it is collected; 0 is undeclared.
	Memory   Bytes `yaml:"memory"`
	Greeting Bytes `yaml:"greeting"` // bytes that the server sends first on every connection, byte i being i mod 251
	// HTTP says what the http dialect asks for; nil asks for an echo.
	HTTP *dialect.HTTP `yaml:"http"`
	// Payload bounds what a request carries, beyond what the dialect does.
	Payload Payload `yaml:"payload"`
	// Build makes the server; it runs once before the first start. Start runs
	// it in the foreground. Both run in Dir.
	Build Command `yaml:"build"`
	Start Command `yaml:"start"`
	// User is under whom Start runs: a name, or uid[:gid]; empty is whoever runs reactorspec.
	User string `yaml:"user"`
	// Env is added to our own environment, in which PORT and
	// REACTORSPEC_NONCE are set as well.
	Env map[string]string `yaml:"env"`
	// Dir is where commands run, relative to the file's own directory.
	Dir string `yaml:"dir"`
	// ReadyTimeout bounds the time from start to the first accepted
	// connection, BuildTimeout that of Build.
	ReadyTimeout Duration `yaml:"ready_timeout"`
	BuildTimeout Duration `yaml:"build_timeout"`
	// Spec is the version of the spec that binds the target; clauses that came later do
	// not. Empty: all clauses bind.
	Spec     string     `yaml:"spec"`
	Expected []Expected `yaml:"expected"`
	// Promises are clauses that the target promises beyond what its dialect does, by ID,
	// or AllClauses. They bind it even where the dialect's page releases it.
	Promises []string `yaml:"promises"`

	// TLS is the transport below the dialect; nil is plain TCP.
	TLS *TLS `yaml:"tls"`

	// Path is where the file was read, empty for a target that has none.
	Path string `yaml:"-"`
	// Speaks is the dialect itself where it is described, in the target file or in
	// DialectFile, or was given as a value; nil where Dialect names one.
	Speaks      dialect.Dialect `yaml:"-"`
	DialectFile string          `yaml:"-"`
}

// Payload bounds the payload of a request, in bytes; 0 leaves the dialect's own bound.
type Payload struct {
	Min Bytes `yaml:"min"`
	Max Bytes `yaml:"max"`
}

// MaxGreeting bounds a greeting, in bytes: every connection of a run reads it.
const MaxGreeting = 1 << 30

// Expected is a known failure.
type Expected struct {
	Clause string `yaml:"clause"`
	Reason string `yaml:"reason"`
	Link   string `yaml:"link"`
	// Frequency is always or sometimes; always when not given.
	Frequency string `yaml:"frequency"`
}

// AllClauses among a file's promises stands for every clause that its dialect's page
// does not release.
const AllClauses = "all"

// The frequencies of an expected failure.
const (
	Always    = "always"
	Sometimes = "sometimes"
)

// The timeouts of a file that names none.
const (
	DefaultReadyTimeout = 15 * time.Second // a JVM on a busy machine takes seconds
	DefaultBuildTimeout = 10 * time.Minute // a cold Go build with downloads
)

// Duration is a time.Duration that YAML writes as "15s".
type Duration time.Duration

// UnmarshalYAML reads a duration in Go's form.
func (d *Duration) UnmarshalYAML(b []byte) error {
	var text string
	if err := yaml.Unmarshal(b, &text); err != nil {
		return err
	}
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is not a duration above 0: write 15s or 2m", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalYAML writes a duration in Go's form.
func (d Duration) MarshalYAML() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d Duration) or(otherwise time.Duration) time.Duration {
	if d > 0 {
		return time.Duration(d)
	}
	return otherwise
}

// Bytes is an amount that YAML writes as "512MiB", or as a number of bytes.
type Bytes int64

// units are the powers of two that an amount may be given in.
var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}}

// ParseBytes reads an amount above 0.
func ParseBytes(word string) (Bytes, error) {
	digits, unit := word, int64(1)
	for _, u := range units {
		if rest, found := strings.CutSuffix(word, u.name); found {
			digits, unit = strings.TrimSpace(rest), u.bytes
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a number of bytes above 0: write 512MiB, 4GiB or a plain number", word)
	}
	return Bytes(n * unit), nil
}

// UnmarshalYAML reads an amount. 0 is as good as no amount; a number below that is
// refused by whoever knows its key.
func (b *Bytes) UnmarshalYAML(text []byte) error {
	var plain int64
	if err := yaml.Unmarshal(text, &plain); err == nil {
		*b = Bytes(plain)
		return nil
	}
	var word string
	if err := yaml.Unmarshal(text, &word); err != nil {
		return err
	}
	amount, err := ParseBytes(word)
	*b = amount
	return err
}

// MarshalYAML writes an amount in the largest unit that leaves it whole.
func (b Bytes) MarshalYAML() ([]byte, error) { return []byte(b.String()), nil }

func (b Bytes) String() string {
	text := strconv.FormatInt(int64(b), 10)
	for _, u := range units {
		if b != 0 && int64(b)%u.bytes == 0 {
			text = strconv.FormatInt(int64(b)/u.bytes, 10) + u.name
		}
	}
	return text
}

// Load reads a target file. Errors name the file and the field.
func Load(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("target file: %w", err)
	}
	defer f.Close()
	file, err := Read(f, path)
	switch {
	case located(err):
		return File{}, err
	case err != nil:
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// maxFile bounds a target file, in bytes.
const maxFile = 1 << 20

// Read is Load from a reader; path says where relative directories start.
func Read(r io.Reader, path string) (File, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return File{}, err
	}
	if len(text) == maxFile {
		return File{}, fmt.Errorf("longer than %d bytes", maxFile)
	}
	var file File
	switch err := decode(text, path, &file); {
	case errors.Is(err, io.EOF):
		return File{}, errors.New("is empty: a target file needs at least name, dialect and start")
	case located(err):
		return File{}, err
	case err != nil:
		return File{}, placed(err, text, path)
	}
	if file.Speaks == nil {
		if err := file.Speak(file.Dialect, filepath.Dir(path)); err != nil {
			return File{}, err
		}
	}
	file.Path = path
	file.Dir = filepath.Join(filepath.Dir(path), file.Dir)
	for i := range file.Expected {
		if file.Expected[i].Frequency == "" {
			file.Expected[i].Frequency = Always
		}
	}
	return file, file.check()
}

// check finds what YAML's form does not show.
func (f File) check() error {
	if f.Name == "" {
		return errors.New("name: is missing")
	}
	if f.Dialect == "" {
		return fmt.Errorf("dialect: is missing: use one of %s, or describe one (spec/dialect-files.md)", strings.Join(dialect.Names(), ", "))
	}
	if f.Speaks == nil {
		if !slices.Contains(dialect.Names(), f.Dialect) {
			return fmt.Errorf("dialect: unknown %q: %s", f.Dialect, dialect.Choices(f.Dialect))
		}
	}
	if _, err := f.Speaker(); err != nil {
		return err
	}
	if f.Class != "" {
		if err := oneOf("class", f.Class, spec.Classes()); err != nil {
			return err
		}
	}
	for i, word := range f.Features {
		if err := oneOf(fmt.Sprintf("features[%d]", i), word, spec.Features()); err != nil {
			return err
		}
	}
	if err := f.TLS.check(); err != nil {
		return err
	}
	if err := checkUser(f.User); err != nil {
		return err
	}
	if f.Limit < 0 {
		return fmt.Errorf("limit: %d is below 0", f.Limit)
	}
	if f.Memory < 0 {
		return fmt.Errorf("memory: %d is below 0", f.Memory)
	}
	if f.MaxClients < 0 {
		return fmt.Errorf("max_clients: %d is below 0", f.MaxClients)
	}
	if f.Greeting < 0 || f.Greeting > MaxGreeting {
		return fmt.Errorf("greeting: %d is not between 0 and %d", f.Greeting, MaxGreeting)
	}
	if f.Spec != "" {
		if err := spec.CheckVersion(f.Spec); err != nil {
			return fmt.Errorf("spec: %w; a newer reactorspec may know it", err)
		}
	}
	if len(f.Start) == 0 {
		return errors.New("start: is missing: name the command that runs the server")
	}
	if err := f.Fillable(); err != nil {
		return err
	}
	for i, id := range f.Promises {
		if _, known := spec.Lookup(id); !known && id != AllClauses {
			return fmt.Errorf("promises[%d]: unknown clause %q: `reactorspec list` names them all, and %s stands for every one", i, id, AllClauses)
		}
	}
	for i, e := range f.Expected {
		field := func(name string) string { return fmt.Sprintf("expected[%d].%s", i, name) }
		if e.Clause == "" {
			return fmt.Errorf("%s: is missing", field("clause"))
		}
		if e.Reason == "" {
			return fmt.Errorf("%s: is missing: say why %s fails", field("reason"), e.Clause)
		}
		if err := oneOf(field("frequency"), e.Frequency, []string{Always, Sometimes}); err != nil {
			return err
		}
	}
	return nil
}

// oneOf checks a word of a vocabulary.
func oneOf[T ~string](field string, word T, words []T) error {
	if slices.Contains(words, word) {
		return nil
	}
	known := make([]string, len(words))
	for i, w := range words {
		known[i] = string(w)
	}
	return fmt.Errorf("%s: unknown %q: use one of %s", field, word, strings.Join(known, ", "))
}

// placed names the line of a YAML error, and shows what stands there.
func placed(err error, text []byte, path string) error {
	at := dialect.Located(err, path)
	if at == nil {
		head, _, _ := strings.Cut(err.Error(), "\n")
		return errors.New(head)
	}
	lines := bytes.Split(text, []byte("\n"))
	if at.Line > len(lines) {
		return at
	}
	const most = 200 // bytes of a line that are shown
	line := string(bytes.TrimSpace(lines[at.Line-1]))
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	if line != "" {
		at.Message += ": " + line
	}
	return at
}
