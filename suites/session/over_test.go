package session

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/reactorspec/reactorspec/suites/dialect"
)

// speaksHTTP has a session speak http, within bounds.
func speaksHTTP(b dialect.Bounds) func(*Setup) {
	return func(setup *Setup) {
		d, err := dialect.Lookup("http")
		if err != nil {
			panic(err)
		}
		setup.Dialect = dialect.Within(d, b)
		setup.Info.Dialect = "http"
	}
}

// answers serves HTTP; the reply to request n of a connection, counted from 1, has
// those lines in its header, and the connection ends behind it where goesOn is false.
func answers(header func(n int) (lines string, goesOn bool)) func(c *net.TCPConn) {
	return func(c *net.TCPConn) {
		in := bufio.NewReader(c)
		for n := 1; ; n++ {
			request, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			lines, goesOn := header(n)
			query := request.URL.RawQuery
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", lines, len(query), query)
			if !goesOn {
				return
			}
		}
	}
}

func third(n int) (string, bool) {
	if n == 3 {
		return "Connection: close\r\n", false
	}
	return "", true
}

// An announced end is nobody's fault: Next goes on, and who has more to say on the
// connection is untested.
func TestAnAnnouncedEnd(t *testing.T) {
	dials := 0
	a := attempt(t, answers(third), func(s *Session) {
		c := s.Open()
		for range 9 {
			next := c.Next()
			if next != c {
				dials++
			}
			c = next
			c.Exchange(s.Payload(10))
		}
	}, speaksHTTP(dialect.Bounds{}))
	if a.Failure != nil || a.Untested != "" || a.HarnessError != "" || dials != 2 {
		t.Errorf("%d connections more: %+v", dials, a)
	}
	a = attempt(t, answers(third), func(s *Session) {
		c := s.Open()
		for range 4 {
			c.Exchange(s.Payload(10))
		}
	}, speaksHTTP(dialect.Bounds{}))
	if a.Failure != nil || !strings.Contains(a.Untested, "after 3 replies") {
		t.Errorf("%+v", a)
	}
}

// An end that was not announced is the server's fault.
func TestAnEndWithoutAWord(t *testing.T) {
	a := attempt(t, answers(func(int) (string, bool) { return "Connection: keep-alive\r\n", false }), func(s *Session) {
		c := s.Open()
		c.Exchange(s.Payload(10))
		c = c.Next()
		c.Exchange(s.Payload(10))
	}, speaksHTTP(dialect.Bounds{}))
	if a.Failure == nil || a.Untested != "" {
		t.Errorf("%+v", a)
	}
}

// Where a dialect has one request for a connection, each is over behind its reply.
func TestOneRequestEach(t *testing.T) {
	a := attempt(t, echo, func(s *Session) {
		c := s.Open()
		c.Exchange(s.Payload(10))
		if !c.Over() || c.Next() == c {
			s.Failf(Wrong, "the connection goes on", "", "", "")
		}
	}, func(setup *Setup) { setup.Dialect = dialect.Within(setup.Dialect, dialect.Bounds{Requests: 1}) })
	if a.Failure != nil || a.Untested != "" {
		t.Errorf("%+v", a)
	}
}

// small answers requests of up to most bytes, and 431 to longer ones.
func small(most int) func(c *net.TCPConn) {
	return func(c *net.TCPConn) {
		in := bufio.NewReaderSize(c, 64<<10)
		for {
			request, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			query := request.URL.RawQuery
			if len(query) > most {
				fmt.Fprint(c, "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				return
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(query), query)
		}
	}
}

func TestManners(t *testing.T) {
	closes := answers(func(int) (string, bool) { return "Connection: close\r\n", false })
	for name, c := range map[string]struct {
		serve func(c *net.TCPConn)
		want  dialect.Bounds
		says  string
	}{
		"keeps":     {answers(func(int) (string, bool) { return "", true }), dialect.Bounds{}, ""},
		"sometimes": {answers(third), dialect.Bounds{}, ""},
		"closes":    {closes, dialect.Bounds{Requests: 1}, "behind its first reply"},
		"small":     {small(4000), dialect.Bounds{MaxPayload: 2000}, "431"},
	} {
		var m Manners
		a := attempt(t, c.serve, func(s *Session) { m = s.Manners() }, speaksHTTP(dialect.Bounds{}))
		if a.Failure != nil || a.HarnessError != "" || m.Bounds != c.want || !strings.Contains(strings.Join(m.Notes, "\n"), c.says) {
			t.Errorf("%s: %+v, %+v", name, m, a)
		}
	}
}

func TestNeeds(t *testing.T) {
	echo, err := dialect.Lookup("echo")
	if err != nil {
		t.Fatal(err)
	}
	one := dialect.Within(echo, dialect.Bounds{Requests: 1})
	if Need(0).Lacks(one) != "" || Several.Lacks(one) == "" || Payload.Lacks(one) != "" {
		t.Error("one request a connection: what is lacking is several requests, and nothing else")
	}
	page, err := dialect.NewHTTP(dialect.HTTP{Path: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if Several.Lacks(page) != "" || Payload.Lacks(page) == "" {
		t.Error("a constant dialect: what is lacking is a payload, and nothing else")
	}
}
