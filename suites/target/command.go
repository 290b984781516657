package target

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Command is a program and its arguments. YAML gives a list, which is run as
// it is, or a string, which /bin/sh runs when it holds more than words.
type Command []string

// shellMeta are the characters that make a string a shell's business.
const shellMeta = "|&;<>()$`\\\"'*?[]#~%!\n"

// shellWords are the commands that only a shell has.
var shellWords = []string{"exec", "cd", "ulimit", "umask", "export", "unset", "set", "trap", "source", ".", "eval", "if", "for", "while", "case", "{"}

// ParseCommand makes a command of a string.
func ParseCommand(s string) Command {
	words := strings.Fields(s)
	first, _, _ := strings.Cut(s, " ")
	if strings.ContainsAny(s, shellMeta) || strings.Contains(first, "=") || len(words) > 0 && slices.Contains(shellWords, words[0]) {
		return Command{"/bin/sh", "-c", s}
	}
	return words
}

// UnmarshalYAML reads a string or a list of strings.
func (c *Command) UnmarshalYAML(b []byte) error {
	var list []string
	if err := yaml.Unmarshal(b, &list); err == nil {
		*c = list
		return nil
	}
	var line string
	if err := yaml.Unmarshal(b, &line); err != nil {
		return errors.New("want a command line or a list of words")
	}
	*c = ParseCommand(line)
	return nil
}

// String is the command as one would type it.
func (c Command) String() string {
	if c.script() {
		return c[2]
	}
	words := make([]string, len(c))
	for i, w := range c {
		words[i] = w
		if w == "" || strings.ContainsAny(w, shellMeta+" \t") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// script reports whether the command is a line for a shell.
func (c Command) script() bool { return len(c) == 3 && c[0] == "/bin/sh" && c[1] == "-c" }

// placeholder is a word in braces that stands for something, as opposed to what
// shells and programs have braces for.
var placeholder = regexp.MustCompile(`(^|[^$])\{([A-Za-z][A-Za-z_-]*)\}`)

// Fillable says which placeholder of a command nobody can fill. The lines of a shell
// are left out: awk '{print}' is one.
func (f File) Fillable() error {
	for _, c := range []struct {
		key     string
		command Command
		known   []string
	}{{"start", f.Start, []string{"port", "socket", "scratch"}}, {"build", f.Build, []string{"scratch"}}} {
		if c.command.script() {
			continue
		}
		for _, word := range c.command {
			for _, found := range placeholder.FindAllStringSubmatch(word, -1) {
				if !slices.Contains(c.known, found[2]) {
					return fmt.Errorf("%s: unknown placeholder {%s}: use one of {%s}; where the braces are the server's own, let a shell run it: sh -c '…'", c.key, found[2], strings.Join(c.known, "}, {"))
				}
			}
		}
	}
	return nil
}
