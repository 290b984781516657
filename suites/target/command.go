package target

import (
	"errors"
	"fmt"
	"path/filepath"
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

// shell reports whether a shell reads the words: a script, or sh -c in a list.
func (c Command) shell() bool {
	if len(c) < 3 || !strings.HasPrefix(c[1], "-") || !strings.HasSuffix(c[1], "c") {
		return false
	}
	return slices.Contains([]string{"sh", "bash", "dash", "ash", "ksh", "zsh"}, filepath.Base(c[0]))
}

// placeholder is a word in braces that stands for something, as opposed to what
// shells and programs have braces for.
var placeholder = regexp.MustCompile(`\{([A-Za-z][A-Za-z_-]*)\}`)

// Fillable says which placeholder of a command nobody can fill. A shell's line may have
// words in braces that are its own, awk '{print}' for one: only what looks like a
// misspelt placeholder is refused there.
func (f File) Fillable() error {
	for _, c := range []struct {
		key     string
		command Command
		known   []string
	}{{"start", f.Start, []string{"port", "socket", "scratch"}}, {"build", f.Build, []string{"scratch"}}} {
		shell := c.command.shell()
		for _, word := range c.command {
			for _, at := range placeholder.FindAllStringSubmatchIndex(word, -1) {
				name, before := word[at[2]:at[3]], word[:at[0]]
				own := strings.HasSuffix(before, "$") || shell && (strings.HasSuffix(before, "{") || !slices.ContainsFunc(c.known, func(known string) bool { return misspelt(name, known) }))
				if own || slices.Contains(c.known, name) {
					continue
				}
				otherwise := "let a shell run it: sh -c '…'"
				if shell {
					otherwise = "keep the line in a script of its own"
				}
				return fmt.Errorf("%s: unknown placeholder {%s}: use one of {%s}; where the braces are the server's own, %s", c.key, name, strings.Join(c.known, "}, {"), otherwise)
			}
		}
	}
	return nil
}

// misspelt reports whether a word is a name in capitals, or with one letter
// missing, one too many or two neighbours swapped. Another letter in place of one is no
// sign: part, post and sort are words of their own.
func misspelt(word, name string) bool {
	word = strings.ToLower(word)
	switch len(word) - len(name) {
	case 0:
		for i := 1; i < len(word); i++ {
			if word[:i-1]+word[i:i+1]+word[i-1:i]+word[i+1:] == name {
				return true
			}
		}
		return word == name
	case 1:
		return oneMore(word, name)
	case -1:
		return oneMore(name, word)
	}
	return false
}

// oneMore reports whether long is short with one letter more.
func oneMore(long, short string) bool {
	for i := range long {
		if long[:i]+long[i+1:] == short {
			return true
		}
	}
	return false
}
