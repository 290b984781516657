package session

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// speaksLines has a session speak a described dialect: each line comes back.
func speaksLines(setup *Setup) {
	d, err := dialect.ReadDescribed([]byte(`
name: lines
request: "{hex}\n"
reply: {line: "\n", is: "{hex}"}
payload: {min: 1, max: 100}
`), "lines.yaml")
	if err != nil {
		panic(err)
	}
	setup.Dialect = d
	setup.Info.Dialect = "lines"
}

// lines serves them; the nth connection ends behind as many replies as most says, with a
// last word that may be empty.
func lines(word string, most func(conn int) int) func(c *net.TCPConn) {
	var conns atomic.Int32
	return func(c *net.TCPConn) {
		left := most(int(conns.Add(1)))
		in := bufio.NewReader(c)
		for {
			if left == 0 && word == "" {
				return
			}
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if left == 0 {
				fmt.Fprintln(c, word)
				return
			}
			left--
			fmt.Fprint(c, line)
		}
	}
}

func always(n int) func(int) int { return func(int) int { return n } }

// How many requests a connection takes is found where it is the same number each time.
func TestLimitOfRequests(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(c *net.TCPConn)
		want  int
	}{
		"none":             {lines("", always(-1)), 0},
		"without a word":   {lines("", always(10)), 10},
		"in words":         {lines("421 too many", always(10)), 10},
		"the first":        {lines("", always(1)), 0},
		"two":              {lines("", always(2)), 2},
		"by chance":        {lines("", func(conn int) int { return 10 + conn }), 0},
		"more than is met": {lines("", always(mostTaken+1)), 0},
		"a full buffer": {func(c *net.TCPConn) { // of 1,000 bytes
			in := bufio.NewReader(c)
			for got := 0; got < 1000; {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				got += len(line)
				fmt.Fprint(c, line)
			}
		}, 0},
	} {
		var m Manners
		a := attempt(t, c.serve, func(s *Session) { m = s.Manners() }, speaksLines)
		if a.Failure != nil || a.HarnessError != "" || m.Bounds.Requests != c.want {
			t.Errorf("%s: %d requests, not %d: %+v", name, m.Bounds.Requests, c.want, a)
		}
		if c.want > 0 && !strings.Contains(strings.Join(m.Notes, "\n"), fmt.Sprintf("requests_per_connection: %d ", c.want)) {
			t.Errorf("%s: no note says it: %q", name, m.Notes)
		}
	}
}

// Further goes on with another connection, on which the same request has no excuse.
func TestFurther(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(c *net.TCPConn)
		ends  bool // and that is nobody's fault
	}{
		"without a word":         {lines("", always(7)), true},
		"in words":               {lines("421 too many", always(7)), true},
		"by chance":              {lines("", func(conn int) int { return 3 + conn }), true},
		"behind the first reply": {lines("", always(1)), false},
		"the same request twice": {lines("", func(conn int) int {
			if conn == 1 {
				return 7
			}
			return 0
		}), false},
		"half a reply": {func(c *net.TCPConn) {
			in := bufio.NewReader(c)
			for n := 1; n <= 7; n++ {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if n == 7 {
					line = line[:10]
				}
				fmt.Fprint(c, line)
			}
		}, false},
		"a wrong reply": {func(c *net.TCPConn) {
			in := bufio.NewReader(c)
			for n := 1; ; n++ {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if n == 7 {
					line = strings.Map(func(r rune) rune {
						if r == '0' {
							return '1'
						}
						return r
					}, "0"+line[1:])
				}
				fmt.Fprint(c, line)
			}
		}, false},
	} {
		a := attempt(t, c.serve, func(s *Session) {
			conn := s.Open()
			for range 20 {
				conn = conn.Further(func(c *Conn) { c.Exchange(s.Payload(20)) })
			}
		}, speaksLines)
		if (a.Failure == nil) != c.ends || a.HarnessError != "" || a.Untested != "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// In a dialect that promises that connections stay, an end is a failure.
func TestFurtherInEcho(t *testing.T) {
	a := attempt(t, func(c *net.TCPConn) {
		b := make([]byte, 100)
		for range 7 {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			_, _ = c.Write(b[:n])
		}
	}, func(s *Session) {
		conn := s.Open()
		for range 20 {
			conn = conn.Further(func(c *Conn) { c.Exchange(s.Payload(20)) })
		}
	})
	if a.Failure == nil || !strings.Contains(a.Failure.Reason, "the connection") {
		t.Errorf("%+v", a)
	}
}

// A failure that is the end of a connection names the number, if it is always the same.
func TestAnEndHintsAtALimit(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(c *net.TCPConn)
		want  string
	}{
		"a limit":   {lines("", always(400)), "say requests_per_connection: 400 "},
		"in words":  {lines("BYE", always(12)), "say requests_per_connection: 12 "},
		"the first": {lines("", always(1)), "after 1 request: "},
		"by chance": {lines("", func(conn int) int { return 10 + conn }), ""},
	} {
		a := attempt(t, c.serve, func(s *Session) {
			conn := s.Open()
			for range 1000 {
				conn.Exchange(s.Payload(20))
			}
		}, speaksLines)
		if a.Failure == nil || !strings.Contains(a.Failure.Why, c.want) || c.want == "" && a.Failure.Why != "" {
			t.Errorf("%s: %+v", name, a.Failure)
		}
	}
}
