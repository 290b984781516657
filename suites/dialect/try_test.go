package dialect

import (
	"net"
	"strings"
	"testing"
	"time"
)

// However much a server says, what is shown of it is short, and has its beginning and its end.
func TestTryIsBounded(t *testing.T) {
	forever := func(piece string) func(net.Conn) {
		return func(conn net.Conn) {
			for {
				if _, err := conn.Write([]byte(piece)); err != nil {
					return
				}
			}
		}
	}
	page, err := NewHTTP(HTTP{Path: "/"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		d      Dialect
		says   func(net.Conn)
		wanted []string
	}{
		"until":    {described(t, "request: \"x\"\nreply:\n  line: \"\\n\"\n  until: END\n"), forever("some\n"), []string{"one of several frames", "frames more, ", " bytes, not shown", "! want"}},
		"skip":     {described(t, "request: \"x\"\nreply:\n  line: \"\\n\"\n  skip: \"+{any}\"\n"), forever("+ more\n"), []string{"skipped", "frames more, ", "! want"}},
		"greeting": {described(t, "open:\n  - read: {line: \"\\n\", until: END}\nrequest: \"x\"\nreply: \"y\"\n"), forever("some\n"), []string{"open, step 1", "frames more, ", "! want"}},
		"no end":   {described(t, "request: \"x\"\nreply: {line: \"\\n\"}\n"), forever("some"), []string{"73 6f 6d 65", "bytes more, not shown", "! want"}},
		"big":      {described(t, "request: \"x\"\nreply:\n  size: 4000\n  until: END\n"), forever("some"), []string{"bytes more, not shown", "frames more, "}},
		"behind":   {described(t, "request: \"x\"\nreply: \"y\"\n"), forever("some"), []string{"what came behind it", "bytes more, not shown"}},
		"code":     {page, forever("HTTP/1.1 100 Continue\r\n\r\n"), []string{"bytes more, not shown"}},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := tcpPair(t)
			go c.says(server)
			var said strings.Builder
			if Try(&said, client, c.d, 300*time.Millisecond) {
				t.Error("it fits")
			}
			if lines := strings.Count(said.String(), "\n"); lines > 130 {
				t.Errorf("%d lines", lines)
			}
			for _, word := range c.wanted {
				if !strings.Contains(said.String(), word) {
					t.Errorf("%q is not in\n%s", word, said.String())
				}
			}
		})
	}
}

func described(t *testing.T, text string) *Described {
	t.Helper()
	d, err := ReadDescribed([]byte(text), "mine.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func tcpPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp4", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}
