package conversation

import (
	"bytes"
	"fmt"
	"strings"
)

// maxName bounds a user's name, in bytes, as the target contract does.
const maxName = 32

// item is the client item, as the login conversation fills it.
type item struct {
	number uint64
	user   string // "" before USER
	steps  int    // accepted USER and KEY lines
}

// login answers every whole line of the login conversation.
func (c *Conn) login(in []byte, write func([]byte)) (done bool) {
	c.held = append(c.held, in...)
	var out []byte
	for !done {
		line, rest, whole := bytes.Cut(c.held, []byte("\n"))
		if !whole {
			done = len(c.held) > maxFrame // nobody's line is that long
			break
		}
		var answer string
		answer, done = c.item.step(strings.TrimSuffix(string(line), "\r"))
		out = append(append(out, answer...), '\n')
		c.held = append([]byte(nil), rest...)
	}
	if len(out) > 0 {
		write(out)
	}
	return done
}

func (i *item) step(line string) (answer string, done bool) {
	word, text, _ := strings.Cut(line, " ")
	switch {
	case word == "USER" && i.steps == 0 && isName(text):
		i.user, i.steps = text, 1
		return "OK USER " + text, false
	case word == "KEY" && i.steps == 1 && text != "" && !strings.Contains(text, " "):
		i.steps = 2
		return "OK KEY", false
	case line == "SHOW":
		user := i.user
		if user == "" {
			user = "-"
		}
		return fmt.Sprintf("ITEM %d MAIN %s %d", i.number, user, i.steps), false
	case word == "SAY" && i.steps == 2:
		return "SAID " + i.user + " " + text, false
	case line == "QUIT":
		return "BYE", true
	}
	return "ERR out of turn", false
}

func isName(text string) bool {
	for _, r := range text {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') {
			return false
		}
	}
	return 0 < len(text) && len(text) <= maxName
}
