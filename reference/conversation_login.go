package reference

import "github.com/reactorspec/reactorspec/spec/probe"

// login is the conversation of MAIN: lines that fill the client item step by
// step (S3). Its state is the item.
type login struct{ closing }

// maxLoginLine bounds a line of the login conversation, in bytes. The contract
// leaves it open; a longer one ends the conversation.
const maxLoginLine = 4096

func (login) OnOpen(*Conn) {}

func (login) OnData(c *Conn, data []byte) (used int) {
	var scratch [256]byte
	answers := scratch[:0]
	// Lines that came together are answered one by one, in order (SIGN-11).
	for !c.Congested() {
		line, n, err := probe.TakeLine(data[used:], maxLoginLine)
		if err != nil {
			_, _ = c.Write(append(answers, "ERR the line is too long\n"...))
			c.Close()
			return len(data)
		}
		if n == 0 {
			break
		}
		used += n
		// The item is the state, so that QUIT is taken at any step (SIGN-12), and what came
		// out of turn leaves no trace (SIGN-10).
		var closing bool
		if answers, closing = c.item.Login(answers, line); closing {
			_, _ = c.Write(answers)
			c.Close()
			return len(data)
		}
	}
	_, _ = c.Write(answers)
	return used
}
