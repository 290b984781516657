package probe

import "bytes"

// Item is the client item that sign-on fills and the login conversation
// carries: who the connection is. It belongs to its connection's thread.
type Item struct {
	Conn    uint64 // the connection number, never reused by a server
	Command string // the sign-on command
	User    string // "" before USER
	Steps   int    // accepted USER and KEY lines
}

// AppendOK writes the line that answers an accepted sign-on.
func (i *Item) AppendOK(dst []byte) []byte {
	return append(appendDecimal(append(dst, "OK "...), i.Conn), '\n')
}

// Login takes one line of the login conversation, without its line end, and
// appends the answering line to dst. closing is true after QUIT: the server
// closes once the answer is delivered. A line out of turn changes nothing (SIGN-10), and
// QUIT is never out of turn (SIGN-12).
func (i *Item) Login(dst, line []byte) (answer []byte, closing bool) {
	step, text, _ := bytes.Cut(line, space)
	switch {
	case string(step) == "USER" && i.Steps > 0:
		dst = append(dst, "ERR the user is already named"...)
	case string(step) == "USER" && !isName(text):
		dst = append(dst, "ERR a name is 1 to 32 letters or digits"...)
	case string(step) == "USER":
		i.User, i.Steps = string(text), 1
		dst = append(append(dst, "OK USER "...), text...)
	case string(step) == "KEY" && i.Steps != 1:
		dst = append(dst, "ERR KEY comes once, after USER"...)
	case string(step) == "KEY" && (len(text) == 0 || bytes.IndexByte(text, ' ') >= 0):
		dst = append(dst, "ERR KEY takes one word"...)
	case string(step) == "KEY":
		i.Steps = 2
		dst = append(dst, "OK KEY"...)
	case string(line) == "SHOW":
		dst = i.appendShow(dst)
	case string(step) == "SAY" && i.Steps < 2:
		dst = append(dst, "ERR SAY comes after KEY"...)
	case string(step) == "SAY":
		dst = append(append(append(dst, "SAID "...), i.User...), ' ')
		dst = append(dst, text...)
	case string(line) == "QUIT":
		dst, closing = append(dst, "BYE"...), true
	default:
		dst = append(dst, "ERR unknown step"...)
	}
	return append(dst, '\n'), closing
}

func (i *Item) appendShow(dst []byte) []byte {
	dst = appendDecimal(append(dst, "ITEM "...), i.Conn)
	dst = append(append(append(dst, ' '), i.Command...), ' ')
	if i.User == "" {
		dst = append(dst, '-')
	}
	dst = append(append(dst, i.User...), ' ')
	return appendDecimal(dst, uint64(i.Steps))
}

// isName says which names an item carries, the longest of MaxName letters (SIGN-9).
func isName(text []byte) bool {
	if len(text) == 0 || len(text) > MaxName {
		return false
	}
	for _, c := range text {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return true
}
