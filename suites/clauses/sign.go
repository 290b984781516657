package clauses

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/reactorspec/reactorspec/spec/probe"
	"github.com/reactorspec/reactorspec/suites/session"
)

var sign = []session.Check{
	{Clause: "SIGN-1", Run: everyCommandIsAnswered},
	{Clause: "SIGN-2", Run: signOnInPieces},
	{Clause: "SIGN-3", Run: bytesBehindTheSignOn},
	{Clause: "SIGN-4", Run: unknownCommandsClose},
	{Clause: "SIGN-5", Run: endlessLineCloses},
	{Clause: "SIGN-6", Run: endBeforeTheNewline},
	{Clause: "SIGN-7", Run: numbersAreNotReused},
	{Clause: "SIGN-8", Run: slowSignOns},
	{Clause: "SIGN-9", Run: theItemIsCarried},
	{Clause: "SIGN-10", Run: outOfTurn},
	{Clause: "SIGN-11", Run: loginLinesTogether},
	{Clause: "SIGN-12", Run: quitAnswersBye},
	{Clause: "SIGN-13", Run: itemsAreApart},
}

// everyCommandIsAnswered signs on with each command that the target offers: OK and a connection
// number must come each time.
func everyCommandIsAnswered(s *session.Session) {
	commands := []string{"ECHO", "PROBE"}
	if offers(s, "sink") {
		commands = append(commands, "SINK")
	}
	if offers(s, "source") {
		commands = append(commands, "SOURCE 0", "SOURCE 10")
	}
	if offers(s, "login") {
		commands = append(commands, "MAIN")
	}
	for _, command := range commands {
		s.Converse(command).Close()
	}
}

// wantOK reads the answer to a sign-on that was sent by other means.
func wantOK(s *session.Session, c *session.Conn) {
	line := c.WantLine()
	var number uint64
	if n, err := fmt.Sscanf(line, "OK %d", &number); n != 1 || err != nil || line != fmt.Sprintf("OK %d", number) {
		s.Failf(session.Wrong, "the sign-on was answered "+session.Quoted([]byte(line)), `"OK <connection number>"`, session.Quoted([]byte(line)), "")
	}
}

// signOnInPieces sends the sign-on with LF and with CRLF, cut at each byte: OK must come, and data
// sent then must come back without a rest of the line.
func signOnInPieces(s *session.Session) {
	for _, line := range []string{"ECHO\n", "ECHO\r\n"} {
		for _, cuts := range append([][]int{nil, everyByte(len(line))}, eachCut(len(line))...) {
			c := s.Dial()
			inPieces(s, c, []byte(line), cuts...)
			wantOK(s, c)
			// What the answer promises: the conversation has begun, without a rest of the line in it.
			data := s.Payload(9)
			c.Send(data)
			c.Want(data, "the echo after a sign-on in pieces")
			c.Close()
		}
	}
}

// eachCut returns the ways to cut n bytes once.
func eachCut(n int) [][]int {
	var ways [][]int
	for i := 1; i < n; i++ {
		ways = append(ways, []int{i})
	}
	return ways
}

// bytesBehindTheSignOn sends the sign-on and the first data of each conversation together, and cut
// near the border: OK must come, and the answer to the data.
func bytesBehindTheSignOn(s *session.Session) {
	data := s.Payload(40)
	ping := probe.AppendRequest(nil, probe.Request{ID: 77, Verb: "PING", Args: []byte("early")})
	pong := probe.AppendReply(nil, probe.Reply{ID: 77, Status: probe.OK, Fields: []byte("early")})
	type opening struct {
		name         string
		sent, wanted []byte
		close        bool // the answer comes after FIN
	}
	openings := []opening{
		{"ECHO", append([]byte("ECHO\n"), data...), data, false},
		{"ECHO with carriage return", append([]byte("ECHO\r\n"), data...), data, false},
		{"PROBE", append([]byte("PROBE\n"), ping...), pong, false},
	}
	if offers(s, "sink") {
		openings = append(openings, opening{"SINK", append([]byte("SINK\n"), data...), []byte("SUNK 40\n"), true})
	}
	if offers(s, "login") {
		openings = append(openings, opening{"MAIN", []byte("MAIN\nUSER ann\n"), []byte("OK USER ann\n"), false})
	}
	for _, o := range openings {
		border := bytes.IndexByte(o.sent, '\n') + 1
		for _, cut := range []int{len(o.sent), border - 1, border + 1, border + 4} {
			c := s.Dial()
			inPieces(s, c, o.sent, cut)
			wantOK(s, c)
			if o.close {
				c.CloseWrite()
			}
			c.Want(o.wanted, "the answer to what followed "+o.name+" at once")
			c.Close()
		}
	}
}

// closedMute fails unless the server closes the connection without a byte.
func closedMute(s *session.Session, c *session.Conn, after string) {
	got, end := c.ReadAll(4096)
	switch {
	case len(got) > 0:
		s.Failf(session.Wrong, "the server answered "+after, "the connection is closed without an answer", session.Quoted(got), "")
	case end == session.Timeout:
		s.Failf(session.Late, "the connection is still open after "+after, "the connection is closed (FIN or RST)", "silence; the connection is open", "")
	}
	c.Close()
}

// unknownCommandsClose sends first lines that are unknown or malformed: each connection must be
// closed without a byte, and a fresh client be served.
func unknownCommandsClose(s *session.Session) {
	word := make([]byte, 8)
	for i := range word {
		word[i] = byte('A' + s.Rand.IntN(26))
	}
	lines := []string{"X" + string(word), "", "echo", "ECHOO", " ECHO", "-1", "GET / HTTP/1.0\r", "SOURCE", "SOURCE -1", "SOURCE ten", "SOURCE 1099511627777", "SOURCE 99999999999999999999"}
	for _, line := range lines {
		c := s.Dial()
		c.Send([]byte(line + "\n"))
		closedMute(s, c, "the first line "+session.Quoted([]byte(line)))
	}
	s.ServesFresh()
}

// endlessLineCloses sends first lines of 512 bytes and more, with a newline and without: each
// connection must be closed without a byte, and a fresh client be served.
func endlessLineCloses(s *session.Session) {
	for _, line := range []string{strings.Repeat("E", 512), strings.Repeat("E", 512) + "\n", strings.Repeat("ECHO", 16<<10)} {
		c := s.Dial()
		_, _ = c.TrySend([]byte(line)) // being cut off meanwhile is legal
		closedMute(s, c, fmt.Sprintf("%d bytes of a first line", len(line)))
	}
	s.ServesFresh()
}

// endBeforeTheNewline sends FIN before the newline of a sign-on: each connection must be closed
// without a byte, and a fresh client be served.
func endBeforeTheNewline(s *session.Session) {
	for _, start := range []string{"", "E", "ECHO", "PROBE\r"} {
		c := s.Dial()
		if start != "" {
			c.Send([]byte(start))
		}
		c.CloseWrite()
		closedMute(s, c, "FIN behind "+session.Quoted([]byte(start)))
	}
	s.ServesFresh()
}

// numbersAreNotReused signs on 150 times in turn, and then with 50 connections that stay: no
// connection number may be given twice.
func numbersAreNotReused(s *session.Session) {
	seen := map[uint64]bool{}
	note := func(c *session.Conn) {
		if seen[c.Number()] {
			s.Failf(session.Wrong, fmt.Sprintf("the connection number %d was given twice", c.Number()), "a number never given before",
				fmt.Sprintf("OK %d after %d other connections", c.Number(), len(seen)), "the number may be a descriptor or a slot, which are used again")
		}
		seen[c.Number()] = true
	}
	for range 150 {
		c := s.Converse("ECHO")
		note(c)
		c.Close()
	}
	if serial(s) {
		return
	}
	for range 50 {
		note(s.Converse("ECHO"))
	}
}

// slowSignOns leaves 20 clients amid their sign-on: others must be served meanwhile, and the 20 too
// once they send the rest.
func slowSignOns(s *session.Session) {
	slow := make([]*session.Conn, 20)
	for i := range slow {
		slow[i] = s.Dial()
		slow[i].Send([]byte("ECHO")[:1+i%4])
	}
	for range 3 {
		c := s.Open()
		c.Exchange(s.Payload(100))
		c.Close()
	}
	if offers(s, "idle-timeout") {
		return
	}
	for i, c := range slow {
		c.Send([]byte("ECHO\n")[1+i%4:])
		wantOK(s, c)
		c.Exchange(s.Payload(10))
		c.Close()
	}
}

// login is one MAIN conversation and the item that it should have by now.
type login struct {
	s     *session.Session
	c     *session.Conn
	user  string
	steps int
}

func logIn(s *session.Session) *login { return &login{s: s, c: s.Converse("MAIN"), user: "-"} }

// say sends a line and fails unless the answer is want.
func (l *login) say(line, want string) {
	l.c.Send([]byte(line + "\n"))
	l.hear(line, want)
}

func (l *login) hear(line, want string) {
	if got := l.c.WantLine(); got != want {
		l.s.Failf(session.Wrong, fmt.Sprintf("%s was answered %s", session.Quoted([]byte(line)), session.Quoted([]byte(got))),
			session.Quoted([]byte(want)), session.Quoted([]byte(got)), "")
	}
}

func (l *login) name(name string) {
	l.say("USER "+name, "OK USER "+name)
	l.user, l.steps = name, l.steps+1
}

func (l *login) key() {
	l.say("KEY sesame", "OK KEY")
	l.steps++
}

// show compares the item with what the steps so far make of it.
func (l *login) show() {
	l.say("SHOW", fmt.Sprintf("ITEM %d MAIN %s %d", l.c.Number(), l.user, l.steps))
}

// refused fails unless the line is answered ERR.
func (l *login) refused(line string) {
	l.c.Send([]byte(line + "\n"))
	if got := l.c.WantLine(); got != "ERR" && !strings.HasPrefix(got, "ERR ") {
		l.s.Failf(session.Wrong, fmt.Sprintf("%s out of turn was answered %s", session.Quoted([]byte(line)), session.Quoted([]byte(got))),
			"ERR <reason>", session.Quoted([]byte(got)), "")
	}
}

// theItemIsCarried goes through a login and asks SHOW after each step: the item must hold what the
// steps so far have put into it.
func theItemIsCarried(s *session.Session) {
	for _, name := range []string{"ann", "B7", strings.Repeat("z", 32)} {
		l := logIn(s)
		l.show()
		l.name(name)
		l.show()
		l.show()
		l.key()
		l.show()
		l.say("SAY good morning, all", "SAID "+name+" good morning, all")
		l.show()
		l.c.Close()
	}
}

// outOfTurn sends lines of a login before their turn: each must be answered ERR and change nothing
// in the item; in their turn the lines must work.
func outOfTurn(s *session.Session) {
	l := logIn(s)
	l.refused("KEY early")
	l.show()
	l.refused("SAY hello")
	l.show()
	l.name("eve")
	l.refused("SAY hello")
	l.show()
	l.key()
	l.say("SAY hello", "SAID eve hello")
	l.show()
	l.c.Close()
}

// loginLinesTogether sends the lines of a whole login at once, and byte by byte: all must be
// answered in order, up to BYE, and then the connection must be closed.
func loginLinesTogether(s *session.Session) {
	const lines = "MAIN\nUSER bob\nKEY k\nSHOW\nSAY one two\nSHOW\nQUIT\n"
	for _, cuts := range [][]int{nil, everyByte(len(lines))} {
		c := s.Dial()
		inPieces(s, c, []byte(lines), cuts...)
		answer := c.WantLine()
		var number uint64
		if n, _ := fmt.Sscanf(answer, "OK %d", &number); n != 1 {
			s.Failf(session.Wrong, "the sign-on was answered "+session.Quoted([]byte(answer)), `"OK <connection number>"`, session.Quoted([]byte(answer)), "")
		}
		l := &login{s: s, c: c}
		item := fmt.Sprintf("ITEM %d MAIN bob 2", number)
		l.hear("USER bob", "OK USER bob")
		l.hear("KEY k", "OK KEY")
		l.hear("SHOW", item)
		l.hear("SAY one two", "SAID bob one two")
		l.hear("SHOW", item)
		l.hear("QUIT", "BYE")
		c.WantClosed()
		c.Close()
	}
}

// quitAnswersBye sends QUIT behind none, one and two steps of a login, together with them and one
// by one: BYE must come, and then the end.
func quitAnswersBye(s *session.Session) {
	for _, before := range [][]string{nil, {"USER ann"}, {"USER ann", "KEY k"}} {
		for _, together := range []bool{false, true} {
			c := s.Converse("MAIN")
			l := &login{s: s, c: c}
			all := append(append([]string{}, before...), "QUIT")
			if together {
				c.Send([]byte(strings.Join(all, "\n") + "\n"))
			}
			for _, line := range all {
				if !together {
					c.Send([]byte(line + "\n"))
				}
				switch line {
				case "USER ann":
					l.hear(line, "OK USER ann")
				case "KEY k":
					l.hear(line, "OK KEY")
				default:
					l.hear(line, "BYE")
				}
			}
			c.WantClosed()
			c.Close()
		}
	}
}

// itemsAreApart runs 16 logins side by side, with their steps in random order, and replaces four:
// SHOW must give each of them its own item.
func itemsAreApart(s *session.Session) {
	logins := make([]*login, 16)
	for i := range logins {
		logins[i] = logIn(s)
	}
	name := func(i int) string { return fmt.Sprintf("user%d", i) }
	for _, i := range s.Rand.Perm(len(logins)) {
		logins[i].name(name(i))
	}
	for _, i := range s.Rand.Perm(len(logins)) {
		if i%2 == 0 {
			logins[i].key()
		}
	}
	for _, i := range s.Rand.Perm(len(logins)) {
		logins[i].show()
	}
	for i := range 4 {
		logins[i].c.Close()
		logins[i] = logIn(s)
		logins[i].show()
	}
	for _, l := range logins {
		l.show()
	}
}
